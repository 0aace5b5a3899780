"""What a scan refuses, on the crops of the packs: the quantities that its gates look at, and the ranges of left-out
folds.

No crop is below the limits of size: the smallest face is 74 px after re-shipping, the smallest picture 120 px.
"""

from __future__ import annotations

from pathlib import Path

import cover
import face_quality
import numpy as np
import picture_quality
from numpy.typing import NDArray

from deepfake_detect.detect.synthetic_image import MIN_CONTRAST

Floats = NDArray[np.float64]
Range = list[float | None]
DISTANT = 0.995
DETECTORS_OWN = ("contrast",)  # a limit inside the detector, not one of the calibration file
NAMES = {
    "synthetic-image": picture_quality.NAMES,
    "face-manipulation": (*face_quality.NAMES, "covered"),
}


def measured(data: Path, task: str, condition: str, rows: int) -> dict[str, Floats]:
    """By quantity of `NAMES` [rows]; nan where it is not known, so that nothing is refused by it."""
    if task == picture_quality.TASK:
        found = [picture_quality.picture_quality(data, condition)]
    else:
        quality, covered = face_quality.load_quality(data, condition), cover.covered_of(data, condition)
        found = [np.full((rows, len(face_quality.NAMES)), np.nan) if quality is None else quality]
        found.append(np.full((rows, 1), np.nan) if covered is None else covered[:, None])
    return dict(zip(NAMES[task], np.concatenate(found, 1).T.astype(np.float64), strict=True))


def covered_limits(data: Path, task: str, quality: dict[str, Floats]) -> dict[str | None, float]:
    """As `cover.limits_of`; empty where it is not known what covers the faces."""
    known = "covered" in quality and not np.isnan(quality["covered"]).all()
    return cover.limits_of(data) if task == cover.TASK and known else {}


def limits(quality: dict[str, Floats], clean: NDArray[np.bool_], covered: float | None) -> dict[str, Range]:
    """The gate that these crops give, by quantities that are known; of `covered` the limit is given."""
    known = {name: values for name, values in quality.items() if not np.isnan(values).all()}
    gate: dict[str, Range] = {}
    if face_quality.NAMES[0] in known:
        gate |= face_quality.ranges(np.stack([known[name] for name in face_quality.NAMES], 1))
    if covered is not None:
        gate["covered"] = [None, covered]
    if "flat" in known:
        gate |= {"flat": [None, picture_quality.flat_limit(known["flat"][clean])], "contrast": [MIN_CONTRAST, None]}
    return {**gate, "distance": [None, float(np.quantile(quality["distance"][clean], DISTANT))]}


def refused(quality: dict[str, Floats], gate: dict[str, Range]) -> dict[str, NDArray[np.bool_]]:
    """By quantity of the gate which crops it refuses."""
    return {name: face_quality.outside(quality[name], ends) for name, ends in gate.items()}
