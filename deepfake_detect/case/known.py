"""The files that a run left out because a list has their hash (``known.jsonl``)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..report.serialise import from_json, to_json
from .files import append_line, drop_torn, whole_lines

BATCH = 256  # lines that are written, and synchronised, together


@dataclass(frozen=True, slots=True)
class KnownLine:
    """``path`` as it was given, or None where no path is kept. ``by``: ``md5``, ``sha1`` or ``sha256``."""

    sha256: str
    path: str | None
    by: str


class KnownLog:
    """Each file once, however often a run is resumed. ``counted``: those of this run, by the hash that told them.

    What a crash keeps from being written is found again by the next run.
    """

    def __init__(self, path: Path) -> None:
        drop_torn(path)
        self._path = path
        self._seen = {hash(from_json(KnownLine, line)) for line in whole_lines(path)[0]}
        self._waiting: list[KnownLine] = []
        self.counted: Counter[str] = Counter()

    def add(self, sha256: str, path: str | None, by: str) -> None:
        """Raises ``OSError``."""
        line = KnownLine(sha256, path, by)
        self.counted[by] += 1
        if hash(line) not in self._seen:
            self._seen.add(hash(line))
            self._waiting.append(line)
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Raises ``OSError``."""
        if self._waiting:
            append_line(self._path, b"\n".join(to_json(line).encode("ascii") for line in self._waiting))
            self._waiting.clear()

    def total(self) -> int:
        """Files left out in all runs of the case."""
        return len(self._seen)
