"""Which bytes a run need not scan, since it has a result on them: duplicates, and what an earlier run finished.

The key is the SHA-256 of the bytes and the fingerprint of the run (version, detectors, weights, options).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from .findings import Evidence, Report
from .ingest import Identity

REMEMBERED = 1000  # reports that a run without a case keeps, so that its memory stays bounded


class Ledger(Protocol):
    """What a run asks before it scans a file."""

    def begin(self, fingerprint: str) -> None:
        """Called once, before the first file. Raises ``UsageError`` if the run may not go on with this fingerprint."""

    def skips(self, identity: Identity) -> bool:
        """Whether the run leaves these bytes out altogether."""

    def find(self, sha256: str, full: bool) -> Report | None:
        """The report on these bytes, or None if they are to be scanned. ``full``: a first pass is not enough."""

    def add(self, report: Report) -> None:
        """Called with each report that may stand for other files with the same bytes."""


class RecentReports:
    """The ledger of a run without a case: the latest reports, without the bytes of their pictures."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._reports: OrderedDict[str, Report] = OrderedDict()

    def begin(self, fingerprint: str) -> None:
        """Another fingerprint forgets everything."""
        self._reports.clear()

    def skips(self, identity: Identity) -> bool:
        """Nothing."""
        return False

    def find(self, sha256: str, full: bool) -> Report | None:
        """A report of this run; its pictures have hashes but no bytes."""
        report = self._reports.get(sha256)
        if report is None or (full and report.first_pass):
            return None
        self._reports.move_to_end(sha256)
        return report

    def add(self, report: Report) -> None:
        """Remember a report, and let the one go that was asked for longest ago."""
        self._reports[report.media.sha256] = _without_bytes(report)
        if len(self._reports) > self._remembered:
            self._reports.popitem(last=False)


class WithoutKnown:
    """A ledger that also leaves out what ``match`` names a hash of; ``told`` hears of each such file."""

    def __init__(
        self, ledger: Ledger, match: Callable[[Identity], str | None], told: Callable[[Identity, str], None]
    ) -> None:
        self._ledger, self._match, self._told = ledger, match, told

    def begin(self, fingerprint: str) -> None:
        """As the other ledger."""
        self._ledger.begin(fingerprint)

    def skips(self, identity: Identity) -> bool:
        """Whether the bytes are known."""
        by = self._match(identity)
        if by is not None:
            self._told(identity, by)
        return by is not None or self._ledger.skips(identity)

    def find(self, sha256: str, full: bool) -> Report | None:
        """As the other ledger."""
        return self._ledger.find(sha256, full)

    def add(self, report: Report) -> None:
        """As the other ledger."""
        self._ledger.add(report)


def at(report: Report, path: str) -> Report:
    """The report on the same bytes at another path."""
    return replace(report, media=replace(report.media, path=path), case=None)


def _without_bytes(report: Report) -> Report:
    return replace(
        report,
        findings=tuple(replace(f, evidence=_emptied(f.evidence)) for f in report.findings),
        subjects=tuple(replace(s, evidence=_emptied(s.evidence)) for s in report.subjects),
    )


def _emptied(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    return tuple(replace(e, image=replace(e.image, data=b"")) if e.image else e for e in evidence)
