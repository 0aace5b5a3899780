"""Something before the face: what the quality gate of face-manipulation refuses, on imitated occlusions.

    python benchmarks/occlusion.py DATA

Needs `training/visual/occlusion_features.py DATA`; writes `results/occlusion.json` and `.md` and a figure of the card.
`visual.py` puts the limit into the calibration of face-manipulation.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "training" / "visual")]

import card_figures  # noqa: E402
from cover import BLOCK, TASK, CoverData, cover_data, left_out, limit_of, out_of_fold  # noqa: E402
from metrics import auc  # noqa: E402
from occlusions import MAKERS  # noqa: E402
from recipes import fit_domain  # noqa: E402

from deepfake_detect.detect.face_quality import inner_patches  # noqa: E402

Floats = NDArray[np.float64]
COMPONENTS = 64
PAGE = """# Something before the face: what is refused

Made by `python benchmarks/occlusion.py DATA`. {faces} faces of the packs (both labels, evenly over folds), each as it
is, after x0.5 + JPEG q75, and behind two of {kinds} imitated things (`training/visual/occlusions.py`): {imitated}
imitations, no picture from the field. The measure, `covered`, is the mean over the patches of the inner face of the
probability that each is covered, by a linear head on the encoder's patch tokens after block {block}, trained on such
imitations; a scan has these tokens anyway. Its limit is what 0.5 % of the faces exceed, as they are or re-shipped, and
ships as **{limit}**.

Every figure is of a head that saw neither the fold nor the kind of thing that it is told for, at the limit that the
bare faces of the other folds give. "Not found": MTCNN finds no face in the crop any more, so that none is scored
either.
"""


def whitened(d: CoverData) -> Floats:
    """The unsupervised rival: mean whitened distance of the inner patches from those of bare faces of other folds."""

    def of(i: int) -> NDArray[np.float32]:
        return d.patch[i][inner_patches(d.landmarks[i]).ravel()].astype(np.float32)

    out = np.full(len(d.kind), np.nan)
    for fold in np.unique(d.fold):
        bare = np.flatnonzero((d.fold != fold) & ~d.imitated & d.found)
        domain = fit_domain(np.concatenate([of(int(i)) for i in bare]), COMPONENTS)
        for i in np.flatnonzero((d.fold == fold) & d.found):
            out[i] = domain(of(int(i))).mean()
    return out


def refused(d: CoverData, values: Floats, part: NDArray[np.bool_]) -> float:
    """Of the versions in `part` whose face is found, the share above the limit of the other folds."""
    above = np.zeros(len(values), bool)
    for fold in np.unique(d.fold):
        limit = limit_of(values[(d.fold != fold) & ~d.imitated])
        above[d.fold == fold] = values[d.fold == fold] > limit
    return float(above[part & d.found].mean())


def told_apart(values: Floats, bare: NDArray[np.bool_], over: NDArray[np.bool_]) -> float:
    keep = (bare | over) & ~np.isnan(values)
    return auc(values[keep], over[keep])


def measured(d: CoverData) -> dict[str, object]:
    rivals = {"whitened distance": whitened(d), "MTCNN's doubt": np.where(d.found, 1 - d.probability, np.nan)}
    bare = {name: d.kind == name for name in ("clean", "half-jpeg75")}
    by_kind = {}
    for kind in MAKERS:
        here = d.kind == kind
        values = out_of_fold(d, left_out(d, kind), here | ~d.imitated)
        by_kind[kind] = {
            "crops": int(here.sum()),
            "not_found": float((~d.found)[here].mean()),
            "refused": refused(d, values, here),
            "auc": told_apart(values, bare["clean"], here),
            "rivals": {name: {"refused": refused(d, v, here), "auc": told_apart(v, bare["clean"], here)}
                       for name, v in rivals.items()},
        }  # fmt: skip
    every = out_of_fold(d, left_out(d), ~d.imitated)
    return {
        "faces": int(bare["clean"].sum()),
        "imitated": int(d.imitated.sum()),
        "limit": round(limit_of(every[~d.imitated]), 4),
        "bare_refused": {name: refused(d, every, part) for name, part in bare.items()},
        "rivals_bare_refused": {
            rival: {name: refused(d, values, part) for name, part in bare.items()} for rival, values in rivals.items()
        },
        "bare_refused_by_fold": {
            str(f): {name: refused(d, every, part & (d.fold == f)) for name, part in bare.items()}
            for f in np.unique(d.fold)
        },
        "kinds": by_kind,
    }  # fmt: skip


def markdown(result: dict) -> str:
    told = {key: result[key] for key in ("faces", "imitated", "limit")}
    lines = [PAGE.format(kinds=len(result["kinds"]), block=BLOCK + 1, **told)]
    names = list(next(iter(result["kinds"].values()))["rivals"])
    heads = [f"{name}: refused (AUC)" for name in names]
    lines += ["|thing (crops)|not found|refused of those found|AUC beside bare faces|" + "|".join(heads) + "|"]
    lines += ["|-" * (4 + len(names)) + "|"]
    for kind, c in result["kinds"].items():
        cells = "|".join(f"{c['rivals'][n]['refused']:.2f} ({c['rivals'][n]['auc']:.2f})" for n in names)
        lines.append(f"|{kind} ({c['crops']})|{c['not_found']:.2f}|{c['refused']:.2f}|{c['auc']:.3f}|{cells}|")
    for condition, share in result["bare_refused"].items():
        rivals = "|".join(f"{result['rivals_bare_refused'][n][condition]:.3f}" for n in names)
        lines.append(f"|bare, {condition}||{share:.3f}||{rivals}|")
    lines += ["", "Bare faces refused, by fold:", "", "|fold|clean|half-jpeg75|", "|-|-|-|"]
    for fold, c in result["bare_refused_by_fold"].items():
        lines.append(f"|{fold}|{c['clean']:.3f}|{c['half-jpeg75']:.3f}|")
    return "\n".join(lines) + "\n"


def card_text(result: dict) -> str:
    kinds = ", ".join(f"{kind} {100 * c['refused']:.0f} %" for kind, c in result["kinds"].items())
    bare = 100 * result["bare_refused"]["clean"]
    return f"{kinds}; of bare faces {bare:.1f} % (`benchmarks/results/occlusion.md`)."


if __name__ == "__main__":
    result = measured(cover_data(Path(sys.argv[1])))
    card_figures.put(TASK, "occlusion", card_text(result))
    folder = Path(__file__).resolve().parent / "results"
    (folder / "occlusion.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "occlusion.md").write_text(markdown(result))
