"""The whole scan of a file, in order: ingest, extract, detect, explain, fuse, report."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any

from .checkpoints import WeightStore
from .deadline import Deadline, Expired
from .detect import Registry
from .errors import DeepfakeDetectError, EvidenceChangedError, IngestError, UnreadableError, UsageError
from .findings import Abstention, DetectorRecord, Failure, Finding, Reason, Report
from .fuse import decide, flagged
from .gather import Finders, Gathered, gather
from .ingest import Identity, OpenMedia, Source, identify
from .ingest.isolate import Isolation
from .judge import judge, lines, subjects
from .ledger import Ledger, RecentReports
from .loading import LoadedDetector, load_detectors
from .media import FaceTrack, JsonValue, MediaFile, SpeechWindow
from .options import ScanOptions
from .ordering import Done, Executor, Job, Ordered, Work
from .originals import Comparer
from .overlap import overlapped
from .plan import ScanPlan
from .progress import Progress, RunFinished, RunStarted, silent
from .record import fingerprint, run_record
from .robustness import with_deliveries


class Scanner:
    """Loads the models once and scans files with them; a context manager. May be shared between threads.

    ``device``: ``auto``, ``cpu``, ``cuda`` or ``mps``. ``detectors``: ids, or None for all. ``weights``: a folder that
    is searched first. ``plugins``: whether detectors of other installed packages are loaded. ``comparer``: originals
    that every file is compared with. Raises ``UsageError``, and ``WeightsError`` when the face or speech finder's
    weights are missing or changed.
    """

    def __init__(
        self, *, device: str = "auto", detectors: Sequence[str] | None = None, options: ScanOptions | None = None,
        weights: str | None = None, plugins: bool = True, comparer: Comparer | None = None,
    ) -> None:  # fmt: skip
        self.options = options or ScanOptions()
        self.plan = ScanPlan(device, tuple(detectors) if detectors else None, self.options, weights, plugins)
        self._comparer = comparer
        self._isolation = Isolation(self.options.limits)
        registry = Registry(plugins)
        selected = registry.select(self.plan.detectors)
        self._plugins = registry.plugins()
        store = WeightStore(weights)
        self.detectors: tuple[LoadedDetector, ...]
        self.device, self.detectors = load_detectors(selected, store, device, self.options.operating_point)
        consumed = {d.card.consumes for d in self.detectors}
        faces = FaceTrack in consumed or comparer is not None
        self._finders = Finders(store, self.device, faces, SpeechWindow in consumed)

    @classmethod
    def of(cls, plan: ScanPlan) -> Scanner:
        """The scanner that ``plan`` describes; raises as the constructor."""
        return cls(
            device=plan.device, detectors=plan.detectors, options=plan.options, weights=plan.weights,
            plugins=plan.plugins,
        )  # fmt: skip

    def __enter__(self) -> Scanner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the models go and end the workers; the scanner cannot be used afterwards."""
        self._isolation.close()
        self.detectors = ()

    @property
    def protections(self) -> tuple[str, ...]:
        """What guards this system from the files; begins with ``none:`` where nothing does."""
        return self._isolation.protections()

    def scan(self, source: Source, *, timeout: float | None = None, cancel: threading.Event | None = None) -> Report:
        """Scan a path, bytes or a seekable binary stream.

        ``timeout`` (seconds) and ``cancel`` end in an abstention. Bytes that cannot be decoded give a report without a
        verdict. Raises ``UnreadableError`` when there is nothing to hash.
        """
        return self._report(source, identify(source), Deadline(timeout, cancel))

    @property
    def fingerprint(self) -> str:
        """SHA-256 over what decides a result; stands in every report."""
        return fingerprint(self._detector_records(), self._finders.records(), self._recorded_options())

    def scan_all(
        self,
        paths: Iterable[str | os.PathLike[str] | UnreadableError],
        *,
        timeout: float | None = None,
        progress: Progress = silent,
        ledger: Ledger | None = None,
        full: Callable[[str], bool] | None = None,
        executor: Executor | None = None,
    ) -> Iterator[Report | Failure]:
        """Scan files; each gives a report or a failure, in the order of ``paths``, and the next one follows.

        ``paths`` may hold the errors of ``ingest.find_files``, which become failures. ``timeout``: seconds for each
        file; without it one file is read while the models look at another. Bytes that ``ledger`` has a report on are
        not scanned again: the report is given for each path. By default it remembers the duplicates of this call, whose
        pictures then have hashes but no bytes. What it ``skips`` gives nothing. ``full``: of a path, whether maps,
        crops and the robustness test are made whatever the file scored; where it says no they are made only if
        something in the file is flagged. None: of all. ``executor``: where the files are scanned, if not here. Raises
        ``UsageError`` for an executor together with originals to compare with.
        """
        items = list(paths)
        ledger = ledger or RecentReports()
        ledger.begin(self.fingerprint)
        clock = time.monotonic()
        progress(RunStarted(len(items)))
        yield from Ordered(items, ledger, full or (lambda _: True), progress).run(self._work(executor, timeout))
        progress(RunFinished(time.monotonic() - clock))

    def _work(self, executor: Executor | None, timeout: float | None) -> Work:
        if executor is not None:
            if self._comparer is not None:
                raise UsageError("originals are compared on this machine only", "Leave out --executor or --originals.")
            return executor.work(self.plan, self.fingerprint, timeout)
        if timeout is not None:  # a file's time must not run while it waits for another
            return lambda jobs: (None if job is None else self.done(job, timeout) for job in jobs)
        return partial(overlapped, self._begin_job, self._end_job)

    def done(self, job: Job, timeout: float | None) -> Done:
        """One file of a run, scanned whole. ``job.identity`` is believed until the bytes are hashed again."""
        begun = self._begin(job.path, job.identity, Deadline(timeout, None))
        try:
            return self._end_job(job, begun)
        finally:
            begun.close()

    def _begin_job(self, job: Job, cancel: threading.Event) -> _Begun:
        return self._begin(job.path, job.identity, Deadline(None, cancel))

    def _end_job(self, job: Job, begun: _Begun) -> Done:
        try:
            return Done(job, *self._end(begun, job.full))
        except UnreadableError as error:
            return Done(job, error.as_failure())

    def _report(self, source: Source, identity: Identity, deadline: Deadline) -> Report:
        begun = self._begin(source, identity, deadline)
        try:
            return self._end(begun, True)[0]
        finally:
            begun.close()

    def _begin(self, source: Source, identity: Identity, deadline: Deadline) -> _Begun:
        """Open and decode a file, and find what is to be looked at."""
        begun, clock = _Begun(identity, deadline, datetime.now(UTC)), time.monotonic()
        limits, trusted = self.options.limits, self.options.trust_list
        try:
            begun.opened = self._isolation.open_media(source, identity, limits, trusted, deadline.check)
            begun.gathered = gather(begun.opened, self.options.plan, self._finders, deadline, self.options.region)
        except UnreadableError as error:
            begun.unreadable = error
        except Exception as error:
            begun.close()
            begun.failed = _broken(identity, error)
        begun.seconds = time.monotonic() - clock
        return begun

    def _end(self, begun: _Begun, full: bool) -> tuple[Report, bool]:
        """The report, and whether the bytes stayed what they were. Raises ``UnreadableError``."""
        if begun.unreadable is not None:
            raise begun.unreadable
        content, unchanged, clock = begun.failed, True, time.monotonic()
        if content is None:
            try:
                content = self._judged(begun, full)
            except Exception as error:
                content, unchanged = _broken(begun.identity, error), not isinstance(error, EvidenceChangedError)
        content.setdefault("first_pass", not full)
        run = run_record(
            begun.started, begun.seconds + time.monotonic() - clock, self.device, self._detector_records(),
            self._finders.records(), self._recorded_options(), self._plugins, self.protections,
        )  # fmt: skip
        return Report(run=run, **content), unchanged

    def _detector_records(self) -> tuple[DetectorRecord, ...]:
        compared = () if self._comparer is None else (self._comparer.record,)
        return (*(d.record for d in self.detectors), *compared)

    def _recorded_options(self) -> Mapping[str, JsonValue]:
        if self._comparer is None:
            return self.options.as_json()
        return {**self.options.as_json(), "originals": self._comparer.as_json()}

    def _judged(self, begun: _Begun, full: bool) -> dict[str, Any]:
        """The fields of a report that come from the file. ``full``: with the second pass, whatever the first finds."""
        opened, gathered, deadline = begun.opened, begun.gathered, begun.deadline
        assert opened is not None and gathered is not None
        judged = judge(self.detectors, gathered, deadline)
        matches, abstained, more_gaps = self._compared(opened, gathered, deadline)
        second = full or bool(matches) or flagged(lines(self.detectors, judged.findings), _facts(judged.findings))
        findings = judged.findings
        if second and self.options.pictures:
            findings = judged.explained(deadline)
        if second and self.options.robustness:
            findings = with_deliveries(self.detectors, gathered, findings, deadline)
        opened.verify_unchanged()
        findings += matches
        weighed = lines(self.detectors, findings)
        return {
            "media": opened.media,
            "findings": findings,
            "abstentions": judged.abstentions + abstained,
            "verdict": decide(weighed, _facts(findings)),
            "subjects": subjects(gathered, second and self.options.pictures, weighed),
            "coverage_gaps": gathered.gaps + more_gaps,
            "first_pass": not second,
        }

    def _compared(
        self, opened: OpenMedia, gathered: Gathered, deadline: Deadline
    ) -> tuple[tuple[Finding, ...], tuple[Abstention, ...], tuple[str, ...]]:
        """What the comparison with originals finds, where it gives no answer, and what it left out."""
        if self._comparer is None:
            return (), (), ()
        opener = partial(self._isolation.open_media, check=deadline.check)
        return self._comparer.look(opened, gathered.tracks, deadline, opener, self.options.pictures)


@dataclass(slots=True)
class _Begun:
    """A file that was opened and decoded, or why not: it is ``unreadable``, or ``failed`` holds the report's fields.

    ``seconds``: what that took.
    """

    identity: Identity
    deadline: Deadline
    started: datetime
    opened: OpenMedia | None = None
    gathered: Gathered | None = None
    unreadable: UnreadableError | None = None
    failed: dict[str, Any] | None = None
    seconds: float = 0.0

    def close(self) -> None:
        """Close the file, if it is open."""
        opened, self.opened = self.opened, None
        if opened is not None:
            opened.close()


def _facts(findings: Sequence[Finding]) -> list[Mapping[str, JsonValue]]:
    return [finding.facts for finding in findings if finding.score is None]


def _broken(identity: Identity, error: Exception) -> dict[str, Any]:
    """The fields of a report on a file over which something broke: that costs this file, not the run.

    Raises ``error`` if it is none of the file's.
    """
    if isinstance(error, Expired):
        return _failed(identity, Reason.TIMEOUT, str(error))
    if isinstance(error, IngestError):
        return _failed(identity, error.reason, error.sentences())
    if isinstance(error, EvidenceChangedError):
        return _failed(identity, Reason.FAILED, error.sentences())
    if isinstance(error, DeepfakeDetectError):
        raise error
    return _failed(identity, Reason.FAILED, f"unforeseen error: {type(error).__name__}: {error}"[:500])


def _failed(identity: Identity, reason: Reason, detail: str) -> dict[str, Any]:
    """The fields of a report on a file that gave nothing: no finding, no verdict, one abstention of the whole scan."""
    media = MediaFile(
        path=identity.path, sha256=identity.sha256, md5=identity.md5, sha1=identity.sha1, size=identity.size,
        kind=None, facts=None,
    )  # fmt: skip
    return {
        "media": media,
        "findings": (),
        "abstentions": (Abstention("scan", "file", reason, detail),),
        "verdict": None,
    }


def scan(source: Source, *, timeout: float | None = None, cancel: threading.Event | None = None) -> Report:
    """Scan one file with every detector; see ``Scanner.scan``. For more files make a ``Scanner``.

    It loads only once.
    """
    with Scanner() as scanner:
        return scanner.scan(source, timeout=timeout, cancel=cancel)
