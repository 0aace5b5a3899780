"""The head that weighs blocks: what is trained is what ships, and it finds the block that tells."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from deepfake_detect.detect.networks.heads import WeighedHead

BLOCKS, TELLING, CROPS, TOKEN = 3, 1, 256, 768
Made = tuple[Any, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def weighing() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "training" / "visual"))
        import weighing

        return weighing


@pytest.fixture(scope="module")
def made(weighing: ModuleType) -> Made:
    """A fitted head, and crops that it did not see: one block alone differs between the labels."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2 * CROPS, BLOCKS, TOKEN)).astype(np.float32)
    fake = np.arange(2 * CROPS) % 2 == 1
    features[fake, TELLING, :40] += 1
    rows = features.reshape(2 * CROPS, -1)
    head = weighing.fit_weighing(rows[:CROPS], fake[:CROPS], np.full(CROPS, 1 / CROPS, np.float32))
    return head, rows[CROPS:], fake[CROPS:]


def test_the_library_computes_what_was_trained(made: Made) -> None:
    head, rows, _ = made
    domain = {"domain.mean": np.zeros(TOKEN), "domain.whiten": np.eye(TOKEN, 4)}
    tensors = {name: torch.from_numpy(np.asarray(value)) for name, value in (head.arrays() | domain).items()}
    tokens = torch.from_numpy(rows[:8].reshape(8, BLOCKS, TOKEN))
    with torch.inference_mode():
        out = WeighedHead(tensors)(tokens, torch.zeros(8, 1, 196, TOKEN))
    assert out["score"].numpy() == pytest.approx(head(rows[:8]), abs=1e-5)
    assert out["distance"].numpy() == pytest.approx(np.sqrt(np.square(tokens[:, -1, :4].numpy()).mean(1)), abs=1e-5)


def test_it_tells_crops_that_it_did_not_see(made: Made) -> None:
    head, rows, fake = made
    scores = head(rows)
    assert np.mean(scores[fake][:, None] > scores[~fake]) > 0.9
    blind = rows.reshape(len(rows), BLOCKS, -1).copy()
    blind[:, TELLING] = 0
    scores = head(blind.reshape(len(rows), -1))
    assert 0.3 < np.mean(scores[fake][:, None] > scores[~fake]) < 0.7


def test_a_seed_means_the_same_again(weighing: ModuleType) -> None:
    rows, fake = np.random.default_rng(1).normal(size=(64, 2 * TOKEN)).astype(np.float32), np.arange(64) < 32
    weights = np.full(64, 1 / 64, np.float32)
    first, again = (weighing.fit_weighing(rows, fake, weights)(rows) for _ in range(2))
    assert np.array_equal(first, again)
