"""From a picture or a sound to what an added network takes, as its card says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...media import Pixels, Samples
from .spec import AddedSpec


def prepare(spec: AddedSpec, item: NDArray[Any]) -> NDArray[np.float32]:
    """uint8 (h, w, 3) -> float32 (3, side, side), or float32 (n,) at 16 kHz -> float32 (samples,)."""
    return fit_sound(item, spec.samples) if spec.looks_at == "voice" else fit_picture(item, spec)


def fit_picture(pixels: Pixels, spec: AddedSpec) -> NDArray[np.float32]:
    """Scaled to the square input (area average when shrinking, cubic when enlarging), then normalised."""
    import cv2

    size, shrinks = (spec.side, spec.side), min(pixels.shape[:2]) > spec.side
    if pixels.shape[:2] != size:
        pixels = np.asarray(
            cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC), np.uint8
        )
    values = (pixels.astype(np.float32) / 255 - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)


def fit_sound(samples: Samples, length: int) -> Samples:
    """Repeated or cut to ``length``, as AASIST's authors do; as it comes for 0."""
    return samples if not length else np.ascontiguousarray(np.resize(samples, length))
