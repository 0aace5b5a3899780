"""The head that tells which patches of a face are covered by something: trained on imitated occlusions alone.

    python training/visual/cover.py DATA

Writes `weights/shipped/face-cover.*` from what `occlusion_features.py` made; convex, tokens drawn from a fixed seed.
`features.py` reads every face with the head that did not see its fold and keeps float16 [rows, 196] (logits) in
CACHE/cover.face-manipulation.CONDITION.npy, in the order of `corpus.part`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from corpus import ROOT, cache, part, protocol, rows
from face_quality import landmarks
from heads import Linear, fit_logistic
from numpy.typing import NDArray
from occlusions import MAKERS
from safetensors.numpy import load_file

from deepfake_detect.detect.face_quality import PATCHES, covered, inner_patches
from deepfake_detect.detect.networks.clip import PATCH_BLOCKS, WIDTH

TASK = "face-manipulation"
BLOCK = PATCH_BLOCKS[-1]
KEPT = 0.995
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


def left_out(d: CoverData, kind: str = "") -> dict[str, Linear]:
    """By fold the head that saw neither the fold nor this kind of thing."""
    return {str(fold): fit_cover(d, (d.fold != fold) & (d.kind != kind)) for fold in np.unique(d.fold)}


def out_of_fold(d: CoverData, heads: dict[str, Linear], wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`covered` of the wanted versions, each by its fold's head; nan for the others and where no face was found."""
    out = np.full(len(d.kind), np.nan)
    for fold, head in heads.items():
        here = np.flatnonzero((d.fold == fold) & wanted)
        out[here] = covered_share(d, head, here)
    return out


def limit_of(values: NDArray[np.float64]) -> float:
    """What 0.5 % of these faces exceed."""
    return float(np.nanquantile(values, KEPT))


def heads_of(data: Path) -> dict[str, Linear]:
    """By fold the head that judges its faces: one that did not see it; for a data folder of one's own the shipped one.

    Raises FileNotFoundError when `occlusion_features.py` has not been run for the packs.
    """
    if not _own(data):
        return left_out(cover_data(data))
    tensors = load_file(ROOT / "weights" / "shipped" / "face-cover.safetensors")
    weight = tensors["cover.weight"].reshape(len(PATCH_BLOCKS), WIDTH)[PATCH_BLOCKS.index(BLOCK)]
    shipped = Linear(weight, float(tensors["cover.bias"][0]))
    return dict.fromkeys(protocol(data)[TASK]["folds"], shipped)


def limits_of(data: Path) -> dict[str | None, float]:
    """By fold the limit that the bare faces of the other folds give, and at None that of all; for a data folder of
    one's own the shipped one.
    """
    if _own(data):
        shipped = json.loads((ROOT / "weights" / "calibration" / f"{TASK}.json").read_text(encoding="utf-8"))
        return dict.fromkeys([None, *protocol(data)[TASK]["folds"]], shipped["conditions"][0]["applies"]["covered"][1])
    d = cover_data(data)
    values = out_of_fold(d, left_out(d), ~d.imitated)
    return {None: limit_of(values), **{str(fold): limit_of(values[d.fold != fold]) for fold in np.unique(d.fold)}}


def _own(data: Path) -> bool:
    return (data / "protocol.toml").exists()


def covered_of(data: Path, name: str) -> Floats | None:
    """`covered` of every row of a condition that does not move the face; nan where no face was found, None where
    `features.py` left no logits.
    """
    path, found = cache(data) / f"cover.{TASK}.{name}.npy", part(data, TASK, name)
    if not path.exists():
        return None
    logits, points = np.load(path).astype(np.float32).reshape(-1, PATCHES, PATCHES), landmarks(data)
    if len(logits) != len(found):
        raise ValueError(f"{path.name} holds {len(logits)} rows, the protocol {len(found)}: run features.py")
    return np.array([
        np.nan if np.isnan(points[row.file]).any() else covered(logit, points[row.file])
        for row, logit in zip(found, logits, strict=True)
    ], np.float32)  # fmt: skip


def ship(data: Path, out: Path) -> None:
    from head_files import save_cover  # needs onnx, which reading the head does not

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
