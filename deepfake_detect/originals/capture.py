"""Whether a picture in place over another is a copy of it or another shot of the same scene.

A copy keeps the grain of its source as far as compression lets it; two shots of one scene have each their own. Grain is
looked at in smooth places only, since texture of the scene is the same in both shots. Where the copy, or the source,
has hardly any grain left, or the source was made smaller than the copy to be laid over it, nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from .compare import Comparison
from .register import Matrix, Registration, bent, size_ratio

_KERNEL = ((-1, 2, -1), (2, -4, 2), (-1, 2, -1))  # over 4; what is left of a picture is mostly grain
_SMOOTHEST = 0.1  # of the pixels in place
_LEAST_PIXELS = 2_000
_LEAST_GRAIN, _MOST_GRAIN = 0.9, 12.0  # of 255, deviation of the original's residual; more is texture, not grain
_LEAST_KEPT = 0.55  # of the original's grain in the suspect: less was smoothed or compressed away
_ENLARGED = 1.1  # times; a source enlarged more has lost its grain when it was made small, as under a crop of it
_MOSTLY = 0.75  # of either picture in place
_SLIGHTLY_BENT = 0.01  # of the longer side; a hand that moved between two shots bends that much, chosen by hand
_SHARED, _OWN = 0.6, 0.3  # correlation of the residuals: 0.64 and more in 6 trial copies, 0.22 and less in trial bursts


class Grain(StrEnum):
    """What the grain says."""

    SHARED = "shared"
    OWN = "own"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Capture:
    """``correlation`` (-1..1) of the residuals in smooth places, their deviations in both pictures (of 255), or None
    where too few pixels are smooth; ``framing``: whether both show the scene in the same framing, as shots of a burst.
    """

    grain: Grain
    correlation: float | None
    suspect_grain: float | None
    original_grain: float | None
    framing: bool

    @property
    def another_shot(self) -> bool:
        """Same framing, and each picture has grain of its own."""
        return self.framing and self.grain is Grain.OWN


def capture(comparison: Comparison, registration: Registration, scale: float) -> Capture:
    """Look at one comparison. ``scale``: pixels of the suspect for one of the original, at full size."""
    framing = _same_framing(registration, comparison, scale)
    places = _smooth(comparison)
    if places is None:
        return Capture(Grain.UNDECIDED, None, None, None, framing)
    ours, theirs = (_clipped(_residual(_grey(p))[places]) for p in (comparison.suspect, comparison.placed))
    correlation = float((ours * theirs).mean() / max(float(ours.std() * theirs.std()), 1e-6))
    mine, other = float(ours.std()), float(theirs.std())
    grain = Grain.UNDECIDED
    if correlation >= _SHARED and other <= _MOST_GRAIN:
        grain = Grain.SHARED
    elif correlation < _OWN and _both_grainy(mine, other) and size_ratio(registration) <= _ENLARGED:
        grain = Grain.OWN
    return Capture(grain, round(correlation, 3), round(mine, 2), round(other, 2), framing)


def _both_grainy(mine: float, other: float) -> bool:
    return _LEAST_GRAIN <= other <= _MOST_GRAIN and mine >= _LEAST_KEPT * other


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def _residual(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.filter2D(grey, -1, np.array(_KERNEL, np.float32) / 4), np.float32)


def _clipped(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the few large residuals, which are edges."""
    bound = 3 * (1.4826 * float(np.median(np.abs(values))) + 0.05)
    return np.clip(values, -bound, bound)


def _smooth(comparison: Comparison) -> NDArray[np.bool_] | None:
    """The smoothest tenth of what is in place, the same, and neither black nor white; None if that is too little."""
    import cv2

    soft = [np.asarray(cv2.GaussianBlur(_grey(p), (0, 0), 1.5)) for p in (comparison.suspect, comparison.placed)]
    edges = [np.hypot(cv2.Sobel(s, cv2.CV_32F, 1, 0), cv2.Sobel(s, cv2.CV_32F, 0, 1)) for s in soft]
    detail = cv2.GaussianBlur(edges[0] + edges[1], (0, 0), 2)
    same = (comparison.overlap & ~comparison.differs).astype(np.uint8)
    usable = cv2.erode(same, np.ones((9, 9), np.uint8)) > 0
    for plane in soft:
        usable &= (plane > 12) & (plane < 243)
    if usable.sum() * _SMOOTHEST < _LEAST_PIXELS:
        return None
    return np.asarray(usable & (detail <= np.quantile(detail[usable], _SMOOTHEST)))


def _same_framing(registration: Registration, comparison: Comparison, scale: float) -> bool:
    """Same size, hardly turned, no perspective, no mirror, each picture mostly seen in the other: a crop is none."""
    matrix: Matrix = registration.matrix / registration.matrix[2, 2]
    turn = abs(float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))))
    side = max(comparison.overlap.shape)
    perspective = float(np.abs(matrix[2, :2]).max()) * side
    return (
        not registration.mirrored
        and bent(registration, comparison.overlap.shape) < _SLIGHTLY_BENT
        and abs(scale - 1) < 0.05
        and turn < 4
        and perspective < 0.02
        and float(comparison.overlap.mean()) > _MOSTLY
        and comparison.shown > _MOSTLY
    )
