"""The two recipes: which features, which training crops, how strong the regularisation.

Benchmarks and shipping share them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from corpus import Row, cache
from heads import Linear, balance, fit_logistic
from numpy.typing import NDArray
from table import Table, have, load
from weighing import Weighed, fit_weighing

from deepfake_detect.detect.networks.clip import CLS_BLOCKS

DEGRADED = ("half-jpeg75", "webp70", "h264-crf32", "screenshot", "messenger480")


@dataclass(frozen=True, slots=True)
class Recipe:
    """`cls`: blocks whose class token is used; `stats`: blocks whose patch mean and deviation are used; `l2`: weight of
    the squared norm on standardised features; `power`: a family of n crops weighs n ** power; `train`: conditions;
    `blends`: seeds of our own blends; `rebuilt`: whether real crops rebuilt by our own auto-encoders count as fakes;
    `weighed`: blocks weighed by what is learned (`weighing.py`; `l2` has no part) instead of one regression on all."""

    task: str
    cls: tuple[int, ...]
    stats: tuple[int, ...]
    l2: float
    power: float
    train: tuple[str, ...]
    blends: tuple[int, ...] = ()
    rebuilt: bool = False
    weighed: bool = False


RECIPES = {
    "synthetic-image": Recipe(
        "synthetic-image", CLS_BLOCKS, (), 3e-2, 0.5, ("clean", "half-jpeg75", "aug1", "aug2"), weighed=True
    ),
    "face-manipulation": Recipe("face-manipulation", CLS_BLOCKS, (), 3e-2, 0.5, ("clean", "half-jpeg75", "aug1"), (1,)),
}


def small(task: str, degraded: tuple[str, ...] = DEGRADED) -> Recipe:
    """For small data: clean and these fixed conditions, no blends, no random histories, one regression."""
    return replace(RECIPES[task], train=("clean", *degraded), blends=(), weighed=False)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    rows: list[Row]
    features: NDArray[np.float32] = field(repr=False)

    def where(self, keep: list[bool]) -> TrainingSet:
        index = np.flatnonzero(keep)
        return TrainingSet([self.rows[i] for i in index], self.features[index])

    def without(self, fold: str) -> TrainingSet:
        return self.where([row.fold != fold for row in self.rows])


def design(features: NDArray[np.float16], recipe: Recipe) -> NDArray[np.float32]:
    """[n, blocks, 3, 768] -> [n, (cls + 2 * stats) * 768] in the order of the heads' inputs."""
    parts = [features[:, list(recipe.cls), 0]]
    parts += [features[:, list(recipe.stats), kind] for kind in (1, 2) if recipe.stats]
    return np.concatenate([p.reshape(len(features), -1) for p in parts], 1).astype(np.float32)


def blend_table(data: Path, seed: int) -> Table:
    """Our own blends and their real counterparts as rows of their source's fold; the kind of blend is the family."""
    from corpus import rows

    names = np.load(f"{cache(data)}/blends.{seed}.npz")["names"]
    known = {r.file: r for r in rows(data, "face-manipulation")}
    made = [_made_row(known[file], kind) for file, _, _, kind, _ in names]
    return Table(made, np.load(f"{cache(data)}/blends.{seed}.features.npy", mmap_mode="r"))


def rebuilt_table(data: Path) -> Table:
    """Rebuilt real crops as rows of their source's fold; the kind of auto-encoder is the family."""
    from corpus import rows

    known = {r.file: r for r in rows(data, "synthetic-image")}
    names = np.load(f"{cache(data)}/rebuilt.npz")["names"]
    made = [_made_row(known[file], kind) for file, kind, _ in names]
    return Table(made, np.load(f"{cache(data)}/rebuilt.features.npy", mmap_mode="r"))


def _made_row(real: Row, kind: str) -> Row:
    values = {name: getattr(real, name) for name in Row.__slots__}
    if kind == "real":
        return real
    return Row(**{**values, "fake": True, "kind": "own", "family": f"own {kind}", "pair": real.file})


def training_set(data: Path, recipe: Recipe) -> TrainingSet:
    """Everything the recipe trains on, of all folds."""
    tables: Iterable[Table] = [load(data, recipe.task, name) for name in have(data, recipe.task, list(recipe.train))]
    tables = [
        *tables,
        *(blend_table(data, seed) for seed in recipe.blends if Path(f"{cache(data)}/blends.{seed}.npz").exists()),
        *([rebuilt_table(data)] if recipe.rebuilt else []),
    ]
    return TrainingSet(
        [r for t in tables for r in t.rows], np.concatenate([design(t.features[:], recipe) for t in tables])
    )


def fit(recipe: Recipe, part: TrainingSet) -> Linear | Weighed:
    """The head of a recipe; called on `design`'s features it gives raw scores. Raises ValueError: see below."""
    fake, weights = np.array([r.fake for r in part.rows]), balance(part.rows, recipe.power)
    if not recipe.weighed:
        return fit_logistic(part.features, fake, weights, recipe.l2)
    if recipe.stats:
        raise ValueError("blocks are weighed by their class tokens alone")
    return fit_weighing(part.features, fake, weights)


@dataclass(frozen=True, slots=True)
class Domain:
    """Whitening of the last class token: the distance of a crop is the root mean square of its whitened components."""

    mean: NDArray[np.float32] = field(repr=False)
    whiten: NDArray[np.float32] = field(repr=False)

    def __call__(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.sqrt(np.square((tokens - self.mean) @ self.whiten).mean(1))


def domain_features(data: Path, task: str) -> tuple[list[Row], NDArray[np.float32]]:
    """Rows and last class tokens that say what is in the domain: clean crops and those with a random history."""
    tables = [load(data, task, name) for name in have(data, task, ["clean", "aug1"])]
    tokens = np.concatenate([t.features[:, CLS_BLOCKS[-1], 0] for t in tables]).astype(np.float32)
    return [r for t in tables for r in t.rows], tokens


def fit_domain(tokens: NDArray[np.float32], components: int = 48) -> Domain:
    mean = tokens.mean(0, dtype=np.float64)
    size, directions = np.linalg.eigh(np.cov((tokens - mean).T))
    chosen = slice(-1, -1 - components, -1)
    whiten = directions[:, chosen] / np.sqrt(size[chosen])
    return Domain(mean.astype(np.float32), whiten.astype(np.float32))
