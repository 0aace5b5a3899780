"""What a file declares of its origin: Content Credentials, IPTC Digital Source Type, traces of generators and editors.

Nothing here looks at the content, and a file without any of it is the ordinary case.
"""

from __future__ import annotations

from typing import BinaryIO

from ..media import ContainerFacts, JsonValue
from .credentials import TRUSTED, UNKNOWN_SIGNER, read_credentials
from .gaps import Gaps
from .traces import declared_source_types, editing_tools, generator_traces

_MAX_TRACES = 32

# IPTC NewsCodes, Digital Source Type (http://cv.iptc.org/newscodes/digitalsourcetype/, 2024-10). Codes that say
# nothing of a camera # or a generator (screenCapture, humanEdits, algorithmicallyEnhanced, digitalCreation, ...)
# declare no origin.
_SYNTHETIC = {"trainedAlgorithmicMedia", "algorithmicMedia", "virtualRecording"}
_COMPOSITE = {"composite", "compositeCapture", "compositeSynthetic", "compositeWithTrainedAlgorithmicMedia"}
_CAMERA = {"digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print", "minorHumanEdits"}
_SIGNED = {TRUSTED: "signed (trusted)", UNKNOWN_SIGNER: "signed (unknown signer)"}
UNSIGNED = "unsigned metadata"


def read_provenance(file: BinaryIO, facts: ContainerFacts, gaps: Gaps, trust_list: str | None) -> dict[str, JsonValue]:
    """Facts under fixed keys, all claims of the file.

    ``c2pa``: see ``read_credentials``. ``digital_source_type``: the IPTC code that counts. ``declared_origin``:
    ``synthetic``, ``composite``, ``camera`` or None. ``declared_by``: ``signed (trusted)``, ``signed (unknown
    signer)``, ``unsigned metadata`` or None. ``generator``: a name or None. ``traces``: {where, tool, excerpt} each.
    ``editing_tools``: names as written.
    """
    credentials = read_credentials(file, facts.mime, trust_list, gaps)
    traces = generator_traces(facts.metadata)[:_MAX_TRACES]
    kind, origin, by = _declaration(credentials, facts, bool(traces))
    signed_generator = credentials.get("generator") if by in _SIGNED.values() and origin != "camera" else None
    return {
        "c2pa": credentials,
        "digital_source_type": kind,
        "declared_origin": origin,
        "declared_by": by,
        "generator": signed_generator or (traces[0].tool if traces else None),
        "traces": tuple({"where": t.where, "tool": t.tool, "excerpt": t.excerpt} for t in traces),
        "editing_tools": editing_tools(facts.metadata),
    }


def _declaration(
    credentials: dict[str, JsonValue], facts: ContainerFacts, traced: bool
) -> tuple[str | None, str | None, str | None]:
    """(code, origin, who says so): a valid signature first, then XMP, then the trace of a generator.

    Credentials that do not validate declare nothing.
    """
    state = credentials["state"]
    if state in _SIGNED:
        kind, origin = _strongest(_strings(credentials.get("digital_source_types")))
        if origin is None and _strongest(_strings(credentials.get("ingredient_source_types")))[1] in (
            "synthetic",
            "composite",
        ):
            origin = "composite"
        if origin:
            return kind, origin, _SIGNED[str(state)]
    kind, origin = _strongest(tuple(declared_source_types(facts.metadata)))
    if origin:
        return kind, origin, UNSIGNED
    return (kind, "synthetic", UNSIGNED) if traced else (kind, None, None)


def _strings(value: JsonValue) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, tuple) else ()


def _strongest(kinds: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The code that says most: synthetic before composite before camera before none of them."""
    for codes, origin in ((_SYNTHETIC, "synthetic"), (_COMPOSITE, "composite"), (_CAMERA, "camera")):
        for kind in kinds:
            if kind in codes:
                return kind, origin
    return (kinds[0] if kinds else None), None
