"""Square pieces at native resolution: rescaling would blur away the traces that a generator leaves."""

from __future__ import annotations

import numpy as np

from ..media import ContainerFacts, Frame, NativeCrop, Picture, Region
from .reservoir import EvenReservoir

NATIVE_SIDE = 224
STILL_GRID = 3
FRAMES_KEPT = 6
OVERVIEW_SIDE = 512


def _positions(length: int, side: int, count: int) -> list[int]:
    """Up to ``count`` evenly spread offsets of a window of ``side`` within ``length``, without repeats."""
    room = length - side
    steps = min(count, max(1, round(length / side)))
    if steps == 1:
        return [room // 2]
    return sorted({round(i * room / (steps - 1)) for i in range(steps)})


def native_crops(frame: Frame, grid: int) -> tuple[NativeCrop, ...]:
    """At most ``grid * grid`` crops spread over the frame, ``NATIVE_SIDE`` square, or one smaller one in a smaller
    picture.
    """
    side = min(NATIVE_SIDE, frame.width, frame.height)
    return tuple(
        NativeCrop(frame.time, Region(x, y, side, side), np.ascontiguousarray(frame.pixels[y : y + side, x : x + side]))
        for y in _positions(frame.height, side, grid)
        for x in _positions(frame.width, side, grid)
    )


def overview(frame: Frame) -> Frame:
    """The frame scaled down (area average) to at most ``OVERVIEW_SIDE`` pixels a side."""
    import cv2

    scale = min(1.0, OVERVIEW_SIDE / max(frame.width, frame.height))
    size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    if scale == 1.0:
        return Frame(frame.time, np.array(frame.pixels))
    return Frame(frame.time, np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), np.uint8))


class PictureBuilder:
    """Collects the native crops of a file, a 3 x 3 grid of a still, 2 x 2 of at most six frames of a moving one, and
    these frames scaled down.
    """

    def __init__(self, facts: ContainerFacts, moving: bool) -> None:
        self._facts = facts
        self._moving = moving
        self._grid = 2 if moving else STILL_GRID
        self._kept: EvenReservoir[tuple[tuple[NativeCrop, ...], Frame]] = EvenReservoir(FRAMES_KEPT if moving else 1)
        self._size = (0, 0)

    def add(self, frame: Frame) -> None:
        """Cut the crops of one frame."""
        self._size = self._size if any(self._size) else (frame.width, frame.height)
        self._kept.offer((native_crops(frame, self._grid), overview(frame)))

    def build(self) -> Picture | None:
        """The picture, or None when no frame came."""
        kept = self._kept.items()
        crops = tuple(crop for cut, _ in kept for crop in cut)
        overviews = tuple(small for _, small in kept)
        return Picture(*self._size, self._moving, crops, self._facts, overviews) if crops else None
