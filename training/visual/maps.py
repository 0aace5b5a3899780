"""The map head: a linear read-out of patch tokens, supervised by the masks of our own blends."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from corpus import Row, cache
from heads import Linear, fit_logistic
from numpy.typing import NDArray
from recipes import blend_table

FOREIGN = 0.5
TOKENS = 24


@dataclass(frozen=True, slots=True)
class MapData:
    """Blends and their originals.

    `patch` float16 [n, m, 196, 768], `mask` float32 [n, 196] (foreign share), `kind` and `outline` [n].
    """

    rows: list[Row]
    kind: NDArray[np.str_] = field(repr=False)
    outline: NDArray[np.str_] = field(repr=False)
    patch: NDArray[np.float16] = field(repr=False)
    mask: NDArray[np.float32] = field(repr=False)

    @property
    def fold(self) -> NDArray[np.str_]:
        return np.array([r.fold for r in self.rows])


def map_data(data: Path, seed: int) -> MapData:
    stored = np.load(f"{cache(data)}/blends.{seed}.npz")
    patch = np.load(f"{cache(data)}/blends.{seed}.patch.npy", mmap_mode="r")
    names, masks = stored["names"], stored["masks"].reshape(len(patch), -1)
    return MapData(blend_table(data, seed).rows, names[:, 3], names[:, 4], patch, masks)


def tokens(patch: NDArray[np.float16]) -> NDArray[np.float32]:
    """[n, m, 196, 768] -> [n, 196, m * 768], the order of the head's input."""
    return patch.transpose(0, 2, 1, 3).reshape(len(patch), patch.shape[2], -1).astype(np.float32)


def twin(index: int) -> int:
    """The real crop of the triple that a blend was made from: same face, same history, nothing foreign."""
    return index - index % 3


def fit_map(d: MapData, keep: NDArray[np.bool_], l2: float = 1e-3, seed: int = 0) -> Linear:
    """Logistic regression: foreign tokens against the same places of the original and against the blend's own tokens.

    The first half of the negatives takes away what a centre prior would learn.
    """
    rng = np.random.default_rng(seed)
    features, labels = [], []
    for i in np.flatnonzero(keep & (d.kind != "real")):
        foreign, own = np.flatnonzero(d.mask[i] > FOREIGN), np.flatnonzero(d.mask[i] < 0.05)
        foreign = rng.permutation(foreign)[:TOKENS]
        own = rng.permutation(own)[: len(foreign) // 2]
        both = tokens(d.patch[[twin(i), i]])
        features += [both[1, foreign], both[0, foreign], both[1, own]]
        labels += [np.full(len(part), flag) for part, flag in ((foreign, True), (foreign, False), (own, False))]
    label = np.concatenate(labels)
    weight = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum()).astype(np.float32)
    return fit_logistic(np.concatenate(features), label, weight, l2)
