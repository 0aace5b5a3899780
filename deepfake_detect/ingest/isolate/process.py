"""One worker process: started, asked, watched, ended. It is never forked, so a scan works in any host program."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import DecodingTimeoutError, DeepfakeDetectError, IngestError, IsolationError
from ...media import AudioSegment, Frame
from ..limits import Limits
from ..metadata import clean
from . import checked
from .ring import Ring, ring_size
from .vitals import Pulse, limit_cpu
from .wire import Channel, ChannelClosed, Nonsense

Check = Callable[[], None]

_START_SECONDS = 120.0  # a busy machine takes 12 s
_STOP_SECONDS = 1.5
_SILENT_SECONDS = 120.0  # without any CPU time, in a file that may take half an hour
_SAID_CHARS = 200
_BOOT = "import json,sys; sys.path[:]=json.loads(sys.argv[1]); from importlib import import_module as i; i({!r}).main()"
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
# One thread before the sandbox closes (Landlock binds single threads); few arenas, since address space is limited.
_SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
_GET_AGAIN = "The file may be built to attack the decoder. Keep it as evidence; the next file is read by a new process."


def supported() -> bool:
    """Whether this system can pass open files and sealed shared memory to another process."""
    return hasattr(socket, "send_fds") and hasattr(os, "memfd_create") and hasattr(os, "preadv")


class WorkerProcess:
    """Starts at once. Raises ``IsolationError`` if it cannot be started.

    ``files``: how many it has opened. ``protections``: what it found to be active. Not for two threads at once.
    """

    def __init__(self, limits: Limits, module: str) -> None:
        self.files = 0
        self._limits = limits
        self._check: Check | None = None
        self._max_seconds = _START_SECONDS
        ours, theirs = socket.socketpair()
        self._said, said = os.pipe()
        for end in (self._said, said):
            os.set_blocking(end, False)  # what does not fit into the pipe is lost; the worker never waits for it
        self._ring = Ring(ring_size(limits))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT.format(module), json.dumps(_search_path())],
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=said, cwd=os.path.sep, env=_environment(),
                start_new_session=True,
            )  # fmt: skip
        except (OSError, TypeError, ValueError) as error:  # no program to start in an embedded interpreter
            ours.close()
            self._release()
            raise IsolationError(f"the process that reads files cannot be started: {error}") from error
        finally:
            theirs.close()
            os.close(said)
        self._sock, self._pulse = ours, Pulse(self._process.pid, _SILENT_SECONDS)
        self._channel = Channel(ours, _max_message(limits), self._wait)
        try:
            self._channel.send(
                {"ring": self._ring.size, "max_memory": limits.max_memory_bytes}, descriptor=self._ring.descriptor
            )
            answer = self.receive()
            self.protections = tuple(checked.text(p) for p in checked.items(answer.get("protections"), 16))
        except Nonsense as error:
            raise self.refuse(error) from error
        except DecodingTimeoutError as error:
            raise IsolationError(
                f"the process that reads files did not start within {_START_SECONDS:g} s",
                "Scan on a less busy machine.",
            ) from error

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def begin_file(self, seconds: float, cpu_seconds: float, check: Check | None) -> None:
        """A new file: its time starts now. ``check`` is called while the worker is waited for and may raise."""
        self.files += 1
        self._channel.waited, self._max_seconds, self._check = 0.0, seconds, check
        self._pulse.begin()
        limit_cpu(self._process.pid, cpu_seconds)

    def send(self, message: Mapping[str, Any], descriptor: int | None = None) -> None:
        """Raises what ``receive`` raises."""
        self._guard(lambda: self._channel.send(message, descriptor=descriptor))

    def receive(self) -> dict[str, Any]:
        """The next message that is no error. Raises the error that the worker reports, ``IsolationError`` when it
        died, ``DecodingTimeoutError``, and what ``check`` raises; then, but for reported errors, the worker is ended.
        """
        message: dict[str, Any] = self._guard(self._channel.receive)[0]
        if "error" not in message:
            return message
        try:
            failure = checked.failure(message)
        except Nonsense as error:
            raise self.refuse(error) from error
        if isinstance(failure, IngestError):
            raise failure
        says = clean(failure.message, _SAID_CHARS)
        raise IsolationError(f"the decoder failed in an unforeseen way: {says}", _GET_AGAIN)

    def take_frame(self, value: object) -> Frame:
        """A frame out of the ring. Raises ``Nonsense``."""
        if not isinstance(value, dict):
            raise Nonsense("no frame")
        height, width = (checked.whole(value.get(side), 1, 2**31) for side in ("height", "width"))
        if 3 * height * width > self._ring.size:
            raise Nonsense("a frame larger than the limit")
        at = checked.whole(value.get("at"), 0, self._ring.size - 3 * height * width)
        time_, new_shot = checked.number(value.get("time")), checked.truth(value.get("new_shot"))
        return Frame(time_, self._ring.take(at, height, width), new_shot)

    def took_frame(self) -> None:
        """Tell that a place in the ring is free. Raises ``Nonsense`` for a worker that sends on without listening:
        both sides would wait for each other.
        """
        if not self._channel.can_send():
            raise Nonsense("frames that nobody waited for")
        self.send({"do": "took"})

    def take_sound(self, value: object, most: int) -> AudioSegment:
        """1 to ``most`` samples. Raises ``Nonsense``, and what ``receive`` raises."""
        if not isinstance(value, dict):
            raise Nonsense("no sound")
        start, count = checked.number(value.get("start")), checked.whole(value.get("count"), 1, most)
        samples = self._guard(lambda: self._channel.receive_array(count))
        if not (samples.min() >= -1 and samples.max() <= 1):  # NaN is neither
            raise Nonsense("sound that is no sound")
        return AudioSegment(start, samples)

    def end_file(self) -> None:
        """Close the file in the worker, and forget what it printed. Raises what ``receive`` raises."""
        self._channel.waited, self._max_seconds, self._check = 0.0, _STOP_SECONDS, None
        self.send({"do": "close"})
        self._ring.trim()
        self._last_words()

    def stop(self) -> None:
        """Break off a decoding pass, and end the worker if it does not stop in time."""
        before = self._channel.waited, self._max_seconds, self._check
        self._channel.waited, self._max_seconds, self._check = 0.0, _STOP_SECONDS, None
        try:
            self.send({"do": "stop"})
            while "end" not in (message := self.receive()):
                if "sound" in message:
                    self.take_sound(message["sound"], 2**31)
        except (DeepfakeDetectError, Nonsense):
            self.kill()
        self._channel.waited, self._max_seconds, self._check = before

    def refuse(self, error: Nonsense) -> IsolationError:
        """End the worker for what it sent."""
        self.kill()
        return IsolationError(f"the process that read the file answered nonsense ({error})", _GET_AGAIN)

    def kill(self) -> None:
        """End it now. One that hangs in the kernel, on a disk that does not answer, ends when that does."""
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(_STOP_SECONDS)
        self.abandon()

    def abandon(self) -> None:
        """Let go without ending it: after a fork it belongs to the process that started it."""
        self._sock.close()
        self._release()

    def _release(self) -> None:
        if self._said >= 0:
            os.close(self._said)
            self._ring.close()
            self._said = -1

    def _wait(self, waited: float) -> None:
        if self._check is not None:
            self._check()
        if waited > self._max_seconds:
            raise DecodingTimeoutError(
                f"reading the file took more than {self._max_seconds:g} s of waiting",
                "Allow more in Python (Limits.max_wall_seconds) if you trust the file.",
            )
        if self._pulse.lost(waited):
            raise DecodingTimeoutError(
                f"the process that read the file did nothing for {_SILENT_SECONDS:g} s",
                "The file may be built to attack the decoder, or its disk does not answer.",
            )

    def _guard(self, act: Callable[[], Any]) -> Any:
        if self._said < 0:
            raise IsolationError("the process that read the file has ended", _GET_AGAIN)
        try:
            return act()
        except ChannelClosed as error:
            raise self._died() from error
        except Nonsense as error:
            raise self.refuse(error) from error
        except BaseException:
            self.kill()
            raise

    def _died(self) -> DeepfakeDetectError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code, said = self._process.poll(), self._last_words()
        self.kill()
        if code == -getattr(signal, "SIGXCPU", 0):
            return DecodingTimeoutError(
                "reading the file took more CPU time than this run allows",
                "Allow more in Python (Limits.max_cpu_seconds) if you trust the file.",
            )
        how = f"was ended by {_signal_name(-code)}" if code is not None and code < 0 else f"ended with code {code}"
        says = f"; its last words: {said}" if said else ""
        return IsolationError(f"the process that read the file {how}{says}", _GET_AGAIN)

    def _last_words(self) -> str:
        """The last line that it printed, cleaned and cut."""
        try:
            said = os.read(self._said, 1 << 17)
        except BlockingIOError:
            return ""
        lines = said.decode("utf-8", "replace").strip().splitlines()
        return clean(lines[-1], _SAID_CHARS) if lines else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _search_path() -> list[str]:
    """Where the scanner itself finds its packages; never the folder it happens to be in."""
    root = str(Path(__file__).parents[3])
    return [path for path in dict.fromkeys((*sys.path, root)) if Path(path).is_absolute()]


def _environment() -> dict[str, str]:
    """No secrets of the scanner's."""
    return {**{name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}, **_SETTINGS}


def _max_message(limits: Limits) -> int:
    """Bytes of JSON that the largest allowed facts take; a character takes up to six."""
    return 6 * limits.max_metadata_entries * (limits.max_metadata_chars + 256) + (4 << 20)
