"""A video call, imitated by script: half the size, moving a little, denoised, strongly compressed, enlarged again."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_detect.ingest import open_media
from deepfake_detect.media import Frame, SamplingPlan
from deepfake_detect.reship.visual import h264_file, resize

Rgb = NDArray[np.uint8]
FRAMES = 8


def video_call(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """The last of several H.264 frames (CRF 32 to 37, no B frames, as live encoders have it), at the first size."""
    small = resize(rgb, float(rng.uniform(0.45, 0.6)))
    small = np.asarray(cv2.bilateralFilter(small, 5, float(rng.uniform(5, 20)), 2), np.uint8)
    step, noise = rng.uniform(-1.5, 1.5, 2), rng.uniform(1, 3)
    frames = [_seen(small, step * (FRAMES - 1 - i), noise, rng) for i in range(FRAMES)]
    data = h264_file(frames, int(rng.integers(32, 38)), tune="zerolatency")
    with open_media(data) as opened:
        *_, last = (item.pixels for item in opened.decode(SamplingPlan(max_frames=FRAMES)) if isinstance(item, Frame))
    return np.asarray(cv2.resize(last, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def _seen(rgb: Rgb, shift: NDArray[np.float64], noise: float, rng: np.random.Generator) -> Rgb:
    """Moved by `shift` pixels (x, y), with a sensor's noise."""
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    moved = cv2.warpAffine(rgb, matrix, rgb.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
    return np.clip(moved + rng.normal(0, noise, rgb.shape) + 0.5, 0, 255).astype(np.uint8)
