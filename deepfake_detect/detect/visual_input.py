"""From a crop to the visual encoder's input: the same code serves scans, training and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..media import Pixels

SIDE = 224
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def centre(pixels: Pixels, side: int) -> Pixels:
    """The middle ``side`` x ``side`` pixels, or what there is of them."""
    top, left = (max(0, (length - side) // 2) for length in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]


def fit_native(pixels: Pixels) -> Pixels:
    """The middle 224 x 224 without resampling; a smaller crop is mirrored outwards, so that its own statistics stay."""
    pixels = centre(pixels, SIDE)
    low = [(SIDE - length) // 2 for length in pixels.shape[:2]]
    high = [SIDE - length - before for length, before in zip(pixels.shape[:2], low, strict=True)]
    return np.pad(pixels, ((low[0], high[0]), (low[1], high[1]), (0, 0)), mode="symmetric")


def fit_face(pixels: Pixels) -> Pixels:
    """A whole square face crop at 224 x 224: area average when shrinking, cubic when enlarging."""
    import cv2

    method = cv2.INTER_AREA if pixels.shape[0] > SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=method), np.uint8)


def normalise(batch: Sequence[Pixels]) -> NDArray[np.float32]:
    """uint8 (224, 224, 3) each -> float32 (b, 3, 224, 224) with CLIP's mean and standard deviation."""
    pixels = (np.stack(list(batch)).astype(np.float32) / 255.0 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32)
