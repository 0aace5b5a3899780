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
from corpus import cache, part, rows
from numpy.typing import NDArray

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.detect.face_quality import NAMES, pose
from deepfake_detect.detect.quality import blockiness, detail, luma
from deepfake_detect.detect.visual_input import SIDE
from deepfake_detect.extract.faces import STILL_SIDE, FaceFinder
from deepfake_detect.media import Frame

TASK = "face-manipulation"
POSE = NAMES[2:]
TRIM = 0.001  # share of the measured values that lies outside of the range at each end


def landmarks(data: Path) -> dict[str, NDArray[np.float32]]:
    """By file MTCNN's landmarks (5, 2) in the clean crop at 224 px, nan where it finds no face; kept, since this takes
    minutes.
    """
    path, found = cache(data) / f"landmarks.{TASK}.npy", rows(data, TASK)
    if not path.exists():
        finder = FaceFinder(WeightStore())
        np.save(path, np.stack([_landmarks(finder, crops.read(data / row.file)) for row in found]))
    values = np.load(path)
    if len(values) != len(found):
        raise ValueError(f"{path.name} holds {len(values)} rows, the protocol {len(found)}: remove it")
    return {row.file: points for row, points in zip(found, values, strict=True)}


def _landmarks(finder: FaceFinder, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    rgb = crops.centre(rgb, crops.STORED)
    (detections,) = finder.find([Frame(0.0, rgb)], STILL_SIDE)
    points = detections[0].landmarks if detections else np.full((5, 2), np.nan)
    return np.asarray(points * (SIDE / rgb.shape[0]), np.float32)


def _pose(points: NDArray[np.float32]) -> list[float]:
    if np.isnan(points).any():
        return [np.nan] * len(POSE)
    known = pose(points)
    return [known[name] for name in POSE]


def measure(data: Path, name: str) -> None:
    points, out = landmarks(data), []
    for row in part(data, TASK, name):
        rgb = crops.condition(crops.centre(crops.read(data / row.file), crops.STORED), name, row.file)
        out.append([detail(crops.fit_face(rgb)), blockiness(luma(rgb)), *_pose(points[row.file])])
    np.save(cache(data) / f"quality.{TASK}.{name}.npy", np.array(out, np.float32))


def load_quality(data: Path, name: str) -> NDArray[np.float32] | None:
    """What was measured of every row of a condition; None where it was not."""
    path, found = cache(data) / f"quality.{TASK}.{name}.npy", part(data, TASK, name)
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


def outside(values: NDArray[np.floating], ends: list[float | None]) -> NDArray[np.bool_]:
    """Which values lie out of a range; what is unknown (nan) does not."""
    low, high = ends
    return (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--conditions", nargs="+", default=["clean"])
    args = parser.parse_args()
    for condition in args.conditions:
        measure(args.data, condition)
