"""Content Credentials (C2PA): read and validated offline. What the file says can never make this use the network."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from ..errors import UsageError
from ..media import JsonValue
from .gaps import Gaps
from .metadata import clean

ABSENT, INVALID, UNKNOWN_SIGNER, TRUSTED = "absent", "invalid", "valid_unknown_signer", "trusted"
_STATES = {"Invalid": INVALID, "Valid": UNKNOWN_SIGNER, "Trusted": TRUSTED}
_EXCERPT = 200
_MAX_ITEMS = 32
_MANIFEST_STORE = b"jumdc2pa"  # JUMBF description box of a manifest store (ISO/IEC 19566-5, C2PA 2.x, 11.1)
_SEARCH_BLOCK = 1 << 20
_MIMES = {"audio/aac": None, "video/3gpp": "video/mp4", "audio/3gpp": "video/mp4"}
# The manifest of a claim, the actions it lists, and the source type of each.
_ACTIONS = ("c2pa.actions", "c2pa.actions.v2")


def read_credentials(file: BinaryIO, mime: str, trust_list: str | None, gaps: Gaps) -> dict[str, JsonValue]:
    """``state``: ``absent``, ``invalid``, ``valid_unknown_signer`` or ``trusted`` (only with ``trust_list``, PEM text).

    With a manifest also ``signer`` and ``issuer`` (names in the certificate, a claim unless trusted), ``generator``,
    ``actions``, ``digital_source_types``, ``ingredients`` (count), ``ingredient_source_types`` and ``codes`` (what
    validation found wrong). ``remote_manifest``: an address in the file where a manifest is said to be; it is never
    asked. Raises ``UsageError`` for a trust list that is no PEM.
    """
    import c2pa

    if trust_list is not None:
        check_trust_list(trust_list)
    media_type = _MIMES.get(mime, mime)
    if media_type is None or media_type not in c2pa.Reader.get_supported_mime_types():
        return {"state": ABSENT}
    file.seek(0)
    try:
        with c2pa.Context(_settings(trust_list)) as context, c2pa.Reader(media_type, file, context=context) as reader:
            return _describe(json.loads(reader.json()))
    except c2pa.C2paError.ManifestNotFound:
        return {"state": ABSENT}
    except (c2pa.C2paError, ValueError, KeyError, TypeError, AttributeError) as error:
        return _failed(file, str(error), gaps)


def check_trust_list(pem: str) -> None:
    """Raise ``UsageError`` unless ``pem`` holds certificates."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(
            "the trust list holds no certificate in PEM form", "Pass a file of -----BEGIN CERTIFICATE----- blocks."
        ) from error


def _settings(trust_list: str | None) -> Any:
    import c2pa

    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if trust_list is not None:
        settings["trust"] = {"user_anchors": trust_list}
    return c2pa.Settings.from_dict(settings)


def _failed(file: BinaryIO, message: str, gaps: Gaps) -> dict[str, JsonValue]:
    prefix = "Remote: must fetch remote manifests from url "
    if message.startswith(prefix):
        return {"state": ABSENT, "remote_manifest": clean(message.removeprefix(prefix), _EXCERPT)}
    if _holds_manifest(file):
        return {"state": INVALID, "codes": (clean(message, _EXCERPT),)}
    gaps.add("The file could not be searched for Content Credentials; it is damaged or unusual.")
    return {"state": ABSENT}


def _holds_manifest(file: BinaryIO) -> bool:
    file.seek(0)
    tail = b""
    while block := file.read(_SEARCH_BLOCK):
        if _MANIFEST_STORE in tail + block:
            return True
        tail = block[-len(_MANIFEST_STORE) :]
    return False


def _describe(store: Mapping[str, Any]) -> dict[str, JsonValue]:
    manifests = store.get("manifests") or {}
    active_label = store.get("active_manifest")
    active = manifests.get(active_label) or {}
    others = [manifest for label, manifest in manifests.items() if label != active_label]
    signature = active.get("signature_info") or {}
    found: dict[str, JsonValue] = {
        "state": _STATES.get(str(store.get("validation_state")), INVALID),
        "signer": _text(signature.get("common_name")),
        "issuer": _text(signature.get("issuer")),
        "signed_at": _text(signature.get("time")),
        "generator": _generator(active),
        "actions": _unique(_action_names(active)),
        "digital_source_types": _unique(_source_types(active)),
        "ingredients": len(active.get("ingredients") or ()),
        "ingredient_source_types": _unique(kind for manifest in others for kind in _source_types(manifest)),
        "codes": _unique(str(status.get("code")) for status in store.get("validation_status") or ()),
    }
    return {key: value for key, value in found.items() if value is not None}


def _text(value: object) -> str | None:
    return clean(str(value), _EXCERPT) if value else None


def _unique(values: Iterator[str]) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    for value in values:
        if len(kept) < _MAX_ITEMS:
            kept[clean(value, _EXCERPT)] = None
    return tuple(kept)


def _generator(manifest: Mapping[str, Any]) -> str | None:
    info: Mapping[str, Any] = next(iter(manifest.get("claim_generator_info") or ()), {})
    parts = [str(info[key]) for key in ("name", "version") if info.get(key)]
    return _text(" ".join(parts) or manifest.get("claim_generator"))


def _actions(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for assertion in manifest.get("assertions") or ():
        if str(assertion.get("label", "")).startswith(_ACTIONS):
            yield from (assertion.get("data") or {}).get("actions") or ()


def _action_names(manifest: Mapping[str, Any]) -> Iterator[str]:
    for action in _actions(manifest):
        agent = action.get("softwareAgent")
        name = agent.get("name") if isinstance(agent, Mapping) else agent
        yield f"{action.get('action', '')} by {name}" if name else str(action.get("action", ""))


def _source_types(manifest: Mapping[str, Any]) -> Iterator[str]:
    for action in _actions(manifest):
        kind = action.get("digitalSourceType") or (action.get("parameters") or {}).get("digitalSourceType")
        if kind:
            yield str(kind).rstrip("/").rsplit("/", 1)[-1]
