"""Pictures that explain: PNG in memory, named by their hash."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from numpy.typing import NDArray

from ..findings import EvidenceImage
from ..media import Pixels

MAX_SIDE = 256
_CHIN = 0.95  # from mouth to chin, in lengths of the way from eyes to mouth
_COVER = 96  # grey value of what is covered


def evidence_image(pixels: Pixels, max_side: int = MAX_SIDE) -> EvidenceImage:
    """``pixels`` uint8 RGB (height, width, 3) as a PNG of at most ``max_side`` pixels; deterministic, without
    metadata.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=False)
    data = buffer.getvalue()
    return EvidenceImage(hashlib.sha256(data).hexdigest(), image.width, image.height, data)


def reddened(pixels: Pixels, share: NDArray[np.float32]) -> Pixels:
    """``pixels`` greyed, with ``share`` (0..1, of any smaller size) in red over it, on a fixed scale."""
    import cv2

    wide = cv2.resize(share.astype(np.float32), pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    heat = np.clip(wide, 0, 1)[..., None]
    grey = np.repeat(pixels.mean(2, keepdims=True), 3, axis=2)
    red = np.array([215.0, 25.0, 28.0])
    return np.asarray(np.clip(grey * (1 - 0.6 * heat) + red * 0.6 * heat, 0, 255), np.uint8)


def end_at_chin(pixels: Pixels, landmarks: NDArray[np.float32]) -> Pixels:
    """A copy of a face crop (height, width, 3) in which everything below the chin is a solid fill, so that no body is
    shown. ``landmarks`` (5, 2), eyes, nose and mouth corners in pixels of the crop; the chin is estimated on the line
    from the eyes through the mouth, however the head is turned. Where the mouth is not below the eyes on any line (a
    broken detection) the whole crop is filled.
    """
    eyes, mouth = landmarks[:2].astype(float).mean(0), landmarks[3:].astype(float).mean(0)
    axis = mouth - eyes
    length = float(np.hypot(*axis))
    covered = pixels.copy()
    if not np.isfinite(length) or length < 1.0:
        covered[:] = _COVER
        return covered
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    along = ((x - eyes[0]) * axis[0] + (y - eyes[1]) * axis[1]) / length
    covered[along > (1 + _CHIN) * length] = _COVER
    return covered
