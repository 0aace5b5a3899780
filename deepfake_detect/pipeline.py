"""The whole scan of a file, in order: ingest, extract, detect, explain, fuse, report."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any

from .checkpoints import WeightStore
from .deadline import Deadline, Expired
from .detect import Registry
from .errors import DeepfakeDetectError, EvidenceChangedError, IngestError, UnreadableError
from .findings import Abstention, DetectorRecord, Failure, Reason, Report
from .fuse import decide
from .gather import Finders, gather
from .ingest import Identity, Source, identify
from .ingest.isolate import Isolation
from .judge import judge, lines, subjects
from .ledger import Ledger, RecentReports, at
from .loading import LoadedDetector, load_detectors
from .media import FaceTrack, JsonValue, MediaFile, SpeechWindow
from .options import ScanOptions
from .originals import Comparer
from .progress import FileFinished, FileStarted, Progress, RunFinished, RunStarted, silent
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
        self.device, self.detectors = load_detectors(selected, store, device)
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
    ) -> Iterator[Report | Failure]:
        """Scan files one after the other; each gives a report or a failure, and the next one follows.

        ``paths`` may hold the errors of ``ingest.find_files``, which become failures. ``timeout``: seconds for each
        file. Bytes that ``ledger`` has a report on are not scanned again: the report is given for each path. By default
        it remembers the duplicates of this call, whose pictures then have hashes but no bytes.
        """
        items = list(paths)
        ledger = ledger or RecentReports()
        ledger.begin(self.fingerprint)
        clock = time.monotonic()
        progress(RunStarted(len(items)))
        for index, item in enumerate(items):
            name = item.path or "" if isinstance(item, UnreadableError) else os.fspath(item)
            progress(FileStarted(index, name))
            outcome = self._outcome(item, timeout, ledger)
            progress(FileFinished(index, name, outcome))
            yield outcome
        progress(RunFinished(time.monotonic() - clock))

    def _outcome(
        self, item: str | os.PathLike[str] | UnreadableError, timeout: float | None, ledger: Ledger
    ) -> Report | Failure:
        try:
            if isinstance(item, UnreadableError):
                raise item
            deadline, identity = Deadline(timeout, None), identify(item)
            known = ledger.find(identity.sha256)
            if known is not None:
                return at(known, os.fspath(item))
            report, unchanged = self._report(item, identity, deadline)
        except UnreadableError as error:
            return Failure(error.path, Reason.FAILED, error.message, error.hint, None)
        if unchanged:
            ledger.add(report)
        return report

    def _report(self, source: Source, identity: Identity, deadline: Deadline) -> tuple[Report, bool]:
        """The report, and whether the bytes stayed what they were."""
        started, clock, unchanged = datetime.now(UTC), time.monotonic(), True
        try:
            content = self._scan(source, identity, deadline)
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

    def _scan(self, source: Source, identity: Identity, deadline: Deadline) -> dict[str, Any]:
        """The fields of a report that come from the file."""
        limits, trusted = self.options.limits, self.options.trust_list
        with self._isolation.open_media(source, identity, limits, trusted, deadline.check) as opened:
            gathered = gather(opened, self.options.plan, self._finders, deadline)
            pictures = self.options.pictures
            findings, abstentions = judge(self.detectors, gathered, pictures, deadline)
            if self.options.robustness:
                findings = with_deliveries(self.detectors, gathered, findings, deadline)
            gaps = gathered.gaps
            if self._comparer is not None:
                opener = partial(self._isolation.open_media, check=deadline.check)
                more = self._comparer.look(opened, gathered.tracks, deadline, opener, pictures)
                findings, abstentions, gaps = findings + more[0], abstentions + more[1], gaps + more[2]
            opened.verify_unchanged()
            facts, judged = [f.facts for f in findings if f.score is None], lines(self.detectors, findings)
            return {
                "media": opened.media,
                "findings": findings,
                "abstentions": abstentions,
                "verdict": decide(judged, facts),
                "subjects": subjects(gathered, pictures, judged),
                "coverage_gaps": gaps,
            }


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
