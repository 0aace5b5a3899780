"""Frozen dataclasses <-> JSON, driven by their type hints.

Field names are the keys, unchanged; enums are their values, tuples lists. A field declared ``compare=False`` (the
bytes of a picture) is no part of the JSON. The text is pure ASCII, so it survives every console and every file name,
undecodable ones included.
"""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ..errors import ReportError
from ..findings import SCHEMA_VERSION, Failure, Finding, Report
from .facts import NOT_A_REPORT, check_facts

T = TypeVar("T")
_DEFECT = "This is a defect of a detector: tell its authors."
_TYPE_NAMES = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


def report_to_json(report: Report, indent: int | None = None) -> str:
    """The report as JSON text that ``schema/report-1.json`` describes. Raises ``ReportError`` on a number that is not
    finite or a wrong type.
    """
    return to_json(report, indent)


def failure_to_json(failure: Failure, indent: int | None = None) -> str:
    """The failure as JSON text, a line of its own among reports."""
    return to_json(failure, indent)


def report_from_json(text: str | bytes) -> Report:
    """Read what ``report_to_json`` wrote; unknown fields are ignored. Raises ``ReportError`` naming the field that is
    missing or wrong.
    """
    return from_json(Report, text)


def result_from_json(text: str | bytes) -> Report | Failure:
    """Read a line of JSON Lines: a report, or the failure of a file that has none. Raises ``ReportError``."""
    data = _parse(text)
    if isinstance(data, dict) and "media" not in data and "message" in data:
        return _decode_versioned(Failure, data)
    return _decode_versioned(Report, data)


def to_json(value: object, indent: int | None = None) -> str:
    """Any of the library's dataclasses as JSON text. Raises ``ReportError`` rather than write what ``from_json``
    would refuse.
    """
    try:
        data = _encode(value, "")
        _decode(type(value), data, "")
        return json.dumps(data, indent=indent, allow_nan=False)
    except RecursionError as error:
        raise ReportError("the report is nested too deeply", _DEFECT) from error


def from_json(cls: type[T], text: str | bytes) -> T:
    """Read a dataclass from JSON text; one with a field ``schema`` must be of this major version. Raises
    ``ReportError``.
    """
    return _decode_versioned(cls, _parse(text))


def json_fields(cls: type) -> dict[str, Any]:
    """The fields of a dataclass that its JSON has, with their resolved type hints."""
    hints = _hints(cls)
    return {name: hints[name] for name in _field_names(cls)}


def required_fields(cls: type) -> tuple[str, ...]:
    """The fields that a document must have: those without a default. What a later minor version adds has one, so that
    older documents stay readable; the version itself is never left out.
    """
    return _required(cls)


@cache
def _required(cls: type) -> tuple[str, ...]:
    return tuple(
        f.name
        for f in fields(cls)
        if f.compare and (f.name == "schema" or (f.default is MISSING and f.default_factory is MISSING))
    )


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


@cache
def _field_names(cls: type) -> tuple[str, ...]:
    return tuple(f.name for f in fields(cls) if f.compare)


def _encode(value: object, where: str) -> Any:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ReportError(f"{where}: {value} is not a finite number", _DEFECT)
        return float(value)
    if isinstance(value, tuple | list):
        return [_encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {_key(key, where): _encode(item, _join(where, str(key))) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _encode(getattr(value, name), _join(where, name)) for name in _field_names(type(value))}
    raise ReportError(f"{where}: a {type(value).__name__} has no JSON form", _DEFECT)


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise ReportError(f"{where}: the key {key!r} is not text", _DEFECT)
    return str(key)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _parse(text: str | bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"not a report in JSON: {error}", NOT_A_REPORT) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a finite number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a field stands twice in one object")
    return result


def _decode_versioned(cls: type[T], data: Any) -> T:
    if isinstance(data, dict) and "schema" in json_fields(cls):
        _check_version(data.get("schema"))
    try:
        result: T = _decode(cls, data, "")
    except RecursionError as error:
        raise ReportError("the report is nested too deeply", NOT_A_REPORT) from error
    return result


def _check_version(version: object) -> None:
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+\.\d+", version, re.ASCII):
        raise ReportError("schema: the version is missing or is not of the form 1.2.3", NOT_A_REPORT)
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise ReportError(
            f"schema: version {version} cannot be read, this tool reads {SCHEMA_VERSION.split('.')[0]}.x",
            "Use the version of deepfake-detect that wrote the report.",
        )


def _decode(hint: Any, value: Any, where: str) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return _decode_optional(hint, value, where)
    if get_origin(hint) is tuple:
        return _decode_tuple(get_args(hint), value, where)
    if get_origin(hint) is Mapping:
        return _decode_mapping(get_args(hint)[1], value, where)
    if isinstance(hint, type) and is_dataclass(hint):
        return _decode_dataclass(hint, value, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError as error:
            raise _wrong(where, " or ".join(str(member.value) for member in hint), value) from error
    return _decode_plain(hint, value, where)


def _decode_optional(hint: Any, value: Any, where: str) -> Any:
    """``X | None``, the only union in the records."""
    if value is None:
        return None
    (inner,) = (arg for arg in get_args(hint) if arg is not type(None))
    return _decode(inner, value, where)


def _decode_tuple(args: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _wrong(where, "a list", value)
    if args[-1] is Ellipsis:
        return tuple(_decode(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if len(value) != len(args):
        raise _wrong(where, f"a list of {len(args)}", value)
    return tuple(_decode(arg, item, f"{where}[{i}]") for i, (arg, item) in enumerate(zip(args, value, strict=True)))


def _decode_mapping(item_hint: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    if item_hint is str:
        return {key: _decode(str, item, _join(where, key)) for key, item in value.items()}
    return {key: _decode_free(item, _join(where, key)) for key, item in value.items()}


def _decode_free(value: Any, where: str) -> Any:
    """A ``JsonValue``: anything finite, lists as tuples."""
    if isinstance(value, list):
        return tuple(_decode_free(item, f"{where}[{i}]") for i, item in enumerate(value))
    if isinstance(value, dict):
        return {key: _decode_free(item, _join(where, key)) for key, item in value.items()}
    return _decode_plain(float, value, where) if isinstance(value, float) else value


def _decode_dataclass(cls: type[T], value: Any, where: str) -> T:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    arguments = {}
    for name, hint in json_fields(cls).items():
        if name not in value and name not in required_fields(cls):
            continue
        if name not in value:
            raise ReportError(f"{_join(where, name)}: the field is missing", NOT_A_REPORT)
        arguments[name] = _decode(hint, value[name], _join(where, name))
    if cls is Finding:
        check_facts(arguments["detector"], arguments.get("facts", {}), _join(where, "facts"))
    try:
        return cls(**arguments)
    except ValueError as error:
        raise ReportError(f"{where}: {error}", NOT_A_REPORT) from error


def _decode_plain(hint: Any, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError as error:
            raise _wrong(where, "a finite number", value) from error
        if math.isfinite(number):
            return number
        raise _wrong(where, "a finite number", value)
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is hint:
        return value
    raise _wrong(where, _TYPE_NAMES[hint], value)


def _wrong(where: str, expected: str, value: object) -> ReportError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return ReportError(f"{where or 'the report'}: expected {expected}, not {shown}", NOT_A_REPORT)
