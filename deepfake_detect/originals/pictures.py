"""What a match looks like: the suspect, the original in place, and a map of what is the same and what differs."""

from __future__ import annotations

import numpy as np

from ..explain.images import evidence_image
from ..findings import Evidence
from ..media import Pixels
from .compare import Comparison

SIDE = 640  # pixels
_SAME = np.array([0, 114, 178], np.float32)  # blue and orange of Okabe and Ito: told apart without red and green
_OTHER = np.array([230, 130, 0], np.float32)


def evidence(comparison: Comparison) -> tuple[Evidence, ...]:
    """Three pictures of one size: kinds ``suspect``, ``original`` and ``difference``."""
    captions = {
        "suspect": "The examined picture",
        "original": "The file supplied as original, laid over it; grey where it has nothing",
        "difference": "Orange: differs from the file supplied as original. Blue: the same."
        " Grey: not covered, or nothing there tells",
    }
    pixels = {
        "suspect": comparison.suspect,
        "original": comparison.placed,
        "difference": difference_map(comparison),
    }
    return tuple(Evidence(kind, captions[kind], image=evidence_image(pixels[kind], SIDE)) for kind in captions)


def difference_map(comparison: Comparison) -> Pixels:
    """The suspect in grey, tinted blue where it is the same, orange and outlined where it differs."""
    import cv2

    grey = cv2.cvtColor(comparison.suspect, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    base = np.repeat(60 + 0.6 * grey, 3, axis=2)
    for mask, colour, weight in ((comparison.reused, _SAME, 0.35), (comparison.differs, _OTHER, 0.6)):
        base[mask] = (1 - weight) * base[mask] + weight * colour
    picture = np.clip(base, 0, 255).astype(np.uint8)
    outlines, _ = cv2.findContours(comparison.differs.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(cv2.drawContours(picture, outlines, -1, (255, 255, 255), 2), np.uint8)
