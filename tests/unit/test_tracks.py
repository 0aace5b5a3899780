"""Videos made of a portrait, their faces, and what the benchmark of tracks makes of them."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.extract.faces import STILL_SIDE, FaceFinder
from deepfake_detect.media import Frame
from deepfake_detect.reship.visual import h264_file

ROOT = Path(__file__).parents[2]
TASK = "face-manipulation"
FOLDS = ("one", "two", "three")


@pytest.fixture
def tracks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "training" / "visual"))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import tracks

    return tracks


def test_a_pair_of_videos_differs_in_the_blend_and_its_faces_are_found(tracks: ModuleType, tmp_path: Path) -> None:
    made, finder = sys.modules["track_features"], FaceFinder(WeightStore())
    rgb = np.asarray(Image.open(ROOT / "samples" / "portrait.jpg").convert("RGB").resize((256, 256)))
    ((face,),) = finder.find([Frame(0.0, rgb)], STILL_SIDE)
    for name, picture in (("a.png", rgb), ("b.png", rgb[:, ::-1])):
        Image.fromarray(picture).save(tmp_path / name)
    mirrored = face.landmarks[[1, 0, 2, 4, 3]] * (-1, 1) + (255, 0)
    row, donor = SimpleNamespace(file="a.png"), SimpleNamespace(file="b.png")
    points = {"a.png": face.landmarks, "b.png": mirrored.astype(np.float32)}
    maker = SimpleNamespace(data=tmp_path, points=points, donors=lambda _: [donor])
    for kind in ("self", "cross"):
        real, fake = (np.stack(frames).astype(int) for frames in made.videos(maker, row, kind).values())
        change = np.abs(real - fake).max(-1)
        assert real.shape == fake.shape == (24, 320, 320, 3)
        assert change.max((1, 2)).min() > 10 and (np.diff(real, axis=0) != 0).any()
    found = made.faces(h264_file([*fake.astype(np.uint8)], 23, 12), finder)
    assert set(found) == {*tracks.SPREAD, *tracks.NEIGHBOURS}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three folds of 8 reals and 8 fakes, and videos of the reals, with features made up here."""
    columns = [
        "file",
        "split",
        "label",
        "kind",
        "generator",
        "source_repo",
        "source_path",
        "face_px",
        "pair_id",
        "fold",
    ]
    items = [
        [f"{fold}{label}{n:02}.png", "train", label, "swap_face" if label == "fake" else "real_face",
         f"maker-{fold}" if label == "fake" else "", f"source-{fold}", f"{fold}/{label}{n}", "200", f"{fold}{n}", fold]
        for fold in FOLDS for label in ("fake", "real") for n in range(8)
    ]  # fmt: skip
    (tmp_path / "own").mkdir()
    with (tmp_path / "own" / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *items])
    lines = ['packs = ["own"]', "cap = 100", f"[{TASK}]", 'fake_kinds = ["swap_face"]', 'real_kinds = ["real_face"]']
    lines += [f"[{TASK}.folds.{fold}]\ngenerators = []\nreals = []" for fold in FOLDS]
    (tmp_path / "protocol.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "cache").mkdir()
    rng, fake = np.random.default_rng(0), np.array([item[2] == "fake" for item in sorted(items)])
    features = rng.standard_normal((len(items), 12, 3, 768)).astype(np.float16)
    features[fake, ..., :8] += np.float16(2)
    np.save(tmp_path / "cache" / f"{TASK}.clean.npy", features)
    return tmp_path


def write_videos(tracks: ModuleType, data: Path) -> None:
    """Six of eight portraits a fold; the blended ones are shifted as the fakes are. One lacks a face."""
    names = [
        (f"own/{fold}real{n:02}.png", kind, str(crf), str(frame))
        for fold in FOLDS for n in range(6) for kind in ("real", ("self", "cross")[n % 2])
        for crf in tracks.CRFS for frame in sorted({*tracks.SPREAD, *tracks.NEIGHBOURS})
    ][:-1]  # fmt: skip
    features = np.random.default_rng(1).standard_normal((len(names), 12, 3, 768)).astype(np.float16)
    features[[kind != "real" for _, kind, _, _ in names], ..., :8] += np.float16(2)
    np.save(data / "cache" / "tracks.features.npy", features)
    np.savez(data / "cache" / "tracks.npz", names=np.array(names))


def test_several_faces_tell_more_than_one_and_a_lost_face_leaves_its_pair_out(tracks: ModuleType, data: Path) -> None:
    write_videos(tracks, data)
    recipe = replace(tracks.recipes.RECIPES[TASK], train=("clean",), blends=())
    result = tracks.evaluate(data, recipe)
    assert (result["made"], result["left_out"], result["portraits"]) == (36, 1, {"self": 9, "cross": 9})
    one, mean, joined = (result["crf"]["23"][name] for name in ("one face", tracks.MEAN, tracks.JOINED))
    assert 0.6 < one["auc"] <= mean["auc"] == pytest.approx(joined["auc"], abs=0.15)
    assert mean["auc_ci95"][0] <= mean["auc"] <= mean["auc_ci95"][1] and mean["gain"] == 0
    page = tracks.markdown(result)
    assert "1 of 36 pairs" in page and f"|{tracks.JOINED}|" in page
    assert "(18 portraits; " in tracks.card_text(result)
