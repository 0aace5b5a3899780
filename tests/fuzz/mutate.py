"""Damaging real files on purpose: file ``index`` of ``seed`` has the same bytes on every run."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from make_media import GOOD

# Left out: a video of 200 s, and a picture of 20,000 pixels, which take long and have twins that do not.
SLOW = {"long.mp4", "wide.png", "shots.mp4"}
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000001)
_HEAD = 1024


class Mutator:
    """Damaged variants of the good files in ``folder``; formats come up equally often."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._seed = seed
        self._files: dict[str, list[bytes]] = {}
        for name, (_, format_) in sorted(GOOD.items()):
            if name not in SLOW:
                self._files.setdefault(format_, []).append((folder / name).read_bytes())

    @property
    def formats(self) -> list[str]:
        """Names as ingest sniffs them."""
        return list(self._files)

    def make(self, index: int) -> tuple[str, str, bytes]:
        """Format, name of the damage, bytes."""
        rng = random.Random(f"{self._seed}/{index}")
        format_ = self.formats[index % len(self._files)]
        data = rng.choice(self._files[format_])
        names = []
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            name, damage = rng.choice(list(_DAMAGES.items()))
            donor = rng.choice(self._files[rng.choice(self.formats)])
            data = damage(rng, data, donor)
            names.append(name)
        return format_, " + ".join(names), data


def _place(rng: random.Random, data: bytes) -> int:
    """Headers are short and decide most, so half of the damage is done there."""
    return rng.randrange(max(min(len(data), _HEAD) if rng.random() < 0.5 else len(data), 1))


def flip_bits(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """1 to 256 single bits."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 4, 16, 64, 256)) if changed else 0):
        changed[_place(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """Keep the beginning."""
    return data[: rng.randrange(len(data) + 1)]


def splice_header(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """The first bytes of one file before the rest of another."""
    cut = rng.choice((16, 64, 256, 1024))
    return donor[:cut] + data[cut:] if rng.random() < 0.5 else data[:cut] + donor[cut:]


def swap_units(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """Exchange, repeat or drop boxes, chunks or segments of the format; blocks of bytes where it has none."""
    units = _units(data)
    if len(units) < 3:
        step = max(len(data) // 8, 1)
        units = [data[i : i + step] for i in range(0, len(data), step)]
    if len(units) < 2:
        return data
    a, b = rng.sample(range(len(units)), 2)
    kind = rng.randrange(3)
    if kind == 0:
        units[a], units[b] = units[b], units[a]
    elif kind == 1:
        units.insert(b, units[a])
    else:
        del units[a]
    return b"".join(units)


def set_number(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """Overwrite lengths, sizes and counts with numbers at the edges."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 4))):
        form = rng.choice((">I", "<I", ">H", "<H", "B"))
        size = struct.calcsize(form)
        at = _place(rng, data)
        if at + size <= len(changed):
            struct.pack_into(form, changed, at, rng.choice(_NUMBERS) & (256**size - 1))
    return bytes(changed)


def blank(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """A hole of zeros or of noise, as a lost disk sector leaves it."""
    at, size = _place(rng, data), rng.choice((16, 512, 4096))
    return data[:at] + (bytes(size) if rng.random() < 0.5 else rng.randbytes(size)) + data[at + size :]


def repeat(rng: random.Random, data: bytes, donor: bytes) -> bytes:
    """A piece twice, so that everything behind it moves."""
    at = _place(rng, data)
    piece = data[at : at + rng.choice((1, 4, 64, 1024))]
    return data[:at] + piece * 2 + data[at + len(piece) :]


_DAMAGES: dict[str, Callable[[random.Random, bytes, bytes], bytes]] = {
    "bit flips": flip_bits, "truncation": truncate, "spliced header": splice_header, "swapped boxes": swap_units,
    "edge numbers": set_number, "hole": blank, "repeated piece": repeat,
}  # fmt: skip


def _units(data: bytes) -> list[bytes]:
    """ISO boxes (with those of moov and meta apart), PNG and RIFF chunks, JPEG segments; joined they are ``data``."""
    if data[4:8] in (b"ftyp", b"wide", b"moov"):
        return _cut(data, 0, lambda at: int.from_bytes(data[at : at + 4], "big"))
    if data[:4] == b"\x89PNG":
        return [data[:8], *_cut(data, 8, lambda at: int.from_bytes(data[at : at + 4], "big") + 12)]
    if data[:4] == b"RIFF":
        return [data[:12], *_cut(data, 12, lambda at: (int.from_bytes(data[at + 4 : at + 8], "little") + 9) & ~1)]
    if data[:2] == b"\xff\xd8":
        return [data[:2], *_cut(data, 2, lambda at: int.from_bytes(data[at + 2 : at + 4], "big") + 2)]
    return []


def _cut(data: bytes, start: int, length: Callable[[int], int]) -> list[bytes]:
    units: list[bytes] = []
    containers = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
    while start < len(data) and len(units) < 1000:
        size = 8 if data[start + 4 : start + 8] in containers else length(start)  # step inside: a unit is its header
        if size < 2:
            break
        units.append(data[start : start + size])
        start += size
    return [*units, data[start:]] if start < len(data) else units


def names() -> Sequence[str]:
    """Every kind of damage."""
    return list(_DAMAGES)
