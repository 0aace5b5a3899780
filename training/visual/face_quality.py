"""Measure what the quality gate looks at on the packs' faces, with the scanner's own code.

    python training/visual/face_quality.py DATA [--conditions clean half-jpeg75 ...]

float32 [rows, len(NAMES)] in CACHE/quality.face-manipulation.CONDITION.npy, in the order of `corpus.part`. Pose comes
from the clean crop whatever the condition: none of them moves the face. A face that MTCNN does not find in its crop
has no pose (nan).
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import crops
import numpy as np
from corpus import Row, cache, part, rows
from numpy.typing import NDArray

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.detect.face_quality import NAMES, pose
from deepfake_detect.detect.quality import blockiness, detail, luma
from deepfake_detect.extract.faces import STILL_SIDE, FaceFinder
from deepfake_detect.media import Frame

TASK = "face-manipulation"
POSE = NAMES[2:]
TRIM = 0.001  # share of the measured values that lies outside of the range at each end


def poses(data: Path) -> dict[str, list[float]]:
    """By file of a clean crop; kept, since MTCNN is the slow part."""
    kept, found = cache(data) / f"pose.{TASK}.npy", rows(data, TASK)
    if kept.exists():
        values = np.load(kept)
        if len(values) != len(found):
            raise ValueError(f"{kept.name} holds {len(values)} rows, the protocol {len(found)}: remove it")
    else:
        finder = FaceFinder(WeightStore())
        values = np.array([_pose(finder, crops.read(data / row.file)) for row in found], np.float32)
        np.save(kept, values)
    return {row.file: list(map(float, value)) for row, value in zip(found, values, strict=True)}


def _pose(finder: FaceFinder, rgb: NDArray[np.uint8]) -> list[float]:
    (detections,) = finder.find([Frame(0.0, rgb)], STILL_SIDE)
    if not detections:
        return [np.nan] * len(POSE)
    known = pose(detections[0].landmarks)
    return [known[name] for name in POSE]


def measure(data: Path, name: str) -> None:
    known, out = poses(data), []
    for row in part(data, TASK, name):
        rgb = crops.condition(crops.centre(crops.read(data / row.file), crops.STORED), name, row.file)
        out.append([detail(crops.fit_face(rgb)), blockiness(luma(rgb)), *known[row.file]])
    np.save(cache(data) / f"quality.{TASK}.{name}.npy", np.array(out, np.float32))


def load_quality(data: Path, task: str, name: str, found: list[Row]) -> NDArray[np.float32] | None:
    """What was measured of these rows; None where it was not, and for a task that has no such gate."""
    path = cache(data) / f"quality.{task}.{name}.npy"
    if not path.exists():
        return None
    values = np.load(path)
    if len(values) != len(found):
        raise ValueError(f"{path.name} holds {len(values)} rows, the protocol {len(found)}: run face_quality.py")
    return values


def ranges(values: NDArray[np.float32]) -> dict[str, list[float | None]]:
    """The measured range of each name, rounded outwards: from both ends, or from above where low values are what every
    good crop has.
    """
    low, high = np.nanquantile(values, [TRIM, 1 - TRIM], axis=0)
    both = {"detail", "nod"}
    return {
        name: [math.floor(low[i] * 1e4) / 1e4 if name in both else None, math.ceil(high[i] * 1e4) / 1e4]
        for i, name in enumerate(NAMES)
    }


def inside(values: NDArray[np.float32], limits: dict[str, list[float | None]]) -> NDArray[np.bool_]:
    """[rows, names]: whether each lies in its range; what is unknown does."""
    out = np.ones(values.shape, bool)
    for i, name in enumerate(NAMES):
        low, high = limits[name]
        out[:, i] &= ~(values[:, i] < (-np.inf if low is None else low)) & ~(values[:, i] > high)
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--conditions", nargs="+", default=["clean"])
    args = parser.parse_args()
    for condition in args.conditions:
        measure(args.data, condition)
