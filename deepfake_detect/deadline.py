"""When a scan of one file must stop."""

from __future__ import annotations

import threading
import time


class Expired(Exception):
    """The time is over or the caller cancelled; the message says which."""


class Deadline:
    """``seconds`` from now, or the caller's ``cancel`` event, whichever comes first; None means never."""

    def __init__(self, seconds: float | None = None, cancel: threading.Event | None = None) -> None:
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds
        self._cancel = cancel

    def check(self) -> None:
        """Raise ``Expired`` if the scan must stop."""
        if self._cancel is not None and self._cancel.is_set():
            raise Expired("cancelled")
        if self._end is not None and time.monotonic() >= self._end:
            raise Expired(f"stopped after {self._seconds:g} s")
