"""The one place where re-shipping decodes the bytes that it has just encoded. To be redirected to ingest."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def decode_picture(data: bytes) -> NDArray[np.uint8]:
    """Own encoded picture -> uint8 [h, w, 3] RGB."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def decode_video(data: bytes) -> NDArray[np.uint8]:
    """First frame of an own encoded video -> uint8 [h, w, 3] RGB."""
    import av

    with av.open(io.BytesIO(data)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def decode_sound(data: bytes) -> tuple[NDArray[np.float32], int]:
    """Own encoded sound -> mono float32 in [-1, 1] and its rate in Hz."""
    import av

    with av.open(io.BytesIO(data), "r") as container:
        rate = container.streams.audio[0].rate
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.asarray(np.concatenate(parts), np.float32), rate
