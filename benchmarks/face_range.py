"""The range of face quality that was measured, beyond which face-manipulation abstains.

    python benchmarks/face_range.py DATA

Needs `training/visual/face_quality.py DATA --conditions ...`; writes `results/face_range.json` and `.md`. What the gate
refuses on left-out folds, and the range that ships, stand in `results/visual.md`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "training" / "visual")]

from corpus import part  # noqa: E402
from face_quality import NAMES, TASK, load_quality, outside, ranges  # noqa: E402
from visual_aims import conditions_of  # noqa: E402

SHARES = (0.0, 0.001, 0.01, 0.5, 0.99, 0.999, 1.0)
PAGE = """# Face quality: what was measured

Made by `python benchmarks/face_range.py DATA`. Quantities of `deepfake_detect/detect/face_quality.py` on the packs'
faces, clean, re-shipped and small; of a track the median over its faces counts. The range is from the lowest to the
highest 0.1 % of all of them together; a face beyond it is not scored. Face size has its own limit (60 px), and so has
the distance of the embedding; what covers a face is measured in `occlusion.md`.
"""


def percentiles(data: Path) -> dict[str, object]:
    found = {name: part(data, TASK, name) for name in conditions_of(TASK)}
    measured = {name: load_quality(data, name) for name in found}
    known = {name: values for name, values in measured.items() if values is not None}
    if not known:
        raise SystemExit("nothing was measured: run training/visual/face_quality.py")
    everything = np.concatenate(list(known.values()))
    fold = np.concatenate([[row.fold for row in found[name]] for name in known])
    clean = np.concatenate([np.full(len(values), name == "clean") for name, values in known.items()])
    refused = {}
    for name in dict.fromkeys(fold):
        gate = ranges(everything[fold != name])
        beyond = np.any([outside(everything[:, i], gate[q]) for i, q in enumerate(NAMES)], axis=0)
        sides = {"clean": clean & (fold == name), "re-shipped": ~clean & (fold == name)}
        refused[str(name)] = {side: float(beyond[keep].mean()) for side, keep in sides.items()}
    return {
        "crops": {name: len(values) for name, values in known.items()},
        "without_pose": int(np.isnan(everything[:, NAMES.index("turn")]).sum()),
        "not_measured": [name for name in measured if name not in known],
        "percentiles": {
            name: {q: dict(zip(map(str, SHARES), np.nanquantile(values[:, i], SHARES).round(3).tolist(), strict=True))
                   for i, q in enumerate(NAMES)}
            for name, values in known.items()
        },
        "range": ranges(everything),
        "refused_of_left_out_fold": refused,
    }  # fmt: skip


def markdown(result: dict) -> str:
    lines = [PAGE]
    if result["not_measured"]:
        lines += [f"Not measured: {', '.join(result['not_measured'])}.", ""]
    for quantity, (low, high) in result["range"].items():
        ends = " to ".join("-" if end is None else f"{end:.4g}" for end in (low, high))
        lines += [f"## {quantity}: {ends}", ""]
        lines += ["|condition (crops)|" + "|".join(f"{100 * share:g} %" for share in SHARES) + "|"]
        lines += ["|-" * (len(SHARES) + 1) + "|"]
        for name, values in result["percentiles"].items():
            cells = "|".join(f"{value:.3f}" for value in values[quantity].values())
            lines.append(f"|{name} ({result['crops'][name]})|{cells}|")
        lines.append("")
    lines += [f"Crops without a pose, since MTCNN finds no face in them: {result['without_pose']}.", ""]
    lines += ["Refused of a fold by the range of the other folds:", "", "|fold|clean|re-shipped and small|", "|-|-|-|"]
    for fold, shares in result["refused_of_left_out_fold"].items():
        lines.append(f"|{fold}|{shares['clean']:.3f}|{shares['re-shipped']:.3f}|")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    result = percentiles(Path(sys.argv[1]))
    folder = Path(__file__).resolve().parent / "results"
    (folder / "face_range.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "face_range.md").write_text(markdown(result))
