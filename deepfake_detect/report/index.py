"""The entries of a case's index: one a document, however many paths held the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..findings import SCHEMA_VERSION, CaseRecord, Failure, Label, Reason, Report
from .words import as_sentence


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One document of a case. ``name`` is its file name without ending; ``paths`` all paths at which these bytes were
    found.

    ``label`` and ``llr`` are the verdict's; ``failure`` and ``message`` are set for a file without a report,
    ``fingerprint`` for one with it, ``first_pass`` for a report that no page was made of. ``tags`` and
    ``concluded_by`` are what people added until the index was written.
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


@dataclass(frozen=True, slots=True)
class CaseIndex:
    """All documents of a case, in the order in which they were first added."""

    files: tuple[IndexEntry, ...]
    case: CaseRecord | None = None
    schema: str = SCHEMA_VERSION


def index_entry(result: Report | Failure, name: str) -> IndexEntry:
    """The entry of one result. A report without a verdict carries the reason of the scan's own abstention."""
    if isinstance(result, Failure):
        paths = () if result.path is None else (result.path,)
        message = f"{as_sentence(result.message)} {as_sentence(result.hint)}".strip()
        return IndexEntry(name, result.sha256, paths, None, None, None, False, result.reason, message, None)
    media, verdict = result.media, result.verdict
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
    )


def _why(report: Report) -> Reason:
    by_the_scan = [a.reason for a in report.abstentions if a.detector == "scan"]
    reasons = by_the_scan or [a.reason for a in report.abstentions]
    return reasons[0] if reasons else Reason.UNSUPPORTED


def merge(entries: Iterable[IndexEntry]) -> dict[str, IndexEntry]:
    """Entries by name, each combined from all of that name."""
    merged: dict[str, IndexEntry] = {}
    for entry in entries:
        merged[entry.name] = combine(merged.get(entry.name), entry)
    return merged


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
