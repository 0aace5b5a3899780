"""The text chunks of a PNG (W3C PNG, third edition, 11.3.3), read without decoding the picture."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from .limits import Limits
from .metadata import decode_text

_TEXT = (b"tEXt", b"zTXt", b"iTXt")


def png_text(file: BinaryIO, limits: Limits) -> Iterator[tuple[str, str | None]]:
    """(keyword, text) of every tEXt, zTXt and iTXt chunk, also behind the pixels; text None if it is too large or
    damaged.
    """
    file.seek(8)
    for _ in range(100_000):
        header = file.read(8)
        if len(header) < 8:
            return
        length, kind = struct.unpack(">I4s", header)
        if kind not in _TEXT:
            file.seek(length + 4, 1)
            continue
        if length > limits.max_metadata_bytes:
            yield kind.decode(), None
            file.seek(length + 4, 1)
            continue
        body = file.read(length)
        file.seek(4, 1)
        keyword, _, rest = body.partition(b"\0")
        yield keyword.decode("latin-1"), _chunk_text(kind, rest, limits.max_metadata_bytes)


def _chunk_text(kind: bytes, rest: bytes, limit: int) -> str | None:
    if kind == b"tEXt":
        return decode_text(rest)
    if kind == b"zTXt":
        unpacked = _inflate(rest[1:], limit)
        return None if unpacked is None else decode_text(unpacked)
    if len(rest) < 2:
        return None
    _, _, text = rest[2:].partition(b"\0")
    _, _, text = text.partition(b"\0")
    body = _inflate(text, limit) if rest[0] else text
    return None if body is None else body.decode("utf-8", "replace")


def _inflate(data: bytes, limit: int) -> bytes | None:
    try:
        inflater = zlib.decompressobj()
        unpacked = inflater.decompress(data, limit)
    except zlib.error:
        return None
    return None if inflater.unconsumed_tail else unpacked


def without_text(file: BinaryIO) -> io.BytesIO:
    """A copy of the PNG without its text chunks, for a decoder that refuses to go past an oversized one."""
    file.seek(0)
    copy = io.BytesIO()
    copy.write(file.read(8))
    while len(header := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        if kind in _TEXT:
            file.seek(length + 4, 1)
        else:
            copy.write(header + file.read(length + 4))
    copy.seek(0)
    return copy
