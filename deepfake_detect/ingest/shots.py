"""Cuts between shots, from small grey thumbnails of consecutive frames."""

from __future__ import annotations

from collections import deque
from statistics import median

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 32


class ShotDetector:
    """Says for each frame whether a new shot begins with it.

    A cut is a jump in the mean absolute difference of 32x32 grey thumbnails that stands out from the last half second
    and goes with another grey-level histogram, so that fast motion inside a shot is none. Dissolves and fades are not
    found.
    """

    _MIN_DIFFERENCE = 16.0  # grey levels of 255
    _SURE_DIFFERENCE = 40.0
    _TIMES_MEDIAN = 4.0
    _MIN_HISTOGRAM = 0.25  # share of pixels that change their bin, 0..1

    def __init__(self) -> None:
        self._last: NDArray[np.float32] | None = None
        self._recent: deque[float] = deque(maxlen=15)

    def is_new_shot(self, thumbnail: NDArray[np.uint8]) -> bool:
        """``thumbnail``: uint8 (32, 32). True for the first frame."""
        grey = thumbnail.astype(np.float32)
        last, self._last = self._last, grey
        if last is None:
            return True
        difference = float(np.abs(grey - last).mean())
        usual = median(self._recent) if self._recent else 0.0
        self._recent.append(difference)
        if difference < max(self._MIN_DIFFERENCE, self._TIMES_MEDIAN * usual):
            return False
        return difference >= self._SURE_DIFFERENCE or _histogram_distance(grey, last) >= self._MIN_HISTOGRAM


def _histogram_distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    counts = [np.histogram(x, bins=16, range=(0, 256))[0] for x in (a, b)]
    return float(np.abs(counts[0] - counts[1]).sum()) / (2 * a.size)
