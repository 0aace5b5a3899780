"""``open_media`` with the reading done elsewhere: the same types come back, checked, from a worker process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import asdict
from types import TracebackType

from ...errors import DeepfakeDetectError, IsolationError, LimitExceededError
from ...media import SAMPLE_RATE, AudioSegment, ContainerFacts, Frame, MediaFile, MediaKind, SamplingPlan
from ..credentials import check_trust_list
from ..gaps import Gaps
from ..limits import Limits
from ..opened import OpenMedia, open_media
from ..source import Identity, OpenSource, Source
from . import checked
from .process import Check, WorkerProcess, supported
from .ring import copied
from .wire import Nonsense

WORKER = "deepfake_detect.ingest.isolate.worker"
NOT_ISOLATED = (
    "none: this system cannot hand open files to a process of its own, so files are read inside the scanner's process"
)
_FILES_PER_WORKER = 250  # what a file may have done to a worker ends with it
_MAX_CHUNK = 1 << 26  # samples in one segment
_MAX_TEXT = 200


class WorkerReader:
    """A file that is open in a worker: the reader of an ``OpenMedia``."""

    kind: MediaKind
    facts: ContainerFacts

    def __init__(
        self, pool: Isolation, descriptor: int, size: int, limits: Limits, trust_list: str | None, check: Check | None
    ) -> None:
        self._pool, self._descriptor, self._size = pool, descriptor, size
        self._limits, self._trust_list, self._check = limits, trust_list, check
        self._pass = 0  # of several decoding passes, which one is the latest
        self._decoding = False
        self.open_gaps, self.decode_gaps = Gaps(), Gaps()
        self._worker: WorkerProcess | None = None
        self._open()

    def _open(self) -> WorkerProcess:
        worker = self._worker = self._pool.take()
        limits = self._limits
        worker.begin_file(limits.max_wall_seconds, limits.max_cpu_seconds, self._check)
        request = {"do": "open", "size": self._size, "limits": asdict(limits), "trust_list": self._trust_list}
        try:
            worker.send(request, self._descriptor)
            answer = worker.receive()
            self.kind = checked.media_kind(answer.get("kind"))
            self.facts = checked.facts(answer.get("facts"), limits)
            self.open_gaps = checked.sentences(answer.get("gaps"))
        except Nonsense as error:
            raise worker.refuse(error) from error
        except DeepfakeDetectError:
            self.close()
            raise
        return worker

    def decode(self, plan: SamplingPlan) -> Iterator[Frame | AudioSegment]:
        """Frames and sound as the worker sends them. Raises what ``WorkerProcess.receive`` raises."""
        self._break_off()
        self._pass += 1
        this, self.decode_gaps = self._pass, Gaps()
        worker = self._worker if self._worker is not None and self._worker.alive else self._open()
        self._decoding = True
        try:
            worker.send({"do": "decode", "plan": asdict(plan)})
            yield from self._items(worker, plan, this)
        except Nonsense as error:
            raise worker.refuse(error) from error
        except DeepfakeDetectError:
            self._decoding = False
            raise
        finally:
            if this == self._pass:
                self._break_off()

    def _items(self, worker: WorkerProcess, plan: SamplingPlan, this: int) -> Iterator[Frame | AudioSegment]:
        frames_left = 2 * plan.max_frames + 64  # more than the plan asks for is no mistake that a decoder makes
        samples_left = round(plan.max_audio_seconds * SAMPLE_RATE) + SAMPLE_RATE
        while "end" not in (message := worker.receive()):
            if "frame" in message:
                frames_left -= 1
                item: Frame | AudioSegment = worker.take_frame(message["frame"])
                worker.took_frame()
            else:
                sound = worker.take_sound(message.get("sound"), min(samples_left, _MAX_CHUNK))
                samples_left -= sound.samples.size
                item = sound
            if frames_left < 0:
                raise Nonsense("more frames than were asked for")
            yield item
            if this != self._pass:
                raise RuntimeError("another decoding pass over the same file has begun")
        self._decoding = False
        known = set(self.open_gaps.sentences())
        for sentence in checked.sentences(message.get("gaps")).sentences():
            if sentence not in known:
                self.decode_gaps.add(sentence)

    def _break_off(self) -> None:
        if self._decoding and self._worker is not None:
            self._decoding = False
            if self._worker.alive:
                self._worker.stop()

    def close(self) -> None:
        """Give the worker back."""
        self._break_off()
        worker, self._worker = self._worker, None
        if worker is not None:
            self._pool.give_back(worker)


class IsolatedMedia(OpenMedia):
    """An ``OpenMedia`` whose reader lives in a worker. Hashing stays here: who reads the file must not be able to say
    what its hash is.
    """

    def __init__(self, source: OpenSource, media: MediaFile, reader: WorkerReader, memory: int | None) -> None:
        super().__init__(source, media, reader, Gaps())
        self._worker_reader, self._memory = reader, memory

    def close(self) -> None:
        """Give the worker back and close the file."""
        try:
            self._worker_reader.close()
        finally:
            super().close()
            if self._memory is not None:
                os.close(self._memory)
                self._memory = None


class Isolation:
    """Workers, one for each file open at a time, kept from file to file; a context manager. May be shared between
    threads.

    ``limits``: of memory and pixels, set when a worker starts. ``module``: whose ``main`` a worker runs.
    """

    def __init__(self, limits: Limits | None = None, module: str = WORKER) -> None:
        self._limits, self._module = limits or Limits(), module
        self._lock = threading.Lock()
        self._idle: list[WorkerProcess] = []
        self._closed = False
        self._process = os.getpid()
        self._protections: tuple[str, ...] = ()

    def __enter__(self) -> Isolation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def protections(self) -> tuple[str, ...]:
        """What a worker found to be active when it tried, one short text each. The first begins with ``none:`` where
        files are read unprotected.
        """
        if not supported():
            return (NOT_ISOLATED,)
        if not self._protections:
            try:
                worker = self.take()
            except IsolationError as error:
                return (f"none: no file can be read, {error.message}"[:_MAX_TEXT],)
            self.give_back(worker)
            limit = f"CPU limit {self._limits.max_cpu_seconds:g} s a file"
            self._protections = (*worker.protections, "files are read in a process of their own", limit)
        return self._protections

    def open_media(
        self, source: Source, identity: Identity | None = None, limits: Limits | None = None,
        trust_list: str | None = None, check: Check | None = None,
    ) -> OpenMedia:  # fmt: skip
        """As ``ingest.open_media``; raises also ``IsolationError`` and ``DecodingTimeoutError``.

        ``check``: called at least every 0.1 s while a worker is waited for, and while the file is hashed; what it
        raises ends the worker and comes out here. Bytes and streams are copied into memory, up to
        ``max_picture_bytes``.
        """
        limits = limits or self._limits
        if not supported():
            return open_media(source, identity, limits, trust_list)
        if trust_list is not None:
            check_trust_list(trust_list)
        opened, memory = OpenSource(source, check), None
        try:
            size = opened.size()
            limits.check_bytes(size)
            who = identity or opened.identify()
            descriptor = memory = None if opened.path is not None else _in_memory(opened, size, limits)
            if descriptor is None:
                descriptor = opened.file.fileno()
            reader = WorkerReader(self, descriptor, size, limits, trust_list, check)
            media = MediaFile(opened.path, who.sha256, who.md5, who.sha1, who.size, reader.kind, reader.facts)
            return IsolatedMedia(opened, media, reader, memory)
        except BaseException:
            opened.close()
            if memory is not None:
                os.close(memory)
            raise

    def take(self) -> WorkerProcess:
        """A worker that waits for a file. Raises ``IsolationError``."""
        self._forget_after_fork()
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return WorkerProcess(self._limits, self._module)
            if worker.alive:
                return worker
            worker.kill()

    def _forget_after_fork(self) -> None:
        """A pool made before a host program forked: both sides must not talk to one worker."""
        if self._process != os.getpid():
            self._process, self._lock = os.getpid(), threading.Lock()
            idle, self._idle = self._idle, []
            for worker in idle:
                worker.abandon()

    def give_back(self, worker: WorkerProcess) -> None:
        """Keep a worker for the next file, or end it."""
        if worker.alive and worker.files < _FILES_PER_WORKER:
            try:
                worker.end_file()
            except DeepfakeDetectError:
                worker.kill()
                return
            with self._lock:
                if not self._closed:
                    self._idle.append(worker)
                    return
        worker.kill()

    def close(self) -> None:
        """End the workers that wait; those at work end with their file."""
        self._forget_after_fork()
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.kill()


def _in_memory(opened: OpenSource, size: int, limits: Limits) -> int:
    if size > limits.max_picture_bytes:
        raise LimitExceededError(
            f"the bytes or stream given are {size:,} long, the limit is {limits.max_picture_bytes:,}",
            "Pass the path of a file instead.",
        )
    return copied(opened.file, size)
