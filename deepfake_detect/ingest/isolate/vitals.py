"""How a worker fares, as the system sees it: its CPU time, a limit on that, and whether it still moves at all."""

from __future__ import annotations

import os
from pathlib import Path

_LOOKS = 8  # in the time after which a worker that does nothing is given up


def limit_cpu(process: int, seconds: float) -> None:
    """``seconds`` more than it has used; set from outside, because inside it cannot be set any more."""
    found = _state(process)
    try:
        import resource

        if found is None:
            return
        _, hard = resource.prlimit(process, resource.RLIMIT_CPU)
        soft = int(found[1] / os.sysconf("SC_CLK_TCK") + seconds) + 1
        resource.prlimit(process, resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))
    except (ImportError, AttributeError, OSError, ValueError):
        return  # the wall-clock limit still holds


class Pulse:
    """Tells a worker that is busy, or waits for a disk, from one that will never answer: its CPU time stands still.

    ``seconds``: of being waited for without any CPU time, after which it counts as lost.
    """

    def __init__(self, process: int, seconds: float) -> None:
        self._process, self._seconds = process, seconds
        self.begin()

    def begin(self) -> None:
        """Waiting starts from zero."""
        self._moved = self._looked = 0.0
        self._ticks = -1

    def lost(self, waited: float) -> bool:
        """Whether it is lost. ``waited``: seconds waited for it so far; never falls but by ``begin``."""
        if waited - self._looked < self._seconds / _LOOKS:
            return False
        self._looked = waited
        found = _state(self._process)
        if found is None or found[0] == "D" or found[1] != self._ticks:
            self._moved = waited
            self._ticks = found[1] if found else -1
        return waited - self._moved >= self._seconds


def _state(process: int) -> tuple[str, int] | None:
    """State letter and ticks of CPU time of all threads (proc_pid_stat(5), fields 3, 14, 15); None if not told."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[11]) + int(fields[12])
    except (OSError, ValueError, IndexError):
        return None
