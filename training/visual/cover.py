"""The head that tells which patches of a face are covered by something: trained on imitated occlusions alone.

    python training/visual/cover.py DATA

Writes `weights/shipped/face-cover.*` from what `occlusion_features.py` made; convex, tokens drawn from a fixed seed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from corpus import ROOT, cache, rows
from head_files import WIDTH, save_cover
from heads import Linear, fit_logistic
from numpy.typing import NDArray
from occlusion_features import BLOCK, TASK
from occlusions import MAKERS

from deepfake_detect.detect.face_quality import PATCHES, covered, inner_patches
from deepfake_detect.detect.networks.clip import PATCH_BLOCKS

COVERED, BARE = 0.5, 0.05
L2 = 1e-2
TOKENS = 8
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CoverData:
    """Versions of faces: `kind` and `fold` [n], `twin` [n] (index of the same face, clean), `covered` float32 [n, 196],
    `patch` float16 [n, 196, 768], `landmarks` float32 [n, 5, 2] as found in that version (nan: no face),
    `probability` [n] of MTCNN.
    """

    kind: NDArray[np.str_] = field(repr=False)
    fold: NDArray[np.str_] = field(repr=False)
    twin: NDArray[np.int_] = field(repr=False)
    covered: Floats = field(repr=False)
    patch: NDArray[np.float16] = field(repr=False)
    landmarks: Floats = field(repr=False)
    probability: Floats = field(repr=False)

    @property
    def found(self) -> NDArray[np.bool_]:
        """Where MTCNN finds the face."""
        return ~np.isnan(self.landmarks).any((1, 2))

    @property
    def imitated(self) -> NDArray[np.bool_]:
        return np.isin(self.kind, list(MAKERS))


def cover_data(data: Path) -> CoverData:
    stored = np.load(cache(data) / "occlusion.npz")
    patch = np.load(cache(data) / "occlusion.patch.npy", mmap_mode="r")
    file, kind = stored["names"].T
    folds = {row.file: row.fold for row in rows(data, TASK)}
    clean = {name: i for i, name in enumerate(file) if kind[i] == "clean"}
    return CoverData(
        kind,
        np.array([folds[name] for name in file]),
        np.array([clean[name] for name in file]),
        stored["covered"].reshape(len(file), -1),
        patch,
        stored["landmarks"],
        stored["probability"],
    )


def fit_cover(d: CoverData, keep: NDArray[np.bool_], seed: int = 0) -> Linear:
    """Logistic regression: covered patches inside the face against the same places of the bare face, and against those
    that the thing leaves bare; at most `TOKENS` of each a version.
    """
    rng = np.random.default_rng(seed)
    features, labels = [], []

    def some(places: NDArray[np.bool_]) -> NDArray[np.int_]:
        return rng.permutation(np.flatnonzero(places))[:TOKENS]

    def add(i: int, places: NDArray[np.int_], flag: bool) -> None:
        features.append(d.patch[i][places].astype(np.float32))
        labels.append(np.full(len(places), flag))

    for i in np.flatnonzero(keep & d.found[d.twin]):
        inner = inner_patches(d.landmarks[d.twin[i]]).ravel()
        if d.imitated[i]:
            over = some(inner & (d.covered[i] > COVERED))
            add(i, over, True)
            add(int(d.twin[i]), over, False)
            add(i, some(inner & (d.covered[i] < BARE)), False)
        elif d.kind[i] != "clean":
            add(i, some(inner), False)
    label = np.concatenate(labels)
    weight = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum()).astype(np.float32)
    return fit_logistic(np.concatenate(features), label, weight, L2)


def covered_share(d: CoverData, model: Linear, index: NDArray[np.int_]) -> Floats:
    """By version, as in a scan; nan where no face was found."""
    found, grid = d.found, (PATCHES, PATCHES)
    return np.array(
        [covered(model(d.patch[i].astype(np.float32)).reshape(grid), d.landmarks[i]) if found[i] else np.nan
         for i in index], np.float32)  # fmt: skip


def ship(data: Path, out: Path) -> None:
    d = cover_data(data)
    model = fit_cover(d, np.ones(len(d.kind), bool))
    weight = np.zeros((len(PATCH_BLOCKS), WIDTH), np.float32)
    weight[PATCH_BLOCKS.index(BLOCK)] = model.weight
    arrays = {"cover.weight": weight.ravel(), "cover.bias": np.array([model.bias], np.float32)}
    save_cover(arrays, out / "face-cover", len(PATCH_BLOCKS), {"format": "pt", "l2": str(L2)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "weights" / "shipped")
    args = parser.parse_args()
    ship(args.data, args.out)
