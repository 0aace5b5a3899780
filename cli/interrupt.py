"""Ctrl-C: a scan stops within two seconds, says how to go on, and leaves a case that can be resumed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer

INTERRUPTED = 130
GRACE = 1.0  # seconds from the signal until the process ends whatever it is doing; letting go takes half a second more


@contextmanager
def interruptible(last_words: Callable[[], str]) -> Iterator[None]:
    """For the length of a run SIGINT and SIGTERM end the process with 130 after ``last_words`` on standard error.

    The run unwinds; if it is still busy after ``GRACE``, as in a long forward pass, the process ends where it is. Every
    document of a case is put in its place whole, so that nothing half written is left either way.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # a host program's thread: its signals are not ours
        return
    watch = _Watch(last_words)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        watch.tell()
        raise typer.Exit(INTERRUPTED) from None
    finally:
        watch.close()
        signal.signal(signal.SIGTERM, before)


class _Watch:
    """A thread that hears of a signal even while the main thread is inside a library that does not."""

    def __init__(self, last_words: Callable[[], str]) -> None:
        self._last_words, self._told = last_words, threading.Lock()
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        threading.Thread(target=self._wait, daemon=True).start()

    def tell(self) -> None:
        """Say the last words, once."""
        if self._told.acquire(blocking=False):
            print(f"\n{self._last_words()}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Hear no more; a countdown that has begun goes on."""
        signal.set_wakeup_fd(self._before)
        os.close(self._writing)

    def _wait(self) -> None:
        while heard := os.read(self._reading, 1):
            if heard[0] in (signal.SIGINT, signal.SIGTERM):
                threading.Event().wait(GRACE)
                self.tell()
                os._exit(INTERRUPTED)
        os.close(self._reading)


def resume_command(arguments: Sequence[str]) -> str:
    """The command line that goes on with a case: that of this run with ``--resume``, unless it goes on already."""
    going_on = {"--resume", "--retry-failed", "--restart"} & set(arguments)
    words = ["deepfake-detect", *arguments]
    if not going_on:
        words.insert(2, "--resume")
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
