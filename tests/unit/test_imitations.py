"""Imitations of what apps do: the same each time, of the same size, and changed where they say."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]


def test_imitations_are_fixed_and_change_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "training" / "visual"))
    crops, imitations = importlib.import_module("crops"), importlib.import_module("imitations")
    rgb = np.random.default_rng(0).integers(105, 150, (256, 256, 3), np.uint8)
    names = [name for name in imitations.NAMES["face-manipulation"] if name != "imitated-ai-upscaling"]
    made = {name: crops.condition(rgb, name, "a.png") for name in names}
    assert set(imitations.NAMES["synthetic-image"]) < set(imitations.NAMES["face-manipulation"])
    for name, picture in made.items():
        assert picture.shape == rgb.shape and picture.dtype == np.uint8
        assert np.array_equal(picture, crops.condition(rgb, name, "a.png")), name
    middle, corner = np.s_[112:144, 112:144], np.s_[:32, :32]
    for name, quiet, loud in (
        ("imitated-portrait-blur", corner, middle),
        ("imitated-beauty-filter", middle, corner),
    ):
        assert made[name][quiet].std() < 0.8 * made[name][loud].std()
    assert (made["imitated-sticker"].max(), made["imitated-sticker"].min()) == (255, 0)
    assert made["imitated-night-mode"].std() != pytest.approx(rgb.std(), rel=0.05)
    assert _detail(made["imitated-video-call"]) < 0.5 * _detail(rgb)
    assert made["imitated-print-scan"].max() < 255 and made["imitated-print-scan"].min() > 0


def _detail(rgb: np.ndarray) -> float:
    """How much neighbouring pixels differ."""
    return float(np.abs(np.diff(rgb.astype(float), axis=1)).mean())


def test_the_up_scaler_is_read_strictly_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "training" / "visual"))
    crops, upscaler = importlib.import_module("crops"), importlib.import_module("upscaler")
    rgb = np.random.default_rng(0).integers(0, 255, (65, 48, 3), np.uint8)
    monkeypatch.delenv(upscaler.VARIABLE, raising=False)
    with pytest.raises(FileNotFoundError, match=upscaler.VARIABLE):
        crops.condition(rgb, "imitated-ai-upscaling", "a.png")
    _write_network(upscaler.ResidualDense(blocks=1, growth=4), tmp_path)
    monkeypatch.setenv(upscaler.VARIABLE, str(tmp_path))
    assert crops.condition(rgb, "imitated-ai-upscaling", "a.png").shape == (64, 48, 3)
    text = (tmp_path / "model.json").read_text()
    for wrong in ("GFF_3/bias", "float16"):
        (tmp_path / "model.json").write_text(text.replace("GFF_2/bias" if "/" in wrong else "float32", wrong))
        upscaler.load.cache_clear()
        with pytest.raises((RuntimeError, ValueError), match=wrong.partition("/")[0] if "/" in wrong else "float32"):
            upscaler.load(tmp_path)


def _write_network(net: torch.nn.Module, folder: Path) -> None:
    """A TensorFlow.js layers model of these weights, as far as it is read."""
    entries, data = [], b""
    for name, tensor in net.state_dict().items():
        layer, kind = name.split(".")
        value = tensor.numpy().transpose(2, 3, 1, 0) if kind == "weight" else tensor.numpy()
        named = f"{layer}/{'kernel' if kind == 'weight' else kind}"
        entries.append({"name": named, "shape": list(value.shape), "dtype": "float32"})
        data += value.astype("<f4").tobytes()
    (folder / "group.bin").write_bytes(data)
    manifest = [{"paths": ["group.bin"], "weights": entries}]
    (folder / "model.json").write_text(json.dumps({"weightsManifest": manifest}))
