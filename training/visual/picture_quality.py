"""Measure what a scan's gate looks at on the packs' pictures, with the scanner's own code.

float32 [rows, len(NAMES)] in CACHE/quality.synthetic-image.CONDITION.npy, in the order of `corpus.part`. Made where it
is missing: some milliseconds a crop.
"""

from __future__ import annotations

from pathlib import Path

import crops
import numpy as np
from corpus import Row, cache, part
from numpy.typing import NDArray

from deepfake_detect.detect.quality import contrast, flat_share

TASK = "synthetic-image"
NAMES = ("flat", "contrast")
KEPT = 0.995


def picture_quality(data: Path, name: str) -> NDArray[np.float32]:
    """Of every row of a condition. Raises ValueError where the cache is of another protocol."""
    path, found = cache(data) / f"quality.{TASK}.{name}.npy", part(data, TASK, name)
    if not path.exists():
        np.save(path, np.array([_measured(data, name, row) for row in found], np.float32))
    values = np.load(path)
    if len(values) != len(found):
        raise ValueError(f"{path.name} holds {len(values)} rows, the protocol {len(found)}: remove it")
    return values


def _measured(data: Path, name: str, row: Row) -> list[float]:
    rgb = crops.condition(crops.centre(crops.read(data / row.file), crops.STORED), name, row.file)
    return [flat_share(crops.fit_native(rgb)), contrast(rgb)]


def flat_limit(clean: NDArray[np.float32]) -> float:
    """What 0.5 % of the clean crops exceed."""
    return round(float(np.quantile(clean, KEPT)), 4)
