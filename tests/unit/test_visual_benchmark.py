"""The benchmark of the visual detectors on features made up here: what has no part in the calibration changes nothing
of it, and what is missing is named.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
TASK = "face-manipulation"
FOLDS = ("one", "two", "three")


@pytest.fixture
def visual(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "training" / "visual"))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.delitem(sys.modules, "visual", raising=False)
    import visual

    return visual


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three folds of 12 fakes and 12 reals, each fake with its original, and features under three conditions."""
    columns = ["file", "split", "label", "kind", "generator", "source_repo", "source_path", "face_px", "pair_id"]
    items = [
        [f"{fold}{label}{n:02}.png", "train", label, "swap_face" if label == "fake" else "real_face",
         f"maker-{fold}" if label == "fake" else "", f"source-{fold}", f"{fold}/{label}{n}", "200", f"{fold}{n}", fold]
        for fold in FOLDS for label in ("fake", "real") for n in range(12)
    ]  # fmt: skip
    (tmp_path / "own").mkdir()
    with (tmp_path / "own" / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([[*columns, "fold"], *items])
    lines = ['packs = ["own"]', "cap = 100", "fold_cap = 100", f"[{TASK}]", 'fake_kinds = ["swap_face"]']
    lines += ['real_kinds = ["real_face"]', *(f"[{TASK}.folds.{f}]\ngenerators = []\nreals = []" for f in FOLDS)]
    (tmp_path / "protocol.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "cache").mkdir()
    fake = np.array([item[2] == "fake" for item in sorted(items)])
    for seed, name in enumerate(("clean", "half-jpeg75", "small-face")):
        features = np.random.default_rng(seed).standard_normal((len(items), 12, 3, 768)).astype(np.float16)
        features[fake, ..., :8] += np.float16(1.0 if name != "small-face" else 0.5)
        np.save(tmp_path / "cache" / f"{TASK}.{name}.npy", features)
    return tmp_path


def results(visual: ModuleType, data: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    recipe = visual.recipes.RECIPES[TASK]
    found, scores = visual.evaluate(data, TASK, recipe)
    return found, json.loads(json.dumps(visual.calibration(TASK, found, scores, {}), default=float))


def test_small_faces_are_measured_beside_the_calibration(visual: ModuleType, data: Path) -> None:
    found, made = results(visual, data)
    assert list(found["summary"]) == ["clean", "half-jpeg75", "small-face"]
    (row,) = made["conditions"]
    assert row["n_real"] == 72 and list(row["re-shipped"]) == ["half-jpeg75"]
    small = row["measured beside"]["small-face"]
    assert small["matched_auc"] == found["summary"]["small-face"]["matched_auc"] and small["worst_fold"] in FOLDS
    assert found["limits"].keys() == {"distance"} and made["conditions"][0]["applies"] == {}
    page = visual.markdown({TASK: found}, "command", "folds")
    assert "|small-face|" in page and "has no part in curve and thresholds" in page
    assert "features are missing: webp70, h264-crf32, screenshot, messenger480" in page
    assert "messenger480 not measured" in made["experimental_reason"]
    assert "aim 0.80" in visual.card_text(TASK, "small-face", found["summary"])

    (data / "cache" / f"{TASK}.small-face.npy").unlink()
    without, same = results(visual, data)
    for key in ("knots", "llr_min", "llr_max", "auc", "n_real", "re-shipped"):
        assert same["conditions"][0][key] == row[key]
    assert (same["thresholds"], same["operating_points"]) == (made["thresholds"], made["operating_points"])
    assert without["flips"] == found["flips"] and "small-face" in without["not_measured"]
    assert "small-face not measured" in same["experimental_reason"]
    assert "measured beside" not in same["conditions"][0]
    assert visual.card_text(TASK, "small-face", without["summary"]).startswith("Not measured")


def test_faces_out_of_the_range_of_the_other_folds_are_refused(visual: ModuleType, data: Path) -> None:
    before, _ = results(visual, data)
    names = visual.visual_gate.face_quality.NAMES
    values = np.random.default_rng(5).uniform(0.9, 1.0, (24 * len(FOLDS), len(names))).astype(np.float32)
    values[:, names.index("turn")] = 0.1
    values[:6, names.index("turn")] = 0.8  # fakes of the first fold, by the order of file names
    np.save(data / "cache" / f"quality.{TASK}.clean.npy", values)
    after, _ = results(visual, data)
    assert after["limits"].keys() == {*names, "distance"}
    assert after["refused"]["clean"]["turn"] == pytest.approx(6 / 72) and after["refused"]["half-jpeg75"]["turn"] == 0
    first = sorted(FOLDS)[0]
    lost = before["folds"][first]["clean"]["coverage"] - after["folds"][first]["clean"]["coverage"]
    assert lost >= 5 / 24
    assert "|**range of all folds**|" in visual.markdown({TASK: after}, "command", "folds")


def test_covered_faces_lower_the_coverage(visual: ModuleType, data: Path) -> None:
    """Logits of the head and landmarks of each face are in the cache; on a data folder of its own the shipped limit."""
    before, made = results(visual, data)
    assert "covered" not in before["limits"] and "covered" in visual.applies(TASK, before["limits"])
    cover = visual.visual_gate.cover
    limits = cover.limits_of(data)
    assert limits[None] == visual.covered_limit() and set(limits) == {None, *FOLDS}
    assert set(cover.heads_of(data)) == set(FOLDS)

    logits = np.full((24 * len(FOLDS), 196), -20, np.float16)
    logits[:6] = 20  # fakes of the first fold, by the order of file names
    points = np.tile(
        np.array([[80, 90], [140, 90], [110, 120], [85, 155], [135, 155]], np.float32), (len(logits), 1, 1)
    )
    points[5] = np.nan  # no face found: nothing is known
    np.save(data / "cache" / f"cover.{TASK}.clean.npy", logits)
    np.save(data / "cache" / f"landmarks.{TASK}.npy", points)
    after, again = results(visual, data)
    assert after["refused"]["clean"]["covered"] == pytest.approx(5 / 72)
    assert after["refused"]["half-jpeg75"]["covered"] == 0
    assert after["limits"]["covered"] == [None, limits[None]]
    assert made["conditions"][0]["knots"] == again["conditions"][0]["knots"]
    first = sorted(FOLDS)[0]
    lost = before["folds"][first]["clean"]["coverage"] - after["folds"][first]["clean"]["coverage"]
    assert round(24 * lost) in (3, 4, 5)  # crops
    told = visual.markdown({TASK: after}, "command", "folds")
    assert "`covered` is read by a head" in told and "What covers" not in told
    assert "What covers" in visual.markdown({TASK: before}, "command", "folds")


def test_an_abstention_has_the_neutral_score_among_matched_pairs(visual: ModuleType) -> None:
    rows = [
        visual.Row(f"{pair}{fake}", fake, "", "", "", f"{pair}{fake}", pair, "", "one", 200.0, 90.0)
        for pair in "ab"
        for fake in (True, False)
    ]
    quality = {"distance": np.zeros(4)}
    s = visual.Scores(rows, np.array(["clean"] * 4), np.array([3.0, 1.0, 2.0, 0.0]), quality, {})
    every = np.ones(4, bool)
    full = visual.cell(s, every, np.zeros(4), np.zeros(4, int), -1.0)
    s.inside[0] = False
    part = visual.cell(s, every, np.zeros(4), np.zeros(4, int), -1.0)
    assert (full["matched"]["auc"], full["matched"]["ranked_right"]) == (1.0, 2)
    assert (part["matched"]["auc"], part["matched"]["ranked_right"], part["coverage"]) == (0.5, 1, 0.75)


def test_flat_pictures_and_those_without_contrast_are_refused(
    visual: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured on the pictures themselves once, then read from the cache."""
    gate, rng = visual.visual_gate, np.random.default_rng(0)
    drawn = np.full((256, 256, 3), 30, np.uint8)
    drawn[:, 128:] = 200
    pictures = [rng.integers(0, 256, (256, 256, 3), np.uint8), drawn, np.full((256, 256, 3), 90, np.uint8)]
    (tmp_path / "cache").mkdir()
    (tmp_path / "protocol.toml").touch()
    rows = [visual.Row(f"{n}.png", False, "", "", "", "", "", "", "one", np.nan, np.nan) for n in range(3)]
    for row, rgb in zip(rows, pictures, strict=True):
        Image.fromarray(rgb).save(tmp_path / row.file)
    monkeypatch.setattr(gate.picture_quality, "part", lambda *_: rows)
    first = gate.measured(tmp_path, "synthetic-image", "clean", 3)
    (tmp_path / "0.png").unlink()
    again = gate.measured(tmp_path, "synthetic-image", "clean", 3)
    assert all(np.array_equal(first[name], again[name]) for name in ("flat", "contrast"))
    first["distance"] = np.zeros(3)
    limits = gate.limits(first, np.array([True, False, False]), None)
    hit = gate.refused(first, limits)
    assert hit["flat"].tolist() == [False, True, True] and hit["contrast"].tolist() == [False, False, True]
    assert visual.applies("synthetic-image", limits).keys() == {"flat", "distance", "short_side"}


def test_a_benchmark_writes_its_figures_between_the_marks_of_a_card(
    visual: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "face-manipulation.md"
    card.write_text((ROOT / "weights" / "cards" / card.name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(visual.card_figures, "CARDS", tmp_path)
    for text in ("AUC 0.123 in words " * 12, "once more"):
        visual.card_figures.put(TASK, "small-face", text)
        assert text.split()[0] in card.read_text(encoding="utf-8")
    assert "0.123" not in card.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="no place for"):
        visual.card_figures.put(TASK, "unknown", "x")
