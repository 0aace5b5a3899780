"""The one place where re-shipping decodes the bytes that it has just encoded: through ingest, like everything else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..ingest import open_media
from ..media import SAMPLE_RATE, AudioSegment, Frame, SamplingPlan


def decode_picture(data: bytes) -> NDArray[np.uint8]:
    """Own encoded picture, or the first frame of an own encoded video -> uint8 [h, w, 3] RGB."""
    with open_media(data) as opened:
        return next(item.pixels for item in opened.decode(SamplingPlan(max_frames=1)) if isinstance(item, Frame))


def decode_sound(data: bytes) -> tuple[NDArray[np.float32], int]:
    """Own encoded sound -> mono float32 in [-1, 1] at 16 kHz, and that rate."""
    with open_media(data) as opened:
        parts = [item.samples for item in opened.decode(SamplingPlan()) if isinstance(item, AudioSegment)]
    return np.concatenate(parts), SAMPLE_RATE
