"""What a picture is found by: local features (SIFT), their binary codes, and a hash of the whole (PDQ)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..media import Pixels

CODE_BYTES = 16
_CODE_BITS = 8 * CODE_BYTES
_PAIRS_PER_BIT = 6
_CONTRAST = 0.01  # a quarter of SIFT's default: skin, sky and walls give few corners otherwise
_CELLS_BY_RADIUS = ((5, 6, 9, 10), (1, 2, 4, 7, 8, 11, 13, 14), (0, 3, 12, 15))  # of SIFT's 4 x 4 grid
_SOUGHT = 2  # times as many are sought as are kept, so that there are wide ones among them
_COARSE_PX = 5.0  # features wider than this survive a resize to a quarter


@dataclass(frozen=True, slots=True)
class Features:
    """Local features of one picture of ``width`` x ``height`` pixels, the strongest first.

    ``points``: float32 (n, 4), x, y and diameter in pixels of the full picture, angle in degrees. ``descriptors``:
    uint8 (n, 128).
    """

    width: int
    height: int
    points: NDArray[np.float32] = field(repr=False)
    descriptors: NDArray[np.uint8] = field(repr=False)

    def __len__(self) -> int:
        return len(self.points)


def shrink(pixels: Pixels, side: int) -> Pixels:
    """At most ``side`` pixels on the longer side, averaged; smaller pictures stay as they are."""
    import cv2

    scale = side / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def features(pixels: Pixels, side: int, count: int) -> Features:
    """The ``count`` strongest SIFT features (Lowe 2004, doi:10.1023/B:VISI.0000029664.99615.94), sought at ``side`` px.

    Half of the places are kept for wide features, since only those survive when the picture is made small.
    """
    import cv2

    small = shrink(pixels, side)
    sift = cv2.SIFT.create(_SOUGHT * count, contrastThreshold=_CONTRAST)
    found, descriptors = sift.detectAndCompute(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), None)
    if descriptors is None:
        descriptors = np.empty((0, 128), np.float32)
    factor = pixels.shape[1] / small.shape[1]
    points = np.array([(*k.pt, k.size, k.angle, k.response) for k in found], np.float32).reshape(-1, 5)
    chosen = _best(points[:, 2], points[:, 4], count)
    scaled = points[chosen, :4] * np.array([factor, factor, factor, 1], np.float32)
    return Features(pixels.shape[1], pixels.shape[0], scaled, descriptors[chosen].astype(np.uint8))


def mirrored(found: Features) -> Features:
    """The features that the picture has when it is turned over left to right.

    A mirror turns the angle a into 180 - a and swaps the two sides of a descriptor's axis; nothing is sought again.
    """
    points = found.points.copy()
    points[:, 0] = found.width - 1 - points[:, 0]
    points[:, 3] = (180 - points[:, 3]) % 360
    cells = found.descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
    turned = cells[..., (-np.arange(8)) % 8]
    return Features(found.width, found.height, points, np.ascontiguousarray(turned).reshape(-1, 128))


def _best(sizes: NDArray[np.float32], responses: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Which features are kept, the strongest first."""
    order = np.argsort(-responses, kind="stable")
    wide = order[sizes[order] >= _COARSE_PX][: count // 2]
    rest = order[~np.isin(order, wide)][: count - len(wide)]
    chosen = np.concatenate([wide, rest])
    return np.asarray(chosen[np.argsort(-responses[chosen], kind="stable")])


@cache
def _projection() -> NDArray[np.float32]:
    """(128, 128): each column adds signed differences between two SIFT cells of equal distance from the centre at one
    orientation.

    The mean of such a difference is zero whatever the pictures, so that its sign is a balanced bit without training.
    """
    rng = np.random.default_rng(20_040_131)
    matrix = np.zeros((128, _CODE_BITS), np.float32)
    radii = [cells for cells in _CELLS_BY_RADIUS for _ in cells]
    for bit in range(_CODE_BITS):
        for _ in range(_PAIRS_PER_BIT):
            cells = radii[int(rng.integers(len(radii)))]
            first, second = rng.choice(len(cells), 2, replace=False)
            orientation = int(rng.integers(8))
            matrix[cells[first] * 8 + orientation, bit] += 1
            matrix[cells[second] * 8 + orientation, bit] -= 1
    return matrix


def codes(descriptors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Descriptors (n, 128) as binary codes uint8 (n, 16), compared by Hamming distance."""
    return np.packbits(descriptors.astype(np.float32) @ _projection() > 0, axis=1)


def hashes(pixels: Pixels) -> tuple[NDArray[np.uint8], int]:
    """PDQ of the picture and of its seven turned and mirrored forms, uint8 (8, 32), and the quality 0..100.

    Hash and quality as in Facebook's "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019),
    which takes a quality below 50 for a picture with too little structure.
    """
    import pdqhash

    vectors, quality = pdqhash.compute_dihedral(np.ascontiguousarray(shrink(pixels, 512)))
    return np.packbits(np.asarray(vectors, np.uint8), axis=1), int(quality)
