"""Pictures that explain: PNG in memory, named by their hash."""

from __future__ import annotations

import hashlib
import io

from ..findings import EvidenceImage
from ..media import Pixels

MAX_SIDE = 256


def evidence_image(pixels: Pixels, max_side: int = MAX_SIDE) -> EvidenceImage:
    """``pixels`` uint8 RGB (height, width, 3) as a PNG of at most ``max_side`` pixels; deterministic, without metadata."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=False)
    data = buffer.getvalue()
    return EvidenceImage(hashlib.sha256(data).hexdigest(), image.width, image.height, data)
