"""Reading what a worker sent: types, sizes and ranges are checked, nothing is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from ... import errors
from ...errors import IngestError
from ...media import ContainerFacts, JpegTables, JsonValue, MediaKind, StreamFacts
from ..gaps import Gaps
from ..limits import Limits
from ..metadata import clean
from .wire import Nonsense

T = TypeVar("T")

_BIG = 2**53
_SHORT = 200
_MAX_SENTENCES, _SENTENCE = 256, 2000
_MAX_STREAMS, _MAX_TABLES, _MAX_NODES, _MAX_DEPTH = 256, 4, 4096, 8
# The errors that a worker may send; all others are its own faults.
_ERRORS: dict[str, type[IngestError]] = {
    name: getattr(errors, name)
    for name in (
        "UnsupportedMediaError", "EmptyMediaError", "CorruptMediaError", "EncryptedMediaError", "LimitExceededError",
    )
}  # fmt: skip


def text(value: object, limit: int = _SHORT) -> str:
    """A string of at most ``limit`` characters that can be written as UTF-8; what does not print becomes spaces."""
    if not isinstance(value, str) or len(value) > limit:
        raise Nonsense(f"no text of at most {limit} characters")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Nonsense("text with half a character") from error
    return clean(value, limit)


def whole(value: object, low: int = -_BIG, high: int = _BIG) -> int:
    """An integer in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Nonsense(f"no integer from {low} to {high}")
    return value


def number(value: object, low: float = 0.0, high: float = _BIG) -> float:
    """A finite number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Nonsense(f"no number from {low:g} to {high:g}")
    return float(value)


def truth(value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise Nonsense("neither true nor false")
    return value


def items(value: object, most: int) -> list[Any]:
    """A list of at most ``most`` items."""
    if not isinstance(value, list) or len(value) > most:
        raise Nonsense(f"no list of at most {most}")
    return value


def optional(read: Callable[..., T], value: object, *bounds: Any) -> T | None:
    """None, or what ``read`` accepts."""
    return None if value is None else read(value, *bounds)


def sentences(value: object) -> Gaps:
    """Coverage gaps."""
    gaps = Gaps()
    for sentence in items(value, _MAX_SENTENCES):
        gaps.add(text(sentence, _SENTENCE))
    return gaps


def named(value: object, kind: type) -> dict[str, Any]:
    """An object with the fields of the dataclass ``kind``, no more and no fewer."""
    if not isinstance(value, dict) or value.keys() != {f.name for f in fields(kind)}:
        raise Nonsense(f"no {kind.__name__}")
    return value


def facts(value: object, limits: Limits) -> ContainerFacts:
    """What the container says, within the limits of one file."""
    f = named(value, ContainerFacts)
    return ContainerFacts(
        format=text(f["format"]),
        mime=text(f["mime"]),
        width=optional(whole, f["width"], 0),
        height=optional(whole, f["height"], 0),
        seconds=optional(number, f["seconds"]),
        frames=optional(whole, f["frames"], 0),
        orientation=optional(whole, f["orientation"]),
        streams=tuple(_stream(stream) for stream in items(f["streams"], _MAX_STREAMS)),
        jpeg=optional(_jpeg, f["jpeg"]),
        metadata=_metadata(f["metadata"], limits),
        provenance=_provenance(f["provenance"]),
    )


def media_kind(value: object) -> MediaKind:
    """Picture, video or sound."""
    try:
        return MediaKind(text(value))
    except ValueError as error:
        raise Nonsense("no kind of media") from error


def _stream(value: object) -> StreamFacts:
    f = named(value, StreamFacts)
    return StreamFacts(
        kind=text(f["kind"]),
        codec=text(f["codec"]),
        profile=optional(text, f["profile"]),
        width=optional(whole, f["width"]),
        height=optional(whole, f["height"]),
        pixel_format=optional(text, f["pixel_format"]),
        bit_depth=optional(whole, f["bit_depth"]),
        rotation=optional(whole, f["rotation"]),
        frame_rate=optional(number, f["frame_rate"]),
        variable_frame_rate=optional(truth, f["variable_frame_rate"]),
        sample_rate=optional(whole, f["sample_rate"]),
        channels=optional(whole, f["channels"]),
        bit_rate=optional(whole, f["bit_rate"]),
        seconds=optional(number, f["seconds"]),
        frames=optional(whole, f["frames"]),
    )


def _jpeg(value: object) -> JpegTables:
    f = named(value, JpegTables)
    tables = [items(table, 64) for table in items(f["tables"], _MAX_TABLES)]
    if any(len(table) != 64 for table in tables):
        raise Nonsense("a quantisation table without 64 values")
    return JpegTables(
        tuple(tuple(whole(step, 0, 65_535) for step in table) for table in tables),
        optional(whole, f["quality"], 0, 100),
    )


def _metadata(value: object, limits: Limits) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) > limits.max_metadata_entries:
        raise Nonsense("too much metadata")
    return {text(key): text(entry, limits.max_metadata_chars) for key, entry in value.items()}


def _provenance(value: object) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise Nonsense("no provenance")
    left = [_MAX_NODES]
    return {text(key): _json(entry, left, 1) for key, entry in value.items()}


def _json(value: object, left: list[int], depth: int) -> JsonValue:
    left[0] -= 1
    if left[0] < 0 or depth > _MAX_DEPTH:
        raise Nonsense("too many facts")
    if isinstance(value, dict):
        return {text(key): _json(entry, left, depth + 1) for key, entry in value.items()}
    if isinstance(value, list):
        return tuple(_json(entry, left, depth + 1) for entry in value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return whole(value)
    return number(value, -_BIG) if isinstance(value, float) else text(value, 4096)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error inside the worker that no file should be able to cause."""

    message: str


def failure(message: Mapping[str, Any]) -> IngestError | Fault:
    """The error that a worker reports."""
    kind = _ERRORS.get(text(message.get("error")))
    what, hint = text(message.get("message"), _SENTENCE), text(message.get("hint"), _SENTENCE)
    return kind(what, hint) if kind else Fault(what)


def describe(error: Exception) -> dict[str, str]:
    """The counterpart of ``failure``, in the worker."""
    if isinstance(error, IngestError):
        return {"error": type(error).__name__, "message": error.message[:_SENTENCE], "hint": error.hint[:_SENTENCE]}
    return {"error": "fault", "message": f"{type(error).__name__}: {error}"[:_SENTENCE], "hint": ""}
