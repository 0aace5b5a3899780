"""The map head: a linear read-out of patch tokens, supervised by the masks of our own blends."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from corpus import Row
from features import CACHE
from heads import Linear, fit_logistic
from numpy.typing import NDArray
from recipes import blend_table

FOREIGN = 0.5
TOKENS = 48


@dataclass(frozen=True, slots=True)
class MapData:
    """Blends and their originals: `patch` float16 [n, m, 196, 768], `mask` float32 [n, 196] (foreign share), `kind` [n]."""

    rows: list[Row]
    kind: NDArray[np.str_] = field(repr=False)
    patch: NDArray[np.float16] = field(repr=False)
    mask: NDArray[np.float32] = field(repr=False)

    @property
    def fold(self) -> NDArray[np.str_]:
        return np.array([r.fold for r in self.rows])


def map_data(data, seed: int) -> MapData:
    stored = np.load(f"{CACHE}/blends.{seed}.npz")
    patch = np.load(f"{CACHE}/blends.{seed}.patch.npy", mmap_mode="r")
    return MapData(blend_table(data, seed).rows, stored["names"][:, 3], patch, stored["masks"].reshape(len(patch), -1))


def tokens(patch: NDArray[np.float16]) -> NDArray[np.float32]:
    """[n, m, 196, 768] -> [n, 196, m * 768], the order of the head's input."""
    return patch.transpose(0, 2, 1, 3).reshape(len(patch), patch.shape[2], -1).astype(np.float32)


def fit_map(d: MapData, keep: NDArray[np.bool_], l2: float = 1e-3, seed: int = 0) -> Linear:
    """Logistic regression on tokens drawn from the kept crops, foreign and own tokens weighing the same."""
    rng = np.random.default_rng(seed)
    features, labels = [], []
    for i in np.flatnonzero(keep):
        foreign, own = np.flatnonzero(d.mask[i] > FOREIGN), np.flatnonzero(d.mask[i] < 0.05)
        chosen = np.concatenate([rng.permutation(foreign)[: TOKENS // 2], rng.permutation(own)[: TOKENS // 2]])
        features.append(tokens(d.patch[i : i + 1])[0, chosen])
        labels.append(d.mask[i, chosen] > FOREIGN)
    label = np.concatenate(labels)
    weight = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum()).astype(np.float32)
    return fit_logistic(np.concatenate(features), label, weight, l2)
