"""The map of altered regions on a kind of blend left out of training, in folds left out of training.

    python benchmarks/visual_map.py DATA

Pixel AUC within a blend (foreign against own patches) beside a centre prior, and on the same places: foreign patches
against the same patches of the original, where a centre prior has 0.5. Blends have soft seams and were re-encoded with
a random history.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from metrics import auc

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "training" / "visual")]

import maps  # noqa: E402
from corpus import protocol  # noqa: E402

GRID = np.stack(np.meshgrid(np.arange(14) - 6.5, np.arange(14) - 6.5))
CENTRE_PRIOR = -np.hypot(*GRID).ravel()


def measured(d: maps.MapData, model, chosen: np.ndarray) -> dict[str, float]:
    """Means over blends with at least three foreign patches."""
    rows = []
    for i in np.flatnonzero(chosen):
        foreign = d.mask[i] > maps.FOREIGN
        if foreign.sum() < 3:
            continue
        own, original = (model(t) for t in maps.tokens(d.patch[[i, maps.twin(i)]]))
        places = np.concatenate([own[foreign], original[foreign]])
        here = np.arange(len(places)) < foreign.sum()
        rows.append((auc(own, foreign), auc(CENTRE_PRIOR, foreign), auc(places, here)))
    means = np.mean(rows, axis=0)
    return {"blends": len(rows), "pixel_auc": means[0], "centre_prior": means[1], "same_place_auc": means[2]}


def main(argv: list[str]) -> None:
    d = maps.map_data(Path(argv[0]), 1)
    folds = list(protocol(Path(argv[0]))["face-manipulation"]["folds"])
    test = np.isin(d.fold, folds[::2])
    result = {}
    for kind in ("self", "cross", "resynthesis"):
        model = maps.fit_map(d, ~test & (d.kind != kind))
        result[kind] = measured(d, model, test & (d.kind == kind))
        small = test & (d.kind == kind) & np.isin(d.outline, ["mouth", "eyes", "nose"])
        result[f"{kind}, parts of the face"] = measured(d, model, small)
    lines = [
        "# Map of altered regions\n\n`python benchmarks/visual_map.py DATA`; tested in folds "
        f"{', '.join(folds[::2])}, trained in the others without the kind tested.\n",
        "|kind left out|blends|pixel AUC|centre prior|same place as the original|",
        "|-|-|-|-|-|",
    ]
    lines += [
        f"|{k}|{v['blends']}|{v['pixel_auc']:.3f}|{v['centre_prior']:.3f}|{v['same_place_auc']:.3f}|"
        for k, v in result.items()
    ]
    folder = Path(__file__).resolve().parent / "results"
    (folder / "visual_map.json").write_text(json.dumps(result, indent=1, default=float) + "\n")
    (folder / "visual_map.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
