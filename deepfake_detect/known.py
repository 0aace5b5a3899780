"""Lists of known files (``--known``): which bytes a folder run leaves out.

Read are plain lists with a hash at the start of each line, as `md5sum` writes them, and CSV with a header that names a
hash column, as the NSRL has it. Only these places count: a file name that looks like a hash makes nothing known.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError
from .ingest import Identity

SIZES = {"md5": 16, "sha1": 20, "sha256": 32}  # bytes
_ALGORITHM = {2 * size: name for name, size in SIZES.items()}
_HASH = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\Z", re.IGNORECASE)


class KnownHashes:
    """MD5, SHA-1 and SHA-256 of known files, held as sorted arrays: 16 to 32 bytes each.

    Raises ``UsageError`` for a list that cannot be read or holds no hash. ``lists``: name and SHA-256 of each list.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        self.lists: list[tuple[str, str]] = []
        raw = {name: bytearray() for name in SIZES}
        for path in map(Path, paths):
            before = sum(map(len, raw.values()))
            try:
                for found in _hashes(path):
                    raw[_ALGORITHM[len(found)]] += bytes.fromhex(found)
                with path.open("rb") as stream:
                    self.lists.append((path.name, hashlib.file_digest(stream, "sha256").hexdigest()))
            except (OSError, csv.Error) as error:
                raise UsageError(f"--known {path} cannot be read: {error}", "Name a list of hashes.") from error
            if sum(map(len, raw.values())) == before:
                raise UsageError(
                    f"--known {path} holds no hash", "A line begins with one, or a header names the column."
                )
        self._sorted = {name: _sort(data, SIZES[name]) for name, data in raw.items() if data}

    def __len__(self) -> int:
        return sum(map(len, self._sorted.values()))

    def match(self, identity: Identity) -> str | None:
        """Which hash of a file is known, the strongest first: ``sha256``, ``sha1`` or ``md5``; None if none is."""
        for name in ("sha256", "sha1", "md5"):
            if name in self._sorted and _within(self._sorted[name], bytes.fromhex(getattr(identity, name))):
                return name
        return None


def _sort(data: bytearray, size: int) -> NDArray[np.uint8]:
    """Rows in order of their first eight bytes."""
    rows = np.frombuffer(data, np.uint8).reshape(-1, size)
    heads = np.ascontiguousarray(rows[:, :8]).view(">u8").reshape(-1)
    return rows[np.argsort(heads, kind="stable")]


def _within(rows: NDArray[np.uint8], wanted: bytes) -> bool:
    at = bisect_left(rows, wanted[:8], key=_head)
    while at < len(rows) and _head(rows[at]) == wanted[:8]:
        if rows[at].tobytes() == wanted:
            return True
        at += 1
    return False


def _head(row: NDArray[np.uint8]) -> bytes:
    return row[:8].tobytes()


def _hashes(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        header = stream.readline()
        columns = _hash_columns(header)
        if columns:
            yield from _of_columns(stream, columns)
            return
        for line in chain((header,), stream):
            yield from _at_start(line)


def _hash_columns(header: str) -> list[int]:
    """Which columns of a CSV header hold a hash."""
    names = next(csv.reader([header]), [])
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in names]
    return [index for index, name in enumerate(plain) if name.removesuffix("hash") in SIZES]


def _of_columns(lines: Iterable[str], columns: Sequence[int]) -> Iterator[str]:
    for row in csv.reader(lines):
        for index in columns:
            if index < len(row) and _HASH.match(row[index].strip()):
                yield row[index].strip()


def _at_start(line: str) -> Iterator[str]:
    first = re.split(r"[\s,;]", line.strip().lstrip("\\*"), maxsplit=1)[0].strip("\"'")
    if _HASH.match(first):
        yield first
