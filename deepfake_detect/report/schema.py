"""The published JSON Schema (2020-12) of reports and failures, generated from the dataclasses.

``python -m deepfake_detect.report.schema > deepfake_detect/report/schema/report-1.json``
"""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin

from ..findings import SCHEMA_VERSION, Failure, Report
from .serialise import json_fields, required_fields

MAJOR = SCHEMA_VERSION.split(".")[0]
_JSON_VALUE: dict[str, Any] = {
    "description": "Any JSON value; numbers are finite.",
    "type": ["null", "boolean", "number", "string", "array", "object"],
    "items": {"$ref": "#/$defs/JsonValue"},
    "additionalProperties": {"$ref": "#/$defs/JsonValue"},
}
# Fields whose form the type alone does not tell.
_BY_NAME: dict[str, dict[str, Any]] = {
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "sha1": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
    "md5": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "schema": {"type": "string", "pattern": f"^{MAJOR}\\.[0-9]+\\.[0-9]+$"},
    "started": {"type": "string", "format": "date-time"},
}
# What ``facts`` holds, by detector; a detector that is not named here says so in its own documentation.
_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_SPOT = {
    "type": "object",
    "properties": {name: {"type": "integer"} for name in ("x", "y", "width", "height")} | {"share_of_suspect": _SHARE},
    "required": ["x", "y", "width", "height", "share_of_suspect"],
}
_FACTS: dict[str, dict[str, Any]] = {
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
    "original-match": {
        "description": "One file supplied as original that shares content; regions are in pixels of the examined file.",
        "type": "object",
        "properties": {
            "relation": {"enum": ["shares_content", "another_shot"]},
            "statement": _TEXT,
            "original": {
                "type": "object",
                "properties": {"path": _TEXT_OR_NULL, "sha256": _BY_NAME["sha256"], "supplied": _BY_NAME["started"],
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
            "same_regions", "different_regions", "order",
        ],
    },
}  # fmt: skip


def report_schema() -> dict[str, Any]:
    """The schema of one JSON document or JSONL line: a ``Report`` or a ``Failure``.

    Fields that are not listed are allowed: a reader ignores what a later minor version adds.
    """
    definitions: dict[str, Any] = {"JsonValue": _JSON_VALUE}
    roots = [_schema_of(cls, definitions) for cls in (Report, Failure)]
    definitions |= {f"Facts-{detector}": facts for detector, facts in _FACTS.items()}
    definitions["Finding"]["allOf"] = [
        {
            "if": {"properties": {"detector": {"const": detector}}},
            "then": {"properties": {"facts": {"$ref": f"#/$defs/Facts-{detector}"}}},
        }
        for detector in _FACTS
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:deepfake-detect:report:{MAJOR}",
        "title": f"deepfake-detect report, version {SCHEMA_VERSION}",
        "description": "The result of scanning one file, or the failure of a file without one. Ignore unknown fields.",
        "oneOf": roots,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(report_schema(), indent=2) + "\n"


def _schema_of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema_of(arg, definitions) for arg in args]}
    if origin is tuple and args[-1] is Ellipsis:
        return {"type": "array", "items": _schema_of(args[0], definitions)}
    if origin is tuple:
        items = [_schema_of(arg, definitions) for arg in args]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items), "maxItems": len(items)}
    if origin is Mapping:
        value = {"type": "string"} if args[1] is str else {"$ref": "#/$defs/JsonValue"}
        return {"type": "object", "additionalProperties": value}
    if is_dataclass(hint) or (isinstance(hint, type) and issubclass(hint, Enum)):
        return _reference(hint, definitions)
    return {"type": {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}[hint]}


def _reference(cls: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if cls.__name__ not in definitions:
        definitions[cls.__name__] = {}
        define = _enum_schema if issubclass(cls, Enum) else _object_schema
        definitions[cls.__name__] = {
            "description": " ".join((inspect.getdoc(cls) or "").split()),
            **define(cls, definitions),
        }
    return {"$ref": f"#/$defs/{cls.__name__}"}


def _enum_schema(cls: type[Enum], _: dict[str, Any]) -> dict[str, Any]:
    return {"enum": [member.value for member in cls]}


def _object_schema(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = json_fields(cls)
    return {
        "type": "object",
        "properties": {name: _field_schema(name, hint, definitions) for name, hint in hints.items()},
        "required": list(required_fields(cls)),
    }


def _field_schema(name: str, hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if name not in _BY_NAME:
        return _schema_of(hint, definitions)
    by_name = _BY_NAME[name]
    return {"anyOf": [by_name, {"type": "null"}]} if type(None) in get_args(hint) else by_name


if __name__ == "__main__":
    sys.stdout.write(schema_text())
