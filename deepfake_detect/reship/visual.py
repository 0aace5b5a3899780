"""Pictures as a messenger, a web page, a video codec or a screenshot would deliver them.

Every function takes and returns uint8 [h, w, 3] RGB, encodes in memory and decodes its own bytes through ingest.
The five conditions in `CONDITIONS` are fixed: benchmarks, training and the robustness test use these and no others.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .decode import decode_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rgb = NDArray[np.uint8]

ASSUMED_LONG_SIDE = 1024
MESSENGER_SIDE = 480


def resize(rgb: Rgb, scale: float, *, smooth: bool = True) -> Rgb:
    """Scale both sides; `smooth` averages areas when shrinking, otherwise plain bilinear as a compositor does."""
    import cv2

    height, width = (max(2, round(side * scale)) for side in rgb.shape[:2])
    method = cv2.INTER_AREA if smooth and scale < 1 else cv2.INTER_LINEAR if not smooth else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=method), np.uint8)


def jpeg(rgb: Rgb, quality: int, subsampling: str = "4:2:0") -> Rgb:
    """One JPEG generation at libjpeg quality 1-100."""
    return _through_pillow(rgb, format="JPEG", quality=quality, subsampling=subsampling)


def webp(rgb: Rgb, quality: int) -> Rgb:
    """One lossy WebP generation at quality 0-100."""
    return _through_pillow(rgb, format="WEBP", quality=quality)


def h264(rgb: Rgb, crf: int) -> Rgb:
    """One H.264 key frame (libx264, yuv420p) at constant rate factor `crf`; odd sides lose one pixel by cropping."""
    return decode_picture(h264_file([rgb], crf))


def h264_file(frames: Sequence[Rgb], crf: int, fps: int = 25, tune: str | None = None) -> bytes:
    """An MP4 of frames of one size, at least one, as `h264` encodes them; `tune`: libx264's, such as zerolatency."""
    import av

    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    options = {"crf": str(crf), "preset": "veryfast", "threads": "1", **({"tune": tune} if tune else {})}
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.time_base = Fraction(1, fps)
        for rgb in frames:
            even = np.ascontiguousarray(rgb[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def half_jpeg75(rgb: Rgb) -> Rgb:
    """Half the size, then JPEG quality 75."""
    return jpeg(resize(rgb, 0.5), 75)


def webp70(rgb: Rgb) -> Rgb:
    """WebP quality 70."""
    return webp(rgb, 70)


def h264_crf32(rgb: Rgb) -> Rgb:
    """H.264 at CRF 32."""
    return h264(rgb, 32)


def screenshot(rgb: Rgb) -> Rgb:
    """Shown at 80 % by a compositor (bilinear, no prefilter) and saved without loss."""
    return resize(rgb, 0.8, smooth=False)


def messenger480(rgb: Rgb, source_long_side: int = ASSUMED_LONG_SIDE) -> Rgb:
    """Long side 480 px, JPEG quality 70. A crop is scaled as part of a picture whose long side was given."""
    return jpeg(resize(rgb, min(1.0, MESSENGER_SIDE / source_long_side)), 70)


CONDITIONS: dict[str, Callable[[Rgb], Rgb]] = {
    "half-jpeg75": half_jpeg75,
    "webp70": webp70,
    "h264-crf32": h264_crf32,
    "screenshot": screenshot,
    "messenger480": messenger480,
}


def _through_pillow(rgb: Rgb, **options: Any) -> Rgb:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, **options)
    return decode_picture(buffer.getvalue())
