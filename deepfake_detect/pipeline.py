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
from .errors import DeepfakeDetectError, EvidenceChangedError, IngestError, UnreadableError
from .findings import Abstention, DetectorRecord, Failure, Finding, Reason, Report
from .fuse import decide, flagged
from .gather import Finders, Gathered, gather
from .ingest import Identity, OpenMedia, Source, identify
from .ingest.isolate import Isolation
from .judge import judge, lines, subjects
from .ledger import Ledger, RecentReports, at
from .loading import LoadedDetector, load_detectors
from .media import FaceTrack, JsonValue, MediaFile, SpeechWindow
from .options import ScanOptions
from .originals import Comparer
from .progress import FileFinished, FileSkipped, FileStarted, Progress, RunFinished, RunStarted, silent
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
        self._comparer = comparer
        self._isolation = Isolation(self.options.limits)
        registry = Registry(plugins)
        selected = registry.select(tuple(detectors) if detectors else None)
        self._plugins = registry.plugins()
        store = WeightStore(weights)
        self.detectors: tuple[LoadedDetector, ...]
        self.device, self.detectors = load_detectors(selected, store, device, self.options.operating_point)
        consumed = {d.card.consumes for d in self.detectors}
        faces = FaceTrack in consumed or comparer is not None
        self._finders = Finders(store, self.device, faces, SpeechWindow in consumed)

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
        return self._report(source, identify(source), Deadline(timeout, cancel))[0]

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
    ) -> Iterator[Report | Failure]:
        """Scan files one after the other; each gives a report or a failure, and the next one follows.

        ``paths`` may hold the errors of ``ingest.find_files``, which become failures. ``timeout``: seconds for each
        file. Bytes that ``ledger`` has a report on are not scanned again: the report is given for each path. By default
        it remembers the duplicates of this call, whose pictures then have hashes but no bytes. What it ``skips`` gives
        nothing. ``full``: of a path, whether maps, crops and the robustness test are made whatever the file scored;
        where it says no they are made only if something in the file is flagged. None: of all.
        """
        items = list(paths)
        ledger = ledger or RecentReports()
        order = _Order(timeout, ledger, full or (lambda _: True))
        ledger.begin(self.fingerprint)
        clock = time.monotonic()
        progress(RunStarted(len(items)))
        for index, item in enumerate(items):
            name = item.path or "" if isinstance(item, UnreadableError) else os.fspath(item)
            progress(FileStarted(index, name))
            outcome = self._outcome(item, order)
            progress(FileFinished(index, name, outcome) if outcome is not None else FileSkipped(index, name))
            if outcome is not None:
                yield outcome
        progress(RunFinished(time.monotonic() - clock))

    def _outcome(self, item: str | os.PathLike[str] | UnreadableError, order: _Order) -> Report | Failure | None:
        """None for bytes that the ledger skips."""
        try:
            if isinstance(item, UnreadableError):
                raise item
            deadline, identity, full = Deadline(order.timeout, None), identify(item), order.full(os.fspath(item))
            if order.ledger.skips(identity):
                return None
            known = order.ledger.find(identity.sha256, full)
            if known is not None:
                return at(known, os.fspath(item))
            report, unchanged = self._report(item, identity, deadline, full)
        except UnreadableError as error:
            return Failure(error.path, Reason.FAILED, error.message, error.hint, None)
        if unchanged:
            order.ledger.add(report)
        return report

    def _report(self, source: Source, identity: Identity, deadline: Deadline, full: bool = True) -> tuple[Report, bool]:
        """The report, and whether the bytes stayed what they were."""
        started, clock, unchanged = datetime.now(UTC), time.monotonic(), True
        try:
            content = self._scan(source, identity, deadline, full)
        except Expired as error:
            content = _failed(identity, Reason.TIMEOUT, str(error))
        except IngestError as error:
            content = _failed(identity, error.reason, error.sentences())
        except EvidenceChangedError as error:
            content, unchanged = _failed(identity, Reason.FAILED, error.sentences()), False
        except DeepfakeDetectError:
            raise
        except Exception as error:  # whatever breaks over one file costs that file, not the run
            content = _failed(identity, Reason.FAILED, f"unforeseen error: {type(error).__name__}: {error}"[:500])
        content.setdefault("first_pass", not full)
        run = run_record(
            started, time.monotonic() - clock, self.device, self._detector_records(), self._finders.records(),
            self._recorded_options(), self._plugins, self.protections,
        )  # fmt: skip
        return Report(run=run, **content), unchanged

    def _detector_records(self) -> tuple[DetectorRecord, ...]:
        compared = () if self._comparer is None else (self._comparer.record,)
        return (*(d.record for d in self.detectors), *compared)

    def _recorded_options(self) -> Mapping[str, JsonValue]:
        if self._comparer is None:
            return self.options.as_json()
        return {**self.options.as_json(), "originals": self._comparer.as_json()}

    def _scan(self, source: Source, identity: Identity, deadline: Deadline, full: bool) -> dict[str, Any]:
        """The fields of a report that come from the file. ``full``: with the second pass, whatever the first finds."""
        limits, trusted = self.options.limits, self.options.trust_list
        with self._isolation.open_media(source, identity, limits, trusted, deadline.check) as opened:
            gathered = gather(opened, self.options.plan, self._finders, deadline, self.options.region)
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


@dataclass(frozen=True, slots=True)
class _Order:
    """What holds for each file of a run."""

    timeout: float | None
    ledger: Ledger
    full: Callable[[str], bool]


def _facts(findings: Sequence[Finding]) -> list[Mapping[str, JsonValue]]:
    return [finding.facts for finding in findings if finding.score is None]


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
