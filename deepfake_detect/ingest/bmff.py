"""Boxes of the ISO base media format (ISO/IEC 14496-12), only to find encrypted tracks (ISO/IEC 23001-7)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_MAX_BOXES = 20_000
_TRACK_KINDS = {b"encv": "video", b"enca": "audio"}


def encrypted_tracks(file: BinaryIO) -> set[str]:
    """``video`` and ``audio`` for each kind of track whose samples are declared encrypted; empty for any other file."""
    end = file.seek(0, os.SEEK_END)
    found: set[str] = set()
    for kind, start, stop in _boxes(file, 0, end, [_MAX_BOXES]):
        if kind == b"stsd":
            file.seek(start + 8)  # version, flags, count
            entries = file.read(min(stop - start - 8, 1 << 16))
            if len(entries) >= 8 and entries[4:8] in _TRACK_KINDS:
                found.add(_TRACK_KINDS[entries[4:8]])
    return found


def _boxes(file: BinaryIO, start: int, end: int, budget: list[int]) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end of the payload) of every box down to the sample tables."""
    at = start
    while at + 8 <= end and budget[0] > 0:
        budget[0] -= 1
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            long = file.read(8)
            size, header = (struct.unpack(">Q", long)[0], 16) if len(long) == 8 else (0, 8)
        if size == 0:
            size = end - at
        if size < header:
            return
        stop = min(at + size, end)
        yield kind, at + header, stop
        if kind in _CONTAINERS:
            yield from _boxes(file, at + header, stop, budget)
        at += size
