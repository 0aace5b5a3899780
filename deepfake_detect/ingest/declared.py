"""Files that say how long they ought to be: RIFF sizes, the Xing header of an MP3, the last page of an Ogg stream."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

_HEAD = 1 << 16
_UNKNOWN_SIZES = {0, 0xFFFFFFFF}  # written by recorders that never came back to fill it in
_LAST_PAGE = 0x04


def shortfall(file: BinaryIO, format_: str) -> str | None:
    """A sentence when the file ends before its own header says it does, else None."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(_HEAD)
    if format_ in ("wav", "avi") and head[:4] == b"RIFF":
        return _sentence(struct.unpack_from("<I", head, 4)[0] + 8, size)
    if format_ == "mp3":
        return _xing(head, size)
    if format_ == "ogg":
        return _ogg(file, size)
    return None


def _sentence(declared: int, size: int) -> str | None:
    if declared - 8 in _UNKNOWN_SIZES or declared <= size:
        return None
    return f"The file is cut off: its header declares {declared:,} bytes, {size:,} are there."


def _xing(head: bytes, size: int) -> str | None:
    """http://gabriel.mp3-tech.org/mp3infotag.html: flags, then frames (1) and bytes (2) as 32 bit big-endian."""
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at < 0 or len(head) < at + 16:
        return None
    flags = struct.unpack_from(">I", head, at + 4)[0]
    if not flags & 2:
        return None
    return _sentence(struct.unpack_from(">I", head, at + 8 + 4 * (flags & 1))[0], size)


def _ogg(file: BinaryIO, size: int) -> str | None:
    """RFC 3533: the last page of a stream carries the end mark."""
    file.seek(max(size - _HEAD, 0))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at >= 0 and len(tail) > at + 5 and tail[at + 5] & _LAST_PAGE:
        return None
    return "The Ogg stream has no end mark: it may be cut off."
