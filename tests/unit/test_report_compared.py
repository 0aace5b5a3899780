"""The comparison with originals in a court's report, in each language, from a real comparison."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from deepfake_detect.cli.main import app
from typer.testing import CliRunner

from deepfake_detect import Report, Scanner, ScanOptions
from deepfake_detect.case.private import without_names
from deepfake_detect.case.writer import CaseWriter
from deepfake_detect.errors import ReportError
from deepfake_detect.findings import CaseRecord
from deepfake_detect.originals import Comparer, index_originals
from deepfake_detect.report.compared import compared
from deepfake_detect.report.court import court_document
from deepfake_detect.report.document import Figures, Grid, Heading, Rows, Section, Text
from deepfake_detect.report.html import render_document
from deepfake_detect.report.language import Language, plain, translator
from deepfake_detect.report.lines import ORIGINAL_MATCH, matches_of
from deepfake_detect.report.messages import known
from deepfake_detect.report.pictures import Cover

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def report() -> Report:
    comparer = Comparer(index_originals([SAMPLES / "portrait.jpg", SAMPLES / "portrait-face-altered.jpg"]))
    options = ScanOptions(robustness=False)
    with Scanner(device="cpu", plugins=False, detectors=["provenance"], comparer=comparer, options=options) as scanner:
        outcome = scanner.scan(SAMPLES / "portrait-body-altered.jpg")
    assert len(matches_of(outcome.findings)) == 2
    return outcome


def sections(report: Report, language: Language = Language.EN) -> tuple[Section, ...]:
    return court_document([report], CaseRecord(), language, Cover.WHOLE).sections


def test_a_match_is_no_claim_of_the_file(report: Report) -> None:
    titles = [section.title for section in sections(report)]
    assert titles.index("File 1: compared with files supplied as originals") < titles.index(
        "File 1: what the file says about itself"
    )
    (claims,) = [s for s in sections(report) if s.title == "File 1: what the file says about itself"]
    assert ORIGINAL_MATCH not in repr(claims.blocks) and "supplied as original" not in repr(claims.blocks)
    assert not compared(replace(report, findings=()), Cover.WHOLE, plain)


def test_face_and_body_are_told_apart(report: Report) -> None:
    blocks = compared(report, Cover.WHOLE, plain)
    assert Heading("Compared with portrait.jpg") in blocks
    grid = next(block for block in blocks if isinstance(block, Grid))
    answers = {row[0]: row[1] for row in grid.rows}
    assert answers["Face of Person 1"] == "the same" and answers["Body of Person 1"] == "differs"
    rows = dict(next(block for block in blocks if isinstance(block, Rows)).rows)
    assert rows["log10 likelihood ratio"].startswith("+") and len(rows["SHA-256 of the original"]) == 64
    assert all(figure.cover for block in blocks if isinstance(block, Figures) for figure in block.items)


def test_an_unknown_part_is_shown_as_it_was_recorded(report: Report) -> None:
    (finding, *_) = matches_of(report.findings)
    strange = {"zone": "{subject.__class__}", "subject": "person-1", "state": "{x}", "share_covered": 1.0,
               "share_different": 0.0}  # fmt: skip
    changed = replace(report, findings=(replace(finding, facts={**finding.facts, "zones": (strange,)}),))
    (grid,) = [block for block in compared(changed, Cover.WHOLE, plain) if isinstance(block, Grid)]
    assert grid.rows == (("{subject.__class__}", "{x}", "100 %", "0 %"),)


@pytest.mark.parametrize("language", [Language.FR, Language.VI])
def test_nothing_of_it_is_left_in_english(report: Report, language: Language) -> None:
    for finding in matches_of(report.findings):
        facts = finding.facts
        order, propositions = facts["order"], facts["propositions"]
        assert isinstance(order, tuple) and isinstance(propositions, tuple)
        for text in (facts["statement"], *order, *propositions, *(item.caption for item in finding.evidence)):
            assert known(str(text)), text
    (record,) = [record for record in report.run.detectors if record.id == ORIGINAL_MATCH]
    assert all(known(limit) for limit in record.limits)
    here, english = (compared(report, Cover.WHOLE, _) for _ in (translator(language), plain))
    told = [[b.text for b in blocks if isinstance(b, Text | Heading)] for blocks in (here, english)]
    assert len(told[0]) == len(told[1])
    assert not set(told[0]) & set(told[1])
    assert "person-1" not in " ".join(told[0])


def test_an_original_without_a_recorded_name_is_said_to_have_none(report: Report) -> None:
    """As the comparison leaves it out of a survivor's case."""
    (finding, *_) = matches_of(report.findings)
    original = finding.facts["original"]
    assert isinstance(original, Mapping)
    nameless = replace(finding, facts={**finding.facts, "original": {**original, "path": None}})
    page = render_document(
        court_document([without_names(replace(report, findings=(nameless,)))], CaseRecord(), Language.EN, Cover.WHOLE)
    )
    assert "portrait" not in page and "an original whose name is not recorded" in page


def _places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in facts; of a list its first item counts."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def test_a_match_made_by_hand_is_refused_or_shown(report: Report) -> None:
    """Whatever is missing or of another kind: one plain error that names it, or a report."""
    document = json.loads(report.to_json())
    number = next(i for i, f in enumerate(document["findings"]) if f["detector"] == ORIGINAL_MATCH)
    facts, refused = document["findings"][number]["facts"], 0
    for place in _places(facts):
        for wrong in (None, True, -7, "x", [], {}, [{}], "leave out"):
            changed = copy.deepcopy(document)
            holder = changed["findings"][number]["facts"]
            for key in place[:-1]:
                holder = holder[key]
            if wrong == "leave out":
                del holder[place[-1]]
            else:
                holder[place[-1]] = wrong
            try:
                read = Report.from_json(json.dumps(changed))
            except ReportError as error:
                refused += 1
                assert f"findings[{number}].facts.{place[0]}" in error.message
            else:
                render_document(court_document([read], CaseRecord(), Language.EN, Cover.WHOLE))
    assert refused > 100


@pytest.mark.parametrize("key", ["original", "zones", "scale"])
def test_the_command_ends_in_one_line_where_a_match_lacks_a_fact(report: Report, tmp_path: Path, key: str) -> None:
    """In a case whose documents were changed by hand."""
    with CaseWriter(tmp_path / "case") as case:
        stored = case.add(report).with_suffix(".json")
    document = json.loads(stored.read_bytes())
    number = next(i for i, f in enumerate(document["findings"]) if f["detector"] == ORIGINAL_MATCH)
    del document["findings"][number]["facts"][key]
    stored.write_text(json.dumps(document), encoding="ascii")
    for audience in ("court", "survivor"):
        done = CliRunner().invoke(app, ["report", str(case.folder), "--audience", audience], catch_exceptions=False)
        error, hint = done.stderr.splitlines()
        assert (done.exit_code, done.stdout, hint) == (1, "", "  Run `deepfake-detect verify`.")
        field = f"findings[{number}].facts.{key}"
        assert error == f"deepfake-detect: {stored} is damaged: {field}: the field is missing"
