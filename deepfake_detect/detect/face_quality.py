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
from .visual_input import fit_face

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
