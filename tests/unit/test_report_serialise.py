"""Reports as JSON: exact round trip, strict reading, and agreement with the published schema."""

from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from make_report import HOSTILE, make_clean_report, make_failure, make_hostile_report, make_report

from deepfake_detect import findings, media
from deepfake_detect.errors import ReportError
from deepfake_detect.findings import Failure, Label, Reason, Report
from deepfake_detect.ingest import open_media
from deepfake_detect.report.jsonl import write_jsonl
from deepfake_detect.report.schema import report_schema, schema_text
from deepfake_detect.report.serialise import (
    failure_to_json,
    from_json,
    json_fields,
    report_to_json,
    required_fields,
    result_from_json,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "report.json"
FREE = {  # mappings: their keys are data
    "facts", "metadata", "provenance", "options", "packages", "error_rates", "false_alarms", "explanations",
}  # fmt: skip
REPORTS = (make_report, make_clean_report, make_hostile_report)


def _validator() -> Draft202012Validator:
    return Draft202012Validator(report_schema())


def test_the_committed_report_is_what_is_written_and_read() -> None:
    text = GOLDEN.read_text(encoding="ascii")
    assert make_report().to_json(indent=2) + "\n" == text
    assert Report.from_json(text) == make_report()


@pytest.mark.parametrize("make", REPORTS)
def test_round_trip_is_exact(make: Callable[[], Report]) -> None:
    report = make()
    text = report.to_json()
    assert text.isascii() and "\n" not in text
    assert Report.from_json(text) == report
    assert Report.from_json(text.encode()) == report
    assert Report.from_json(text).to_json() == text


def test_pictures_are_named_not_embedded() -> None:
    image = json.loads(make_report().to_json())["subjects"][0]["evidence"][0]["image"]
    assert set(image) == {"sha256", "width", "height"}


def test_failure_round_trip() -> None:
    for failure in (make_failure(), replace(make_failure(), path=None, sha256=None)):
        assert result_from_json(failure_to_json(failure)) == failure
    assert result_from_json(make_report().to_json()) == make_report()


def test_jsonl_is_one_result_a_line(tmp_path: Path) -> None:
    results: list[Report | Failure] = [make_hostile_report(), make_failure(), make_report()]
    path = tmp_path / "results.jsonl"
    with path.open("w", encoding="ascii") as stream:
        write_jsonl(iter(results), stream)
    assert [result_from_json(line) for line in path.read_bytes().splitlines()] == results


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_never_written(number: float) -> None:
    report = make_report()
    finding = report.findings[0]
    bad = {
        "findings[0].score": replace(finding, score=number),
        "findings[0].interval[1]": replace(finding, interval=(0.0, number)),
        "findings[0].facts.a.b[1]": replace(finding, facts={"a": {"b": (1, number)}}),
    }
    for where, changed in bad.items():
        with pytest.raises(ReportError, match=r".*" + where.replace("[", r"\[")):
            report_to_json(replace(report, findings=(changed,)))


def test_values_of_foreign_types_are_never_written() -> None:
    report = make_report()
    for score in (object(), "0.5", True, b"1"):
        with pytest.raises(ReportError, match="score"):
            report_to_json(replace(report, findings=(replace(report.findings[0], score=score),)))  # type: ignore[arg-type]


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document that has a fixed meaning."""
    if path:
        yield path
    if isinstance(value, dict) and not (path and path[-1] in FREE):
        for key, item in value.items():
            yield from _places(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value[:2]):
            yield from _places(item, (*path, i))


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def _name(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _defaults() -> set[str]:
    """Names of the fields that an older document may lack, whichever dataclass they stand in."""
    return {
        name
        for cls in (*vars(findings).values(), *vars(media).values())
        if isinstance(cls, type) and is_dataclass(cls)
        for name in set(json_fields(cls)) - set(required_fields(cls))
    }


def test_every_missing_field_is_named_and_refused_by_reader_and_schema() -> None:
    document, validator = json.loads(GOLDEN.read_bytes()), _validator()
    places = [path for path in _places(document) if isinstance(path[-1], str) and path[-1] not in _defaults()]
    assert len(places) > 100
    for path in places:
        broken = copy.deepcopy(document)
        del _at(broken, path[:-1])[path[-1]]
        with pytest.raises(ReportError) as caught:
            Report.from_json(json.dumps(broken))
        assert path[-1] in caught.value.message, path
        assert not validator.is_valid(broken), path


def test_an_older_report_stays_readable_and_valid() -> None:
    """As version 1.0.0 wrote it: later fields are missing and read as their defaults."""
    text = GOLDEN.with_name("report-1.0.0.json").read_bytes()
    assert b'"deliveries"' not in text
    older = Report.from_json(text)
    assert older.schema == "1.0.0" and older.findings[0].deliveries == ()
    now = make_report()
    assert (older.media, older.verdict, older.abstentions) == (now.media, now.verdict, now.abstentions)
    assert [d.explanations for d in older.run.detectors] == [{}] * 3
    _validator().validate(json.loads(text))


def test_a_document_without_its_version_is_refused() -> None:
    document = json.loads(GOLDEN.read_bytes())
    del document["schema"]
    assert not _validator().is_valid(document)
    with pytest.raises(ReportError, match="schema"):
        Report.from_json(json.dumps(document))


def test_every_wrong_type_is_named_and_refused_by_reader_and_schema() -> None:
    document, validator = json.loads(GOLDEN.read_bytes()), _validator()
    for path in _places(document):
        value = _at(document, path)
        wrong: Any = [{}] if isinstance(value, dict) else {"x": 1} if isinstance(value, list) else [value]
        broken = copy.deepcopy(document)
        _at(broken, path[:-1])[path[-1]] = wrong
        with pytest.raises(ReportError) as caught:
            Report.from_json(json.dumps(broken))
        assert caught.value.message.startswith(_name(path)), (path, caught.value.message)
        assert not validator.is_valid(broken), path


def test_unknown_fields_are_ignored_everywhere() -> None:
    document = json.loads(GOLDEN.read_bytes())
    for path in [(), *(p for p in _places(document) if p[-1] not in FREE and isinstance(_at(document, p), dict))]:
        _at(document, path)["a_field_of_tomorrow"] = {"x": [1]}
    assert Report.from_json(json.dumps(document)) == make_report()
    _validator().validate(document)


def test_versions() -> None:
    text = make_report().to_json()
    assert Report.from_json(text.replace('"schema": "1.1.0"', '"schema": "1.9.3"')).schema == "1.9.3"
    for version in ('"2.0.0"', '"0.9.0"', '"1"', "null", "1", '"1.0.0\\n"', '"१.0.0"'):
        with pytest.raises(ReportError, match="schema"):
            Report.from_json(text.replace('"schema": "1.1.0"', f'"schema": {version}'))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "1",
        '"x"',
        "{",
        b"\xff\xfe\x00",
        "NaN",
        '{"media": NaN}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"x": 1, "x": 1}',
    ],
)
def test_what_is_no_report_is_refused(text: str | bytes) -> None:
    with pytest.raises(ReportError):
        Report.from_json(text)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "Infinity", "NaN", "1" + "0" * 400])
def test_numbers_that_are_not_finite_are_never_read(number: str) -> None:
    text = make_report().to_json().replace('"score": 0.873', f'"score": {number}')
    assert number in text
    with pytest.raises(ReportError):
        Report.from_json(text)
    in_facts = make_report().to_json().replace('"face_px": 212.0', f'"face_px": {number}')
    if not number.startswith("10"):
        with pytest.raises(ReportError):
            Report.from_json(in_facts)


def test_impossible_values_are_refused() -> None:
    with pytest.raises(ReportError, match=r"findings\[0\].span: not a span"):
        Report.from_json(
            make_report().to_json().replace('"span": {"start": 0.4, "end": 8.4}', '"span": {"start": 9, "end": 8}')
        )
    with pytest.raises(ReportError, match=r"verdict.label: expected synthetic or .*'authentic'"):
        Report.from_json(
            make_report().to_json().replace('"label": "manipulated", "llr"', '"label": "authentic", "llr"')
        )


def test_deep_facts_are_an_error_not_a_crash() -> None:
    facts: Any = ()
    for _ in range(sys.getrecursionlimit() * 2):
        facts = (facts,)
    with pytest.raises(ReportError, match="deeply"):
        report_to_json(replace(make_report(), findings=(replace(make_report().findings[0], facts={"x": facts}),)))


def test_labels_and_reasons_of_version_1_are_never_renamed() -> None:
    assert [label.value for label in Label] == ["synthetic", "manipulated", "inconclusive", "no_manipulation_found"]
    assert {reason.value for reason in Reason} >= {
        "no_face",
        "too_small",
        "too_short",
        "too_compressed",
        "unsupported",
        "out_of_domain",
        "failed",
        "weights_missing",
        "timeout",
    }


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = files("deepfake_detect.report").joinpath("schema/report-1.json").read_text(encoding="utf-8")
    assert committed == schema_text(), (
        "run: python -m deepfake_detect.report.schema > deepfake_detect/report/schema/report-1.json"
    )
    Draft202012Validator.check_schema(json.loads(committed))


def test_what_is_written_is_exactly_what_the_schema_lists() -> None:
    schema = report_schema()
    for definition in schema["$defs"].values():
        if "properties" in definition:
            definition["additionalProperties"] = False
    strict = Draft202012Validator(schema)
    for make in REPORTS[:2]:
        strict.validate(json.loads(make().to_json()))
    strict.validate(json.loads(failure_to_json(make_failure())))
    with_more = json.loads(make_report().to_json()) | {"probability": 0.99}
    assert not strict.is_valid(with_more)


def test_the_facts_of_provenance_are_typed_and_real_ones_fit() -> None:
    with open_media(GOLDEN.with_name("face.png")) as opened:
        real = opened.media.facts
    assert real is not None
    provenance = make_report().findings[2]
    assert provenance.detector == "provenance"
    for facts, fits in (
        (real.provenance, True),
        ({**real.provenance, "declared_origin": "authentic"}, False),
        ({}, False),
    ):
        report = replace(make_report(), findings=(replace(provenance, facts=facts),))
        assert _validator().is_valid(json.loads(report.to_json())) is fits


def test_the_schema_refuses_a_picture_named_by_anything_but_a_hash() -> None:
    assert not _validator().is_valid(json.loads(make_hostile_report().to_json()))


def test_any_text_survives() -> None:
    for text in HOSTILE:
        failure = Failure(text, Reason.FAILED, text, text, None)
        assert from_json(Failure, failure_to_json(failure)) == failure
