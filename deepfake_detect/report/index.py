"""The entries of a case's index: one a document, however many paths held the same bytes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log10

from ..findings import SCHEMA_VERSION, CaseRecord, DetectorRecord, Failure, Finding, Label, Reason, Report
from .words import as_sentence

REVIEWED = "reviewed"  # the tag that marks a file as looked at


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One document of a case. ``name`` is its file name without ending; ``paths`` all paths at which these bytes were
    found.

    ``label`` and ``llr`` are the verdict's; ``failure`` and ``message`` are set for a file without a report,
    ``fingerprint`` for one with it, ``first_pass`` for a report that no page was made of. ``tags`` and
    ``concluded_by`` are what people added until the index was written. ``strongest``: the highest log10 LR of any line,
    experimental ones too, corrected for the number of its detector's lines. ``flagged``: whether a line, a declaration
    or the label speaks for synthesis or manipulation. ``by_chance``: in what share of files like this one, were they
    genuine, a line would be flagged: the rates of single samples, added up; None where none was measured. ``strict``:
    whether every line was held against a measured strict threshold.
    """

    name: str
    sha256: str | None
    paths: tuple[str, ...]
    kind: str | None
    label: Label | None
    llr: float | None
    experimental: bool
    failure: Reason | None
    message: str
    fingerprint: str | None
    tags: tuple[str, ...] = ()
    concluded_by: tuple[str, ...] = ()
    first_pass: bool = False
    strongest: float | None = None
    flagged: bool = False
    by_chance: float | None = None
    strict: bool = False

    @property
    def reviewed(self) -> bool:
        """Whether a person concluded something on it, or tagged it ``reviewed``."""
        return bool(self.concluded_by) or REVIEWED in self.tags


@dataclass(frozen=True, slots=True)
class CaseIndex:
    """All documents of a case, those to look at first at the head (``ranked``). ``known``: files that were left out."""

    files: tuple[IndexEntry, ...]
    case: CaseRecord | None = None
    known: int = 0
    schema: str = SCHEMA_VERSION


def index_entry(result: Report | Failure, name: str) -> IndexEntry:
    """The entry of one result. A report without a verdict carries the reason of the scan's own abstention."""
    if isinstance(result, Failure):
        paths = () if result.path is None else (result.path,)
        message = f"{as_sentence(result.message)} {as_sentence(result.hint)}".strip()
        return IndexEntry(name, result.sha256, paths, None, None, None, False, result.reason, message, None)
    media, verdict, weighed = result.media, result.verdict, _weighed(result)
    return IndexEntry(
        name=name,
        sha256=media.sha256,
        paths=() if media.path is None else (media.path,),
        kind=media.kind.value if media.kind else None,
        label=verdict.label if verdict else None,
        llr=verdict.llr if verdict else None,
        experimental=any(finding.experimental for finding in result.findings),
        failure=None if verdict else _why(result),
        message="" if verdict else next((a.detail for a in result.abstentions), ""),
        fingerprint=result.run.fingerprint,
        first_pass=result.first_pass,
        strongest=max((llr for _, llr, _ in weighed), default=None),
        flagged=_flagged(result, weighed),
        by_chance=_by_chance(weighed),
        strict=bool(weighed) and all(record.operating_point == "strict" for _, _, record in weighed),
    )


_Weighed = tuple[Finding, float, DetectorRecord]


def _weighed(report: Report) -> list[_Weighed]:
    """The calibrated lines, each with its ratio as ``fuse.decide`` corrects it and the record of its detector."""
    records = {record.id: record for record in report.run.detectors}
    lines = [(f, f.llr, records.get(f.detector)) for f in report.findings if f.score is not None]
    counts = Counter(finding.detector for finding, llr, _ in lines if llr is not None)
    return [
        (finding, llr - log10(counts[finding.detector]), record)
        for finding, llr, record in lines
        if llr is not None and record is not None
    ]


def _flagged(report: Report, weighed: Iterable[_Weighed]) -> bool:
    above = any(record.thresholds is not None and llr >= record.thresholds[1] for _, llr, record in weighed)
    declared = any(f.facts.get("declared_origin") in ("synthetic", "composite") for f in report.findings)
    label = report.verdict.label if report.verdict else None
    return above or declared or label in (Label.SYNTHETIC, Label.MANIPULATED)


def _by_chance(weighed: Iterable[_Weighed]) -> float | None:
    """Of each detector the highest rate among the conditions of its lines, added up as if none came together.

    The correction for several lines of one detector keeps the rate of a file near that of one line, but no more is
    known than that.
    """
    rates: dict[str, float] = {}
    for finding, _, record in weighed:
        rate = record.false_alarms.get(finding.condition or "")
        if rate is not None:
            rates[record.id] = max(rates.get(record.id, 0.0), rate)
    return min(1.0, sum(rates.values())) if rates else None


def ranked(entries: Iterable[IndexEntry]) -> tuple[IndexEntry, ...]:
    """What to look at first: flagged files by their strongest line, then the others, then what was not analysed."""
    return tuple(
        sorted(
            entries,
            key=lambda e: (not e.flagged, e.label is None, -(e.strongest if e.strongest is not None else -99.0)),
        )
    )


def _why(report: Report) -> Reason:
    by_the_scan = [a.reason for a in report.abstentions if a.detector == "scan"]
    reasons = by_the_scan or [a.reason for a in report.abstentions]
    return reasons[0] if reasons else Reason.UNSUPPORTED


def merge(entries: Iterable[IndexEntry]) -> dict[str, IndexEntry]:
    """Entries by name, each combined from all of that name."""
    merged: dict[str, IndexEntry] = {}
    for entry in entries:
        put(merged, entry)
    return merged


def put(merged: dict[str, IndexEntry], entry: IndexEntry) -> None:
    """Combine ``entry`` with what stands under its name. A path that was read leaves no earlier failure behind."""
    merged[entry.name] = combine(merged.get(entry.name), entry)
    if entry.sha256 is not None:
        for path in entry.paths:
            merged.pop(failure_name(path), None)


def failure_name(path: str) -> str:
    """The name of the document on a file that could not be read."""
    return "failure-" + hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def combine(old: IndexEntry | None, new: IndexEntry) -> IndexEntry:
    """One entry of two for the same bytes: that which ``replaces`` chooses, with the paths of both."""
    if old is None:
        return new
    return replace(new if replaces(new, old) else old, paths=tuple(dict.fromkeys((*old.paths, *new.paths))))


def replaces(new: IndexEntry, old: IndexEntry) -> bool:
    """Whether a new result for the same bytes takes the place of the old one.

    A failure replaces no report; a report replaces one of another fingerprint, one that came to no verdict, and one of
    a first pass if it is none itself.
    """
    if new.fingerprint is None:
        return old.fingerprint is None
    return new.fingerprint != old.fingerprint or old.label is None or (old.first_pass and not new.first_pass)
