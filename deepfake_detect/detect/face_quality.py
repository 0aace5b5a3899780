"""What may keep a face from being judged: blur, compression and pose, by names that the calibration file uses.

From the crop and MTCNN's five landmarks alone. Pose is told in lengths of the picture, not in degrees of the head: five
points of an unknown face do not give those.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..media import Pixels
from .quality import blockiness, detail, luma
from .visual_input import SIDE, fit_face

PATCHES = 14  # of the encoder, along each side of a crop
# Half axes of the inner face as shares of the way from the eyes to the mouth: from the brows to the chin.
_ACROSS, _DOWN = 0.8, 1.0

NAMES = ("detail", "blockiness", "turn", "nod", "tilt")


def pose(landmarks: NDArray[np.float32]) -> dict[str, float]:
    """``turn``: how far the nose lies beside the line from the eyes to the mouth, as a share of its length (0 frontal).

    ``nod``: where it lies along that line (0 at the eyes, 1 at the mouth). ``tilt``: the line's angle to the vertical
    in degrees. Landmarks float32 (5, 2): eyes, nose, mouth corners.
    """
    points = landmarks.astype(np.float64)
    eyes, nose, mouth = points[:2].mean(0), points[2], points[3:].mean(0)
    down = mouth - eyes
    length = max(float(np.hypot(*down)), 1e-6)
    across = np.array([down[1], -down[0]]) / length
    return {
        "turn": float(abs((nose - eyes) @ across) / length),
        "nod": float((nose - eyes) @ down / length**2),
        "tilt": abs(math.degrees(math.atan2(down[0], down[1]))),
    }


def face_quality(pixels: Pixels, landmarks: NDArray[np.float32]) -> Mapping[str, float]:
    """All of `NAMES` for one square face crop; ``detail`` at the size that the encoder sees."""
    return {"detail": detail(fit_face(pixels)), "blockiness": blockiness(luma(pixels)), **pose(landmarks)}


def inner_patches(landmarks: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which patches of a crop at 224 px lie in the inner face, bool (14, 14); at least one.

    An ellipse around the middle between eyes and mouth. Landmarks float32 (5, 2) at 224 px.
    """
    points = landmarks.astype(np.float64)
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    length = max(float(np.hypot(*(mouth - eyes))), 1e-3)
    down = (mouth - eyes) / length if (mouth != eyes).any() else np.array([0.0, 1.0])
    middles = (np.arange(PATCHES) + 0.5) * SIDE / PATCHES
    x, y = np.meshgrid(middles - (eyes + mouth)[0] / 2, middles - (eyes + mouth)[1] / 2)
    radius = np.hypot((x * down[1] - y * down[0]) / _ACROSS, (x * down[0] + y * down[1]) / _DOWN) / length
    return np.asarray(radius <= max(1.0, float(radius.min())))


def covered(logits: NDArray[np.float32], landmarks: NDArray[np.float32]) -> float:
    """The share of the inner face that something covers, 0..1: the mean probability over its patches.

    ``logits`` float32 (14, 14) of the cover head; landmarks float32 (5, 2) at 224 px.
    """
    inside = np.clip(logits[inner_patches(landmarks)].astype(np.float64), -30, 30)
    return float((1 / (1 + np.exp(-inside))).mean())
