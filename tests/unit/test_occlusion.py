"""Imitated things before a face: what they cover is known, and the gate of faces refuses a face behind them."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

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

import cover  # noqa: E402
import face_quality  # noqa: E402
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


@pytest.fixture
def features(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Of the visual training; the voice's has the same name."""
    monkeypatch.syspath_prepend(str(ROOT / "training" / "visual"))
    return importlib.import_module("features")


def test_the_features_of_a_face_tell_what_covers_it_as_a_scan_does(
    portrait: FaceTrack, features: ModuleType, tmp_path: Path
) -> None:
    """`features.py` reads the cover head in the run that makes the features; landmarks are those of the bare crop."""
    lines = ["file,split,label,kind,generator,source_repo,source_path,face_px,pair_id,fold"]
    versions = {"bare.png": portrait, "mask.png": behind(portrait, "mask")}
    (tmp_path / "own").mkdir()
    (tmp_path / "cache").mkdir()
    for name, track in versions.items():
        pixels = track.faces[0].pixels
        assert max(pixels.shape[:2]) <= features.crops.STORED
        Image.fromarray(pixels).save(tmp_path / "own" / name)
        lines.append(f"{name},train,real,real_face,,me,{name},200,,one")
    (tmp_path / "own" / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "protocol.toml").write_text(
        'packs = ["own"]\ncap = 9\nfold_cap = 9\n[face-manipulation]\nfake_kinds = []\nreal_kinds = ["real_face"]\n'
        "[face-manipulation.folds.one]\ngenerators = []\nreals = []\n",
        encoding="utf-8",
    )
    features.features_of(tmp_path, cover.TASK, ["clean"])
    points = np.stack([portrait.faces[0].landmarks * (224 / portrait.faces[0].pixels.shape[0])] * 2)
    np.save(tmp_path / "cache" / f"landmarks.{face_quality.TASK}.npy", points)
    found = cover.covered_of(tmp_path, "clean")
    detector = FaceManipulation()
    detector.load(WeightStore(), "cpu")
    outcomes = detector.score(list(versions.values()))
    assert found is not None
    assert found.tolist() == pytest.approx([o.quantities["covered"] for o in outcomes], abs=2e-3)
    assert found[0] < cover.limits_of(tmp_path)[None] < found[1]
    assert np.load(tmp_path / "cache" / f"{cover.TASK}.clean.npy").shape == (2, 12, 3, 768)
