"""Imitated things before a face: what they cover is known, and the gate of faces refuses a face behind them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.deadline import Deadline
from deepfake_detect.detect import Score
from deepfake_detect.detect.face_manipulation import FaceManipulation
from deepfake_detect.fuse import Calibration, parse_calibration, uncovered
from deepfake_detect.gather import Finders, gather
from deepfake_detect.ingest import open_media
from deepfake_detect.media import FaceTrack, SamplingPlan

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "training" / "visual"))

import occlusions  # noqa: E402

SIDE = 200
LANDMARKS = np.array([[72, 80], [128, 80], [100, 112], [78, 142], [122, 142]], np.float32)


def grey(value: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), value, np.uint8)


@pytest.mark.parametrize("kind", occlusions.MAKERS)
def test_an_imitation_changes_what_it_says_that_it_covers(kind: str) -> None:
    rgb = np.random.default_rng(1).integers(90, 160, (SIDE, SIDE, 3), np.uint8)
    face = occlusions.Face(rgb, LANDMARKS, grey(30))
    made, share = occlusions.MAKERS[kind](face, np.random.default_rng(2))
    again, _ = occlusions.MAKERS[kind](face, np.random.default_rng(2))
    change = np.abs(made.astype(int) - rgb).max(2)
    assert np.array_equal(made, again) and share.shape == (SIDE, SIDE)
    assert share.min() >= 0 and share.max() <= 1 and share[60:160, 60:140].mean() > 0.05
    assert change[share == 0].max() == 0 and (change[share > 0.85] > 3).mean() > 0.8


@pytest.fixture(scope="module")
def portrait() -> FaceTrack:
    store = WeightStore()
    with open_media(ROOT / "samples" / "portrait.jpg") as opened:
        found = gather(opened, SamplingPlan(), Finders(store, "cpu", faces=True, speech=False), Deadline())
    (track,) = found.samples[FaceTrack]
    return track


@pytest.fixture(scope="module")
def shipped() -> Calibration:
    raw = (ROOT / "weights" / "calibration" / "face-manipulation.json").read_text(encoding="utf-8")
    return parse_calibration(raw, "face-manipulation", json.loads(raw)["weights"]["sha256"])


def behind(track: FaceTrack, kind: str) -> FaceTrack:
    (face,) = track.faces
    other = np.random.default_rng(3).integers(0, 255, (8, 8, 3), np.uint8)
    crop = occlusions.Face(face.pixels, face.landmarks, other)
    return replace(track, faces=(replace(face, pixels=occlusions.occlude(crop, kind, np.random.default_rng(4))[0]),))


def test_a_face_behind_a_mask_is_refused_and_the_bare_one_is_not(portrait: FaceTrack, shipped: Calibration) -> None:
    detector = FaceManipulation()
    detector.load(WeightStore(), "cpu")
    kinds = ("mask", "hand", "telephone")
    bare, *covered = detector.score([portrait, *(behind(portrait, kind) for kind in kinds)])
    assert isinstance(bare, Score) and shipped.condition(bare.quantities) is not None
    for outcome in covered:
        assert isinstance(outcome, Score) and outcome.quantities["covered"] > bare.quantities["covered"]
        assert shipped.condition(outcome.quantities) is None
        assert "covered" in uncovered(shipped, outcome.quantities)[1]
