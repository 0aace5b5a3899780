"""From any Pillow mode to ``uint8`` RGB: depth scaled not clipped, CMYK through its profile, alpha over white."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from ..media import Pixels
from .gaps import Gaps

if TYPE_CHECKING:
    from PIL import Image

OVER_WHITE = "Transparent parts of the picture were shown over white."
RESCALED = "The picture's values have no fixed range; they were scaled from their own minimum and maximum to 8 bit."


def to_rgb(image: Image.Image, gaps: Gaps) -> Pixels:
    """Pixels (height, width, 3) of a loaded picture; what had to be assumed is told to ``gaps``.

    RGB with a wide-gamut profile keeps its numbers: models are trained on files read that way.
    """
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _deep(image, gaps)
    if mode == "CMYK":
        image = _cmyk(image)
    elif mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = _over_white(image, gaps)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _deep(image: Image.Image, gaps: Gaps) -> Pixels:
    """16 bit and 32 bit integers, and floats."""
    values = np.asarray(image).astype(np.float32)
    finite = np.isfinite(values)
    low, high = (float(values[finite].min()), float(values[finite].max())) if finite.any() else (0.0, 0.0)
    if image.mode == "F" and low >= 0 and high <= 1:
        scale, offset = 255.0, 0.0
    elif image.mode != "F" and low >= 0 and high <= 65535:
        scale, offset = 255.0 / 65535.0, 0.0
    else:
        scale, offset = 255.0 / max(high - low, 1e-12), low
        gaps.add(RESCALED)
    grey = np.rint((np.nan_to_num(values, nan=low, posinf=high, neginf=low) - offset) * scale).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _cmyk(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _over_white(image: Image.Image, gaps: Gaps) -> Image.Image:
    from PIL import Image

    rgba = image.convert("RGBA")
    if rgba.getchannel("A").getextrema()[0] == 255:
        return rgba.convert("RGB")
    gaps.add(OVER_WHITE)
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
