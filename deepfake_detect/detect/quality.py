"""Cheap measures of what a crop can still carry; detectors refuse or choose a calibration by them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def luma(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 [h, w, 3] -> BT.601 luma float32 [h, w], 0..255."""
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def detail(rgb: NDArray[np.uint8]) -> float:
    """log10 of one plus the variance of the 4-neighbour Laplacian of the luma; 0 flat, about 1 blurred, 3 and more
    crisp.

    Blur, enlargement and strong compression all lower it.
    """
    y = luma(rgb)
    laplacian = y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:] - 4 * y[1:-1, 1:-1]
    return float(np.log10(1 + laplacian.var()))


def contrast(rgb: NDArray[np.uint8]) -> float:
    """Standard deviation of the luma, 0..128."""
    return float(luma(rgb).std())


def blockiness(y: NDArray[np.float32]) -> float:
    """Mean step across the borders of an 8-pixel grid over the mean step elsewhere, the strongest of the 8 phases."""
    steps = np.stack([np.abs(np.diff(y, axis=1)).mean(0), np.abs(np.diff(y, axis=0)).mean(1)])
    inside = [
        steps[:, phase::8].mean() / max(float(np.delete(steps, np.s_[phase::8], 1).mean()), 1e-3) for phase in range(8)
    ]
    return float(max(inside))


def flat_share(rgb: NDArray[np.uint8]) -> float:
    """Share of pixels that equal the next ones right and below: near 1 in drawings, near 0 in recordings."""
    right, below = rgb[:-1, 1:] == rgb[:-1, :-1], rgb[1:, :-1] == rgb[:-1, :-1]
    return float((right & below).all(2).mean())
