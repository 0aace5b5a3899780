"""Train a recipe on everything and write the head that ships.

    python training/visual/ship.py DATA [synthetic-image] [face-manipulation]

Deterministic: the regressions are convex and start from zero; what is drawn, for the map and for heads that weigh
blocks, is drawn from fixed seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import maps
import numpy as np
import recipes
import torch
from corpus import ROOT
from head_files import WIDTH, save_head
from heads import Linear
from weighing import Weighed

from deepfake_detect.detect.networks.clip import CLS_BLOCKS, PATCH_BLOCKS


def spread(linear: Linear, recipe: recipes.Recipe) -> np.ndarray:
    """The recipe's weights at their places among all outputs of the encoder, zero elsewhere."""
    slots = [(b, "cls") for b in CLS_BLOCKS] + [(b, kind) for kind in ("mean", "std") for b in PATCH_BLOCKS]
    used = [(b, "cls") for b in recipe.cls] + [(b, kind) for kind in ("mean", "std") for b in recipe.stats]
    out = np.zeros((len(slots), WIDTH), np.float32)
    for place, part in zip(used, linear.weight.reshape(-1, WIDTH), strict=True):
        out[slots.index(place)] = part
    return out.ravel()


def ship(data: Path, recipe: recipes.Recipe, out: Path) -> None:
    head = recipes.fit(recipe, recipes.training_set(data, recipe))
    domain = recipes.fit_domain(recipes.domain_features(data, recipe.task)[1])
    arrays = {"domain.mean": domain.mean, "domain.whiten": domain.whiten}
    if isinstance(head, Weighed):
        if recipe.cls != CLS_BLOCKS:
            raise ValueError("a head that weighs blocks gets all that the encoder returns")
        arrays |= head.arrays()
    else:
        arrays |= {"score.weight": spread(head, recipe), "score.bias": np.array([head.bias], np.float32)}
    if recipe.blends:
        d = maps.map_data(data, recipe.blends[0])
        read_out = maps.fit_map(d, np.ones(len(d.rows), bool))
        arrays |= {"map.weight": read_out.weight, "map.bias": np.array([read_out.bias], np.float32)}
    meta = {"format": "pt", "recipe": repr(recipe)}
    save_head(arrays, out / recipe.task, len(CLS_BLOCKS), len(PATCH_BLOCKS), meta)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("tasks", nargs="*", default=list(recipes.RECIPES))
    parser.add_argument("--out", type=Path, default=ROOT / "weights" / "shipped")
    args = parser.parse_args()
    torch.set_num_threads(1)  # sums in one order, so that a seed means the same anywhere
    for name in args.tasks:
        ship(args.data, recipes.RECIPES[name], args.out)
