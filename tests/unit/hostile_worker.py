"""A worker as an attacker who has taken it over would have it: it does what the file it is given says.

Only tests start it. A file that begins with ``{`` holds an order, every other file is read as usual.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deepfake_detect.ingest.isolate import worker
from deepfake_detect.media import ContainerFacts


def _segfault() -> None:
    ctypes.string_at(0)


def _allocate() -> None:
    kept = []
    while True:
        kept.append(b"\1" * (64 << 20))


def _spin() -> None:
    while True:
        pass


def _sleep() -> None:
    time.sleep(1e6)


def _chatter() -> None:
    for _ in range(1000):
        with suppress(BlockingIOError):
            os.write(2, b"noise\n" * 1000)
    _segfault()


ACTS = {"segfault": _segfault, "allocate": _allocate, "spin": _spin, "sleep": _sleep, "chatter": _chatter}


def _attempts(order: Mapping[str, Any], descriptor: int) -> dict[str, Callable[[], object]]:
    folder, port, libc = order["folder"], order["port"], ctypes.CDLL(None, use_errno=True)

    def system_call(number: int, *arguments: Any) -> None:
        if libc.syscall(number, *arguments) < 0:
            raise OSError(ctypes.get_errno(), "")

    return {
        "connect": lambda: socket.create_connection(("127.0.0.1", port), 2),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "unix socket": lambda: socket.socket(socket.AF_UNIX),
        "exec": lambda: os.execv("/bin/true", ["true"]),
        "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "fork": os.fork,
        "write": lambda: os.open(f"{folder}/new", os.O_WRONLY | os.O_CREAT),
        "write again": lambda: os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR),
        "append": lambda: os.open(f"{folder}/secret", os.O_RDWR | os.O_APPEND),
        "truncate": lambda: os.truncate(f"{folder}/secret", 0),
        "delete": lambda: Path(folder, "secret").unlink(),
        "rename": lambda: Path(folder, "secret").rename(f"{folder}/other"),
        "link": lambda: Path(folder, "link").symlink_to("secret"),
        "folder": lambda: Path(folder, "made").mkdir(),
        "read": lambda: os.open(f"{folder}/secret", os.O_RDONLY),
        "list": lambda: list(Path(folder).iterdir()),
        "scanner's memory": lambda: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
        "scanner's files": lambda: list(Path(f"/proc/{os.getppid()}/fd").iterdir()),
        "kill": lambda: os.kill(os.getppid(), 0),
        "write the evidence": lambda: os.write(descriptor, b"x"),
        "io_uring": lambda: system_call(425, 1, ctypes.create_string_buffer(256)),
        "more memory": lambda: __import__("resource").setrlimit(9, (-1, -1)),
        "write in a thread": lambda: _in_thread(lambda: os.open("/dev/null", os.O_WRONLY)),
    }


def _in_thread(act: Callable[[], object]) -> None:
    caught: list[Exception] = []

    def run() -> None:
        try:
            act()
        except OSError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


def _tried(order: Mapping[str, Any], descriptor: int) -> dict[str, str]:
    results = {}
    for name, attempt in _attempts(order, descriptor).items():
        try:
            attempt()
        except PermissionError:
            results[name] = "refused"
        except (OSError, ValueError) as error:
            results[name] = f"{type(error).__name__} {error}"
        else:
            results[name] = "DONE"
    return results


class Hostile(worker.Worker):
    """Takes orders from files."""

    _answers: list[str] = []  # noqa: RUF012

    def _open(self, request: Mapping[str, Any], descriptor: int | None) -> None:
        assert descriptor is not None
        data = os.pread(descriptor, 1 << 20, 0)
        if not data.startswith(b"{"):
            super()._open(request, descriptor)
            return
        order = json.loads(data)
        if "act" in order:
            ACTS[order["act"]]()
        if "try" in order:
            facts = ContainerFacts("png", "image/png", metadata=_tried(order["try"], descriptor))
            self._channel.send({"kind": "image", "facts": asdict(facts), "gaps": []})
        self._say(order.get("open", ()))
        self._answers = order.get("decode", [])

    def _decode(self, request: Mapping[str, Any], descriptor: int | None) -> None:
        if self._opened is not None:
            super()._decode(request, descriptor)
        self._say(self._answers)

    def _say(self, answers: Any) -> None:
        """Each a text that is sent as it is behind its length, or a number: so many bytes of 0x7f."""
        for answer in answers:
            if isinstance(answer, int):
                self._sock.sendall(b"\x7f" * answer)
            elif answer == "forever":
                while True:
                    self._sock.sendall(b"\x7f" * 65_536)
            else:
                self._sock.sendall(struct.pack(">I", len(answer.encode())) + answer.encode())


def main() -> None:
    """As the real one."""
    worker.Worker = Hostile  # type: ignore[misc]
    worker.main()
