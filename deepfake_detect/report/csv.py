"""CSV: a row a file, for spreadsheets and joins. No cell becomes a formula, no control character is written."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from ..findings import CaseRecord, DriveRecord, Failure, Finding, Report
from .text import safe_text
from .words import abstention_sentence, as_sentence, label_words, verdict_weight

_FIXED = (
    "path", "sha256", "md5", "sha1", "size", "kind", "format", "seconds", "label", "llr", "reasons", "words", "scanned",
)  # fmt: skip
_LAST = (
    "abstentions", "failure", "failure_message", "modified", "case_id", "exhibit", "examiner", "organisation", "paths",
    "tags", "conclusions", "concluded_by", "reviewer", "original_paths", "drive_state", "drive_created",
    "drive_modified", "drive_accessed", "drive_changed", "drive_md5_agrees",
)  # fmt: skip
_CELL_LIMIT = 32_000  # a cell of a spreadsheet holds 32,767 characters
# Also after a semicolon, which separates cells where the comma is the decimal sign; full-width forms act like the
# ASCII ones.
_FORMULA = re.compile(r"(^|;)(\s*[=+\-@＝＋－＠])")


def write_csv(
    results: Iterable[Report | Failure],
    stream: TextIO,
    detectors: Sequence[str] | None = None,
) -> None:
    """A header, then a row a result.

    Each detector gets a pair of columns, ``ID.score`` and ``ID.llr``, with its finding of the highest ratio, or,
    uncalibrated, of the highest score. With ``detectors`` (their ids) a row is written as its result comes; without,
    the header waits for the last result, since it has to name every detector that occurs. Empty means none.

    ``failure`` is the reason of a file as a whole, unreadable or given up by the scan.
    Text that could act as a formula is preceded by an apostrophe; the exact text stands in the JSON.
    """
    rows: Iterable[_Row] = map(_row, results)
    if detectors is None:
        rows = list(rows)
        detectors = sorted({detector for row in rows for detector in row.scores})
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    pairs = [f"{detector}.{column}" for detector in detectors for column in ("score", "llr")]
    writer.writerow([_cell(name) for name in (*_FIXED, *pairs, *_LAST)])
    for row in rows:
        scores = [value for detector in detectors for value in row.scores.get(detector, (None, None))]
        writer.writerow([_cell(value) for value in (*row.first, *scores, *row.last)])
        stream.flush()


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells before and after the detectors' columns, and (score, llr) by detector."""

    first: tuple[str | float | None, ...]
    scores: Mapping[str, tuple[float | None, float | None]]
    last: tuple[str | float | None, ...]


def _cell(value: str | float | None) -> str | float:
    if value is None:
        return ""
    if isinstance(value, str):
        return _FORMULA.sub(r"\1'\2", safe_text(value, _CELL_LIMIT))
    return value


def _row(result: Report | Failure) -> _Row:
    added = _record(result.case)
    if isinstance(result, Failure):
        blank = (None,) * (len(_FIXED) - 2)
        message = f"{as_sentence(result.message)} {as_sentence(result.hint)}".strip()
        return _Row((result.path, result.sha256, *blank), {}, (None, result.reason.value, message, *added))
    media, verdict = result.media, result.verdict
    first = (
        *(media.path, media.sha256, media.md5, media.sha1, media.size, media.kind.value if media.kind else None),
        *((media.facts.format, media.facts.seconds) if media.facts else (None, None)),
        *((verdict.label.value, verdict.llr, "; ".join(verdict.reasons)) if verdict else (None, None, None)),
        f"{label_words(verdict.label)}. {verdict_weight(verdict) or ''}".strip() if verdict else None,
        result.run.started,
    )
    failed = next((a for a in result.abstentions if a.detector == "scan"), None)
    abstentions = [f"{a.detector} {a.subject} {a.reason.value}: {abstention_sentence(a)}" for a in result.abstentions]
    failure = (failed.reason.value, abstention_sentence(failed)) if failed else (None, None)
    return _Row(first, _strongest(result.findings), ("; ".join(abstentions), *failure, *added))


def _record(record: CaseRecord | None) -> tuple[str | None, ...]:
    """When the file was written, what heads the report, what people added, and what a manifest says of the file."""
    if record is None:
        return (None,) * 17
    people = [{note.by: None for note in record.notes}, {n.reviewer: None for n in record.notes if n.reviewer}]
    return (
        *(record.modified, record.case_id, record.exhibit, record.examiner, record.organisation),
        *("; ".join(record.paths), "; ".join(record.tags), "; ".join(note.conclusion for note in record.notes)),
        *("; ".join(names) for names in people),
        *_drive(record.drive),
    )


def _drive(records: Sequence[DriveRecord]) -> Iterator[str]:
    """One cell a column; what several rows of a manifest say is joined."""
    for name in ("original_path", "state", "created", "modified", "accessed", "changed", "md5_agrees"):
        said = (str(value) for record in records if (value := getattr(record, name)) is not None)
        yield "; ".join(dict.fromkeys(said))


def _strongest(findings: Sequence[Finding]) -> dict[str, tuple[float | None, float | None]]:
    ranked = sorted((finding for finding in findings if finding.score is not None), key=_rank)
    return {finding.detector: (finding.score, finding.llr) for finding in ranked}


def _rank(finding: Finding) -> tuple[bool, float, float]:
    return finding.llr is not None, finding.llr or 0.0, finding.score or 0.0
