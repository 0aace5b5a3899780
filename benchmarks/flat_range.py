"""How much of a recorded or generated picture is exactly flat, and what of drawings, charts and pages lies beyond.

    python benchmarks/flat_range.py DATA DEBS WORK

Drawn pictures consist of flat areas; the packs' crops hardly do. The limit is what 0.5 % of the clean crops exceed,
as for the distance of the embedding. DEBS and WORK: as for `out_of_domain.py`. Writes `results/flat_range.json` and
`.md`; `visual.py` puts the same limit into the calibration of synthetic-image and counts what it refuses.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "training" / "visual")]

import card_figures  # noqa: E402
from corpus import part  # noqa: E402
from out_of_domain import pictures  # noqa: E402
from picture_quality import NAMES, TASK, flat_limit, picture_quality  # noqa: E402
from recipes import DEGRADED  # noqa: E402

from deepfake_detect.checkpoints import WeightStore  # noqa: E402
from deepfake_detect.deadline import Deadline  # noqa: E402
from deepfake_detect.detect.quality import contrast, flat_share  # noqa: E402
from deepfake_detect.detect.synthetic_image import MIN_CONTRAST  # noqa: E402
from deepfake_detect.detect.visual_input import fit_native  # noqa: E402
from deepfake_detect.gather import Finders, gather  # noqa: E402
from deepfake_detect.ingest import open_media  # noqa: E402
from deepfake_detect.media import Picture, SamplingPlan  # noqa: E402


def measured(data: Path) -> dict[str, object]:
    rows = {name: part(data, TASK, name) for name in ("clean", *DEGRADED)}
    shares = {name: picture_quality(data, name)[:, NAMES.index("flat")] for name in rows}
    fold = np.array([row.fold for row in rows["clean"]])
    clean, limit = shares["clean"], flat_limit(shares["clean"])
    left_out = {str(f): float((clean[fold == f] > flat_limit(clean[fold != f])).mean()) for f in np.unique(fold)}
    sides = {
        name: {
            side: float((values[np.array([row.fake is flag for row in rows[name]])] > limit).mean())
            for side, flag in (("real", False), ("fake", True))
        }
        for name, values in shares.items()
    }
    return {"limit": limit, "crops": {n: len(r) for n, r in rows.items()}, "beyond": sides,
            "beyond_of_left_out_fold": left_out}  # fmt: skip


def drawn(limit: float, files: dict[str, list[Path]]) -> dict[str, list[int]]:
    """By kind of `out_of_domain.py`: pictures beyond the limit, and pictures that the scan would score without it."""
    out = {}
    for kind, paths in files.items():
        shares = []
        for path in paths:
            with open_media(path) as opened:
                gathered = gather(opened, SamplingPlan(), Finders(WeightStore(), "cpu", False, False), Deadline())
            (picture,) = gathered.samples[Picture]
            pieces = [fit_native(c.pixels) for c in picture.crops if contrast(c.pixels) >= MIN_CONTRAST]
            shares += [float(np.median([flat_share(piece) for piece in pieces]))] if pieces else []
        out[kind] = [sum(value > limit for value in shares), len(shares)]
    return out


def markdown(result: dict) -> str:
    lines = ["# Flat pictures: synthetic-image", "", __doc__.split("\n\n")[2].replace("\n", " "), ""]
    lines += [f"Limit: **{result['limit']}** of the pixels equal to the next ones right and below.", ""]
    lines += ["|condition (crops)|reals beyond|fakes beyond|", "|-|-|-|"]
    for name, sides in result["beyond"].items():
        lines.append(f"|{name} ({result['crops'][name]})|{sides['real']:.4f}|{sides['fake']:.4f}|")
    lines += ["", "Clean crops of a fold beyond the limit of the other folds:", "", "|fold|share|", "|-|-|"]
    lines += [f"|{fold}|{value:.4f}|" for fold, value in result["beyond_of_left_out_fold"].items()]
    lines += [
        "",
        "Drawn pictures beyond the limit, of those that are scored without it:",
        "",
        "|kind|beyond|of|",
        "|-|-|-|",
    ]
    lines += [f"|{kind}|{beyond}|{of}|" for kind, (beyond, of) in result["drawn"].items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    packs, debs, work = map(Path, sys.argv[1:])
    result = measured(packs)
    result["drawn"] = drawn(result["limit"], pictures(debs, work))
    told = ", ".join(f"{kind} {beyond} of {of}" for kind, (beyond, of) in result["drawn"].items())
    card_figures.put(TASK, "flat", f"more than {result['limit']} of the pixels as flat as drawings are: {told}.")
    folder = Path(__file__).resolve().parent / "results"
    (folder / "flat_range.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "flat_range.md").write_text(markdown(result))
