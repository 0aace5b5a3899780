"""Files in, outcomes out in the order of the files, whoever scans them and in whatever order they get done.

The ledger is asked and told here only, in one thread. Of equal bytes one is scanned at a time: the others wait for it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from .errors import UnreadableError
from .findings import Failure, Report
from .ingest import Identity, identify
from .ledger import Ledger, at
from .plan import ScanPlan
from .progress import FileFinished, FileSkipped, FileStarted, Progress

Item: TypeAlias = str | os.PathLike[str] | UnreadableError
AHEAD = 64  # files begun beyond the oldest one that is not done: as many reports are kept at most


@dataclass(frozen=True, slots=True)
class Job:
    """A file to scan. ``full``: with the second pass, whatever the first one finds."""

    index: int
    path: str
    identity: Identity
    full: bool


@dataclass(frozen=True, slots=True)
class Done:
    """A job that was done. ``unchanged``: whether the bytes stayed what they were."""

    job: Job
    outcome: Report | Failure
    unchanged: bool = True


# Scans what it takes. A None among the jobs means: none now, ask again once something is done. With nothing in work it
# gives a None back.
Work: TypeAlias = Callable[[Iterator[Job | None]], Iterator[Done | None]]


class Executor(Protocol):
    """Where files are scanned, if not in this process."""

    def work(self, plan: ScanPlan, fingerprint: str, timeout: float | None) -> Work:
        """``fingerprint``: that every scanner made of ``plan`` must have. ``timeout``: seconds for each file."""


@dataclass(frozen=True, slots=True)
class _Settled:
    """``outcome``: None for bytes that the run leaves out. ``done``: if it was scanned for this file."""

    outcome: Report | Failure | None
    done: Done | None = None


class Ordered:
    """One run over ``items``. ``full``: of a path, whether its second pass is always made."""

    def __init__(self, items: Sequence[Item], ledger: Ledger, full: Callable[[str], bool], progress: Progress) -> None:
        self._items, self._ledger, self._full, self._progress = items, ledger, full, progress
        self._next = 0  # the oldest file that is not given out
        self._settled: dict[int, _Settled] = {}
        self._in_work: dict[str, list[Job]] = {}  # by SHA-256: the files that wait for the one in work
        self._again: deque[Job] = deque()

    def run(self, work: Work) -> Iterator[Report | Failure]:
        """An outcome for each file that is not left out."""
        self._started()
        for done in work(self._jobs()):
            if done is not None:
                self._settled[done.job.index] = _Settled(done.outcome, done)
            yield from self._given_out()
        yield from self._given_out()

    def _jobs(self) -> Iterator[Job | None]:
        for index, item in enumerate(self._items):
            while index - self._next >= AHEAD:
                yield self._again.popleft() if self._again else None
            job = self._prepared(index, item)
            if job is not None:
                yield job
            elif not self._in_work:
                yield None
        while self._again or self._in_work:
            yield self._again.popleft() if self._again else None

    def _prepared(self, index: int, item: Item) -> Job | None:
        """The job, unless the file is settled without one or waits for another."""
        try:
            if isinstance(item, UnreadableError):
                raise item
            identity = identify(item)
        except UnreadableError as error:
            self._settled[index] = _Settled(error.as_failure())
            return None
        if self._ledger.skips(identity):
            self._settled[index] = _Settled(None)
            return None
        path = os.fspath(item)
        return self._unless_known(Job(index, path, identity, self._full(path)))

    def _unless_known(self, job: Job) -> Job | None:
        sha256 = job.identity.sha256
        if sha256 in self._in_work:
            self._in_work[sha256].append(job)
            return None
        known = self._ledger.find(sha256, job.full)
        if known is not None:
            self._settled[job.index] = _Settled(at(known, job.path))
            return None
        self._in_work[sha256] = []
        return job

    def _given_out(self) -> Iterator[Report | Failure]:
        while (settled := self._settled.pop(self._next, None)) is not None:
            outcome, done = settled.outcome, settled.done
            if done is not None and done.unchanged and isinstance(outcome, Report):
                self._ledger.add(outcome)
            name = _name(self._items[self._next])
            skipped = FileSkipped(self._next, name)
            self._progress(skipped if outcome is None else FileFinished(self._next, name, outcome))
            if outcome is not None:
                yield outcome  # a case writes it now: only then may the ledger be asked for it
            self._next += 1
            self._started()
            if done is not None:
                self._again += filter(None, map(self._unless_known, self._in_work.pop(done.job.identity.sha256)))

    def _started(self) -> None:
        if self._next < len(self._items):
            self._progress(FileStarted(self._next, _name(self._items[self._next])))


def _name(item: Item) -> str:
    return item.path or "" if isinstance(item, UnreadableError) else os.fspath(item)
