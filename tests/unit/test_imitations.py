"""Imitations of what apps do: the same each time, of the same size, and changed where they say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def test_imitations_are_fixed_and_change_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "training" / "visual"))
    crops, imitations = importlib.import_module("crops"), importlib.import_module("imitations")
    rgb = np.random.default_rng(0).integers(105, 150, (256, 256, 3), np.uint8)
    made = {name: crops.condition(rgb, name, "a.png") for name in imitations.NAMES["face-manipulation"]}
    assert set(imitations.NAMES["synthetic-image"]) < set(made)
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
