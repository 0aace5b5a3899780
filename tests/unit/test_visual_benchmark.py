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
    names = visual.NAMES
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
