"""Cached features with their rows: what heads are trained and measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from corpus import Row, cache, part
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Table:
    """Rows and their features, float16 [n, blocks, 3 (class token, patch mean, patch deviation), 768]."""

    rows: list[Row]
    features: NDArray[np.float16]

    @property
    def fake(self) -> NDArray[np.bool_]:
        return np.array([r.fake for r in self.rows])

    @property
    def fold(self) -> NDArray[np.str_]:
        return np.array([r.fold for r in self.rows])

    def where(self, keep: NDArray[np.bool_]) -> Table:
        index = np.flatnonzero(keep)
        return Table([self.rows[i] for i in index], self.features[index])

    def __add__(self, other: Table) -> Table:
        return Table([*self.rows, *other.rows], np.concatenate([self.features, other.features]))


def load(data: Path, task: str, condition: str) -> Table:
    """The table of one condition. Raises FileNotFoundError when `features.py` has not been run for it."""
    found = part(data, task, condition)
    features = np.load(cache(data) / f"{task}.{condition}.npy", mmap_mode="r")
    if len(features) != len(found):
        raise ValueError(
            f"{task}.{condition}.npy holds {len(features)} rows, the protocol {len(found)}: run features.py"
        )
    return Table(found, features)


def have(data: Path, task: str, conditions: list[str]) -> list[str]:
    return [c for c in conditions if (cache(data) / f"{task}.{c}.npy").exists()]
