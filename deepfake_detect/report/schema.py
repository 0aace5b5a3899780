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
from .facts import FACTS, SHA256, TIME
from .serialise import json_fields, required_fields

MAJOR = SCHEMA_VERSION.split(".")[0]
_JSON_VALUE: dict[str, Any] = {
    "description": "Any JSON value; numbers are finite.",
    "type": ["null", "boolean", "number", "string", "array", "object"],
    "items": {"$ref": "#/$defs/JsonValue"},
    "additionalProperties": {"$ref": "#/$defs/JsonValue"},
}
# Fields whose form the type alone does not tell.
_BY_NAME: dict[str, Mapping[str, Any]] = {
    "sha256": SHA256,
    "sha1": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
    "md5": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "schema": {"type": "string", "pattern": f"^{MAJOR}\\.[0-9]+\\.[0-9]+$"},
    "started": TIME,
}


def report_schema() -> dict[str, Any]:
    """The schema of one JSON document or JSONL line: a ``Report`` or a ``Failure``.

    Fields that are not listed are allowed: a reader ignores what a later minor version adds.
    """
    definitions: dict[str, Any] = {"JsonValue": _JSON_VALUE}
    roots = [_schema_of(cls, definitions) for cls in (Report, Failure)]
    definitions |= {f"Facts-{detector}": facts for detector, facts in FACTS.items()}
    definitions["Finding"]["allOf"] = [
        {
            "if": {"properties": {"detector": {"const": detector}}},
            "then": {"properties": {"facts": {"$ref": f"#/$defs/Facts-{detector}"}}},
        }
        for detector in FACTS
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


def _field_schema(name: str, hint: Any, definitions: dict[str, Any]) -> Mapping[str, Any]:
    if name not in _BY_NAME:
        return _schema_of(hint, definitions)
    by_name = _BY_NAME[name]
    return {"anyOf": [by_name, {"type": "null"}]} if type(None) in get_args(hint) else by_name


if __name__ == "__main__":
    sys.stdout.write(schema_text())
