"""Classical lines on local edits, written from the papers: each a map of its own, none of them a verdict.

Every function takes uint8 RGB (h, w, 3) whose upper left corner lies on the picture's 8 x 8 grid, sides divisible by
8 and of at least 64, and returns float32 (h / 8, w / 8), higher where a cell is less like the rest of the piece.
The values have no common unit. `benchmarks/local_edit.py` measures each alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..media import Pixels

Map = NDArray[np.float32]

CELL = 8
_QUALITIES = range(50, 96, 5)
_LEAST_VARIANCE = 0.5  # of luma in 3 x 3 cells; chosen on wallpapers of even number in benchmarks/ghosts.py
_LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip


def noise_level(pixels: Pixels) -> Map:
    """Noise inconsistency: a cell's noise, by the median of its high-pass, against that of the piece (Mahdian & Saic
    2009, doi:10.1016/j.imavis.2009.02.001).
    """
    import cv2

    kernel = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], np.float32) / 6
    size = np.abs(cv2.filter2D(_luma(pixels), -1, kernel))
    medians = np.median(_cells(size).reshape(*_grid(pixels), -1), -1) / 0.6745
    return _unlike(np.log(_wide(medians) + 0.1))


def demosaicing(pixels: Pixels) -> Map:
    """Demosaicing inconsistency: how unlike green's prediction error is on the two colours of the checkerboard (Ferrara
    et al. 2012, doi:10.1109/TIFS.2012.2202227). Resizing and compression remove what it looks for.
    """
    import cv2

    green = pixels[..., 1].astype(np.float32)
    kernel = np.array([[0, 0.25, 0], [0.25, -1, 0.25], [0, 0.25, 0]], np.float32)
    error = np.square(cv2.filter2D(green, -1, kernel))
    odd = (np.add.outer(np.arange(green.shape[0]), np.arange(green.shape[1])) % 2).astype(bool)
    first, second = (_wide(_cells(np.where(side, error, 0)).sum((-1, -2))) for side in (odd, ~odd))
    return _unlike(np.log(first + 1) - np.log(second + 1))


def jpeg_ghosts(pixels: Pixels) -> Map:
    """JPEG ghosts: the error of compressing again at each of ten qualities, along which a cell with another past has
    another dip (Farid 2009, doi:10.1109/TIFS.2008.2012215). Quantised in the DCT of luma, on the picture's grid.
    """
    coefficients = _dct(pixels)
    curves = np.stack([_wide(_requantised(coefficients, quality)) for quality in _QUALITIES], -1)
    low, high = curves.min(-1, keepdims=True), curves.max(-1, keepdims=True)
    curves = (curves - low) / np.maximum(high - low, 1e-6)
    return np.asarray(np.abs(curves - np.median(curves, (0, 1))).max(-1), np.float32)


def textured(pixels: Pixels) -> NDArray[np.bool_]:
    """Cells (h / 8, w / 8) that can hold a ghost: where there is no detail, compression leaves no trace of its own."""
    detail = _dct(pixels)
    detail[..., 0, 0] = 0
    return np.asarray(_wide(np.square(detail).mean((-1, -2))) >= _LEAST_VARIANCE, bool)


def grid_misalignment(pixels: Pixels) -> Map:
    """Double compression on a grid out of place: where the steps between neighbours at the eight places of the grid are
    unlike those of the piece (after Li et al. 2009, doi:10.1016/j.sigpro.2009.03.025).
    """
    luma = _luma(pixels)
    across = np.abs(2 * luma - np.roll(luma, 1, 1) - np.roll(luma, -1, 1))
    down = np.abs(2 * luma - np.roll(luma, 1, 0) - np.roll(luma, -1, 0))
    profile = np.concatenate([_cells(np.minimum(across, 20)).mean(-2), _cells(np.minimum(down, 20)).mean(-1)], -1)
    profile = np.stack([_wide(profile[..., k]) for k in range(2 * CELL)], -1)
    profile = np.log(profile + 0.1)
    for part in (profile[..., :CELL], profile[..., CELL:]):
        part -= part.mean(-1, keepdims=True)
    return np.asarray(np.linalg.norm(profile - np.median(profile, (0, 1)), axis=-1), np.float32)


METHODS: dict[str, Callable[[Pixels], Map]] = {
    "noise-level": noise_level,
    "demosaicing": demosaicing,
    "jpeg-ghosts": jpeg_ghosts,
    "grid-misalignment": grid_misalignment,
}


def _luma(pixels: Pixels) -> Map:
    return pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def _grid(pixels: Pixels) -> tuple[int, int]:
    return pixels.shape[0] // CELL, pixels.shape[1] // CELL


def _cells(plane: Map) -> Map:
    """(h, w) to (h / 8, w / 8, 8, 8)."""
    height, width = plane.shape[0] // CELL, plane.shape[1] // CELL
    return plane.reshape(height, CELL, width, CELL).transpose(0, 2, 1, 3)


def _wide(cells: Map) -> Map:
    """The mean over 3 x 3 cells."""
    import cv2

    return np.asarray(cv2.blur(np.ascontiguousarray(cells, np.float32), (3, 3)), np.float32)


def _unlike(values: Map) -> Map:
    """The distance from the median of the piece."""
    return np.asarray(np.abs(values - np.median(values)), np.float32)


@cache
def _basis() -> Map:
    """(8, 8): the orthonormal DCT-II."""
    n = np.arange(CELL)
    basis = np.cos(np.pi * (2 * n[None] + 1) * n[:, None] / (2 * CELL)) * np.sqrt(2 / CELL)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float32)


def _dct(pixels: Pixels) -> Map:
    basis = _basis()
    return np.asarray(basis @ _cells(_luma(pixels) - 128) @ basis.T, np.float32)


def _requantised(coefficients: Map, quality: int) -> Map:
    """The mean squared error of a cell at one libjpeg quality of at least 50."""
    table = np.clip(np.floor((np.array(_LUMA_TABLE) * (200 - 2 * quality) + 50) / 100), 1, 255).astype(np.float32)
    error = coefficients - np.rint(coefficients / table) * table
    return np.asarray(np.square(error).mean((-1, -2)), np.float32)
