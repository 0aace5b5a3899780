"""Covering nudity in whole pictures with solid fill, by the package nudenet of the extra ``[nudity]``.

nudenet's LICENSE file is AGPL-3.0, so it is never a default and is imported here only. Its model is built from the
bytes that were hashed against the manifest. It can miss nudity: how often was not measured here.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from .checkpoints import WeightStore
from .media import Pixels, Region
from .quiet_onnx import load_onnxruntime

PACKAGE = "nudenet"
FILL = 96  # grey value of what is covered
_MARGIN = 0.15  # of a box's sides, added on each side
# Body parts under thin cloth too: it is better to cover too much.
_CLASSES = frozenset(
    {
        "ANUS_COVERED", "ANUS_EXPOSED", "BUTTOCKS_COVERED", "BUTTOCKS_EXPOSED", "FEMALE_BREAST_COVERED",
        "FEMALE_BREAST_EXPOSED", "FEMALE_GENITALIA_COVERED", "FEMALE_GENITALIA_EXPOSED", "MALE_BREAST_EXPOSED",
        "MALE_GENITALIA_EXPOSED",
    }
)  # fmt: skip


def nudity_finder() -> NudityFinder | None:
    """The finder, or None where the extra is not installed. Raises ``WeightsError`` if its model was changed."""
    if find_spec(PACKAGE) is None:
        return None
    return NudityFinder(WeightStore())


class NudityFinder:
    """nudenet's detector on verified bytes; may be shared between threads. Raises ``WeightsError``."""

    def __init__(self, store: WeightStore) -> None:
        (data,) = store.read_all(PACKAGE).values()
        load_onnxruntime()  # before nudenet does
        from nudenet import NudeDetector

        self.record = store.record(PACKAGE)
        self._lock = threading.Lock()
        self._detector: Any = NudeDetector(model_path=data)

    def find(self, pixels: Pixels) -> tuple[Region, ...]:
        """What is to be covered in a picture uint8 RGB (height, width, 3), in its pixels, with a margin."""
        bgr = np.ascontiguousarray(pixels[..., ::-1])  # as its own reading of a file gives it
        with self._lock:
            found = self._detector.detect(bgr)
        height, width = pixels.shape[:2]
        return tuple(_widened(item["box"], width, height) for item in found if item["class"] in _CLASSES)


def _widened(box: Sequence[int], width: int, height: int) -> Region:
    x, y, w, h = box
    left, top = max(0, round(x - _MARGIN * w)), max(0, round(y - _MARGIN * h))
    right, bottom = min(width, round(x + (1 + _MARGIN) * w)), min(height, round(y + (1 + _MARGIN) * h))
    left, top = min(left, width - 1), min(top, height - 1)
    return Region(left, top, max(right - left, 1), max(bottom - top, 1))


def filled(pixels: Pixels, regions: Sequence[Region]) -> Pixels:
    """A copy in which the regions are one flat grey; nothing of what was there is left, as a blur would leave it."""
    covered = pixels.copy()
    for region in regions:
        covered[region.y : region.y + region.height, region.x : region.x + region.width] = FILL
    return covered
