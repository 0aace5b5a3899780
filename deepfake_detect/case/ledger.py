"""The ledger of a case: which of its results are complete, so that a run that was cut off goes on.

A result is complete when its documents, its line in ``entries.jsonl`` and its entry in the custody log are on the disk;
they are written in this order, so that a crash between them only has the file scanned again.
"""

from __future__ import annotations

from enum import StrEnum

from ..errors import UsageError
from ..findings import Reason, Report
from ..ingest import Identity
from ..report.index import IndexEntry
from .writer import CaseWriter

_MAY_PASS = frozenset({Reason.FAILED, Reason.TIMEOUT, Reason.WEIGHTS_MISSING})  # reasons that another try may mend


class Mode(StrEnum):
    """What a run does with the results that its case has already.

    ``again``: scan every file; ``restart``: that, and replace every report; ``resume``: only what is not finished;
    ``retry_failed``: that, and what failed or timed out. The last two go on with the same fingerprint only.
    """

    AGAIN = "again"
    RESUME = "resume"
    RETRY_FAILED = "retry_failed"
    RESTART = "restart"


class CaseLedger:
    """A ``Ledger`` over the results of a case. ``found`` counts the files that needed no scan."""

    def __init__(self, case: CaseWriter, mode: Mode) -> None:
        self._case, self._mode = case, mode
        self._fingerprint = ""
        self._now: set[str] = set()  # scanned in this run
        self.found = 0

    def begin(self, fingerprint: str) -> None:
        """Raises ``UsageError`` if a run that goes on finds a report of another fingerprint."""
        others = self._case.fingerprints - {fingerprint}
        if others and self._mode in (Mode.RESUME, Mode.RETRY_FAILED):
            raise UsageError(
                f"the case {self._case.folder} was made with other options, detectors, weights or another version",
                "Use the same ones, name another folder with -o, or let --restart replace its reports.",
            )
        self._fingerprint = fingerprint

    def skips(self, identity: Identity) -> bool:
        """Nothing."""
        return False

    def find(self, sha256: str, full: bool) -> Report | None:
        """The stored report, without the bytes of its pictures."""
        entry = self._case.finished(sha256)
        if entry is None or entry.fingerprint != self._fingerprint or not (sha256 in self._now or self._stays(entry)):
            return None
        if full and entry.first_pass:
            return None
        report = self._case.stored(sha256)
        self.found += report is not None
        return report

    def add(self, report: Report) -> None:
        """Note that this run scanned the file."""
        self._now.add(report.media.sha256)

    def _stays(self, entry: IndexEntry) -> bool:
        if self._mode is Mode.RETRY_FAILED:
            return entry.failure not in _MAY_PASS
        return self._mode is Mode.RESUME
