"""CSV that a spreadsheet cannot be made to run."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import replace

import pytest
from make_report import HOSTILE, make_failure, make_hostile_report, make_report

from deepfake_detect.findings import Abstention, CaseRecord, DriveRecord, Failure, Reason, Report
from deepfake_detect.report.csv import write_csv

DETECTORS = ("face-manipulation", "synthetic-image", "synthetic-voice", "provenance")


def _rows(results: list[Report | Failure], detectors: tuple[str, ...] | None = DETECTORS) -> list[dict[str, str]]:
    stream = io.StringIO()
    write_csv(results, stream, detectors)
    parsed = list(csv.reader(stream.getvalue().splitlines(), strict=True))
    assert {len(row) for row in parsed} == {len(parsed[0])}
    return [dict(zip(parsed[0], row, strict=True)) for row in parsed[1:]]


def test_a_report_is_a_row() -> None:
    report = make_report()
    (row,) = _rows([report])
    assert row["path"] == report.media.path and row["sha256"] == report.media.sha256 and row["size"] == "2563110"
    assert row["label"] == "manipulated" and float(row["llr"]) == 1.32 and row["kind"] == "video"
    # Of the two persons the one with the higher ratio.
    assert (float(row["face-manipulation.score"]), float(row["face-manipulation.llr"])) == (0.873, 1.62)
    assert float(row["synthetic-voice.llr"]) == -0.7
    assert row["synthetic-image.score"] == row["provenance.llr"] == row["failure"] == ""
    assert "out_of_domain" in row["abstentions"] and "31 pixels" in row["abstentions"]


def test_a_failure_has_neither_label_nor_number() -> None:
    (row,) = _rows([make_failure()])
    assert row["failure"] == "failed" and "Copy it again" in row["failure_message"]
    assert all(row[name] == "" for name in row if name in ("label", "llr", "size") or name.endswith((".score", ".llr")))
    given_up = (Abstention("scan", "file", Reason.TIMEOUT, "stopped after 5 s"),)
    (unanalysed,) = _rows([replace(make_report(), findings=(), verdict=None, abstentions=given_up)])
    assert unanalysed["failure"] == "timeout" and "Stopped after 5 s." in unanalysed["failure_message"]
    assert unanalysed["label"] == unanalysed["llr"] == unanalysed["face-manipulation.score"] == ""


def test_without_ids_the_header_names_the_detectors_that_occur() -> None:
    (row, failed) = _rows([make_report(), make_failure()], None)
    assert [name for name in row if name.endswith(".llr")] == ["face-manipulation.llr", "synthetic-voice.llr"]
    assert failed["face-manipulation.llr"] == ""


@pytest.mark.parametrize("text", [*HOSTILE, "\t=1", "\r=1", " =1", "＝1", "-2+3", "+1", "@x", "\x00=1", "\u200b=1"])
def test_no_text_cell_becomes_a_formula(text: str) -> None:
    for result in (
        Failure(text, make_failure().reason, text, text, None),
        replace(make_report(), media=replace(make_report().media, path=text)),
    ):
        (row,) = _rows([result])
        for name in ("path", "failure_message"):
            assert not re.match(r"\s*[=+\-@＝＋－＠]", row[name]), row[name]
            assert not re.search(r";\s*[=+\-@]", row[name]), row[name]


def test_no_cell_holds_a_control_character_or_a_line_break() -> None:
    stream = io.StringIO()
    write_csv([make_hostile_report(), make_failure()], stream)
    lines = stream.getvalue().split("\n")
    assert len(lines) == 4 and lines[-1] == ""
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for line in lines for char in line)
    stream.getvalue().encode("utf-8")
    assert max(len(cell) for row in csv.reader(lines[:-1]) for cell in row) <= 32_767


def test_what_a_manifest_says_is_no_formula() -> None:
    records = tuple(
        DriveRecord("IPED", "ab" * 32, path, state="deleted", md5_agrees=True) for path in ("=1+1", "/b\u202e")
    )
    stream = io.StringIO()
    write_csv([replace(make_report(), case=CaseRecord(drive=records))], stream)
    (row,) = csv.DictReader(io.StringIO(stream.getvalue()))
    assert row["original_paths"] == "'=1+1; /b\\u202e"
    assert (row["drive_state"], row["drive_md5_agrees"], row["drive_created"]) == ("deleted", "True", "")
