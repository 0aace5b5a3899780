"""What ``facts`` of a finding hold, by detector, and the check of a document that was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ReportError
from .lines import ORIGINAL_MATCH

NOT_A_REPORT = "Give a report that this tool wrote, unchanged."
SHA256: Mapping[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
TIME: Mapping[str, Any] = {"type": "string", "format": "date-time"}
# What ``facts`` holds, by detector; a detector that is not named here says so in its own documentation.
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_SPOT = {
    "type": "object",
    "properties": {name: {"type": "integer"} for name in ("x", "y", "width", "height")} | {"share_of_suspect": _SHARE},
    "required": ["x", "y", "width", "height", "share_of_suspect"],
}
FACTS: dict[str, dict[str, Any]] = {
    "provenance": {
        "description": "Claims of the file about its origin, read by ``ingest.provenance``.",
        "type": "object",
        "properties": {
            "c2pa": {
                "description": "Content Credentials: the validation state and, with a manifest, what it claims.",
                "type": "object",
                "properties": {"state": {"enum": ["absent", "invalid", "valid_unknown_signer", "trusted"]}},
                "required": ["state"],
            },
            "digital_source_type": _TEXT_OR_NULL,
            "declared_origin": {"enum": ["synthetic", "composite", "camera", None]},
            "declared_by": {"enum": ["signed (trusted)", "signed (unknown signer)", "unsigned metadata", None]},
            "generator": _TEXT_OR_NULL,
            "traces": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"where": _TEXT, "tool": _TEXT, "excerpt": _TEXT},
                    "required": ["where", "tool", "excerpt"],
                },
            },
            "editing_tools": {"type": "array", "items": _TEXT},
        },
        "required": [
            "c2pa", "digital_source_type", "declared_origin", "declared_by", "generator", "traces", "editing_tools",
        ],
    },
    ORIGINAL_MATCH: {
        "description": "One file supplied as original that shares content; regions are in pixels of the examined file.",
        "type": "object",
        "properties": {
            "relation": {"enum": ["shares_content", "another_shot"]},
            "statement": _TEXT,
            "original": {
                "type": "object",
                "properties": {"path": _TEXT_OR_NULL, "sha256": SHA256, "supplied": TIME,
                               "supplied_by": _TEXT_OR_NULL},
                "required": ["path", "sha256", "supplied", "supplied_by"],
            },
            "log10_likelihood_ratio": {"type": ["number", "null"]},
            "propositions": {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2},
            "matching_places": {"type": "integer", "minimum": 0},
            "suspect_time": {"type": "number", "minimum": 0},
            "share_of_suspect_same": _SHARE,
            "share_of_suspect_different": _SHARE,
            "share_of_original_shown": _SHARE,
            "mirrored": {"type": "boolean"},
            "turned_degrees": {"type": "number"},
            "scale": {"type": "number", "exclusiveMinimum": 0},
            "bent": {"type": "boolean"},
            "grain": {
                "type": "object",
                "properties": {
                    "answer": {"enum": ["shared", "own", "undecided"]},
                    "correlation": {"type": ["number", "null"]},
                    "of_suspect": {"type": ["number", "null"]},
                    "of_original": {"type": ["number", "null"]},
                    "same_framing": {"type": "boolean"},
                },
                "required": ["answer", "correlation", "same_framing"],
            },
            "zones": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "zone": {"enum": ["face", "body", "surroundings"]},
                        "subject": _TEXT,
                        "state": {"enum": ["same", "differs", "differs_in_part", "undecided", "not_covered"]},
                        "share_covered": _SHARE,
                        "share_different": _SHARE,
                    },
                    "required": ["zone", "subject", "state", "share_covered", "share_different"],
                },
            },
            "same_regions": {"type": "array", "items": _SPOT},
            "different_regions": {"type": "array", "items": _SPOT},
            "order": {"type": "array", "items": _TEXT},
        },
        "required": [
            "relation", "statement", "original", "log10_likelihood_ratio", "propositions", "matching_places", "zones",
            "same_regions", "different_regions", "order", "share_of_suspect_same", "share_of_suspect_different",
            "share_of_original_shown", "mirrored", "turned_degrees", "scale",
        ],
    },
}  # fmt: skip

_TYPES: Mapping[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (tuple,),  # of a finding, as it is read
    "object": (Mapping,),
}


def check_facts(detector: str, facts: Mapping[str, Any], where: str) -> None:
    """Raise ``ReportError`` naming the first fact of a match that is missing or of a wrong kind; those of other
    detectors are shown as they are.

    What ``FACTS`` does not list is allowed, and so is another word where a few are listed: a later minor version may
    add one.
    """
    if detector == ORIGINAL_MATCH:
        _check(FACTS[detector], facts, where)


def _check(schema: Mapping[str, Any], value: Any, where: str) -> None:
    kinds = _kinds(schema)
    if kinds and not any(_is(value, kind) for kind in kinds):
        raise _wrong(f"{where}: expected {' or '.join(kinds)}")
    if isinstance(value, Mapping):
        for name in schema.get("required", ()):
            if name not in value:
                raise _wrong(f"{where}.{name}: the field is missing")
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                _check(inner, value[name], f"{where}.{name}")
    if isinstance(value, tuple):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            raise _wrong(f"{where}: expected a list of {schema['minItems']}")
        for i, item in enumerate(value):
            _check(schema.get("items", {}), item, f"{where}[{i}]")


def _kinds(schema: Mapping[str, Any]) -> tuple[str, ...]:
    if "enum" in schema:
        return ("string", "null") if None in schema["enum"] else ("string",)
    kinds = schema.get("type", ())
    return (kinds,) if isinstance(kinds, str) else tuple(kinds)


def _is(value: Any, kind: str) -> bool:
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _wrong(text: str) -> ReportError:
    return ReportError(text, NOT_A_REPORT)
