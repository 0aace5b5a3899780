"""Face tracks: what several faces of a video, and their flicker, add to one face; on videos made by script.

    python benchmarks/run.py tracks DATA

Needs `training/visual/track_features.py DATA` and the features that face-manipulation is trained on; writes
`results/tracks.json` and `.md` and a figure of the card.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import card_figures
import numpy as np
from metrics import auc
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "training" / "visual")]

import recipes  # noqa: E402
from corpus import Row, cache, rows  # noqa: E402
from heads import fit_logistic  # noqa: E402
from track_features import CRFS, NEIGHBOURS, SPREAD  # noqa: E402
from track_videos import KINDS  # noqa: E402

Floats = NDArray[np.float64]
Head = Callable[[NDArray[np.float32]], NDArray[np.float32]]
TASK = "face-manipulation"
MEAN, JOINED = "mean of six faces", "mean and flicker joined"
FLICKER = ("spread of the score", "step of the embedding")
MEASURES = ("one face", MEAN, "median of six faces", "highest of six faces", *FLICKER, JOINED)
L2, ROUNDS = 1e-3, 1000
PAGE = """# Face tracks, on videos made by script

Made by `python benchmarks/run.py tracks DATA`. {pairs} real portraits of the packs, each as two videos made by
`training/visual/track_videos.py`: the still portrait moved, zoomed and turned before a noisy camera, and the same
frames each blended anew, with parameters of the video and landmarks that jitter ({self} blended with themselves,
{cross} with another person's face). **No video from the field**, and nobody in them speaks or blinks: a real person's
face changes from frame to frame too, so flicker is told from stillness more easily here than anywhere else. The head
was trained without the portrait's fold, but on blends by the same script of other faces. 24 frames, 12 a second, H.264.

Faces are found by the scanner's own code. One face is the first of six spread over the video. The two measures of
flicker are of eight neighbouring frames, fixed before the first run: standard deviation of the score, and mean
distance between neighbours of the last class token, whitened on crops of the other folds. `{joined}`: a logistic
regression on the mean and both, fitted on the videos of the other folds. AUC: mean over {folds} folds, with a 95 %
interval (portraits redrawn within each fold, both videos together); no gate, so nothing is abstained from.
Left out, since not every face was found in both videos: {left_out} of {made} pairs.
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A portrait's real and its blended video under one CRF: each measure's (real, blended)."""

    row: Row
    kind: str
    crf: int
    values: dict[str, tuple[float, float]]


def videos(data: Path) -> dict[tuple[str, int, str], dict[int, NDArray[np.float16]]]:
    """(file, CRF, kind) -> number of the frame -> features [12, 3, 768]."""
    features, out = np.load(f"{cache(data)}/tracks.features.npy", mmap_mode="r"), defaultdict(dict)
    for i, (file, kind, crf, frame) in enumerate(np.load(f"{cache(data)}/tracks.npz")["names"]):
        out[str(file), int(crf), str(kind)][int(frame)] = features[i]
    return dict(out)


def measured(faces: Mapping[int, NDArray[np.float16]], recipe: recipes.Recipe, head: Head,
             domain: recipes.Domain) -> dict[str, float]:  # fmt: skip
    """Each measure of one video but the joined one."""
    score = {i: float(head(recipes.design(face[None], recipe))[0]) for i, face in faces.items()}
    six, near = [score[i] for i in SPREAD], [score[i] for i in NEIGHBOURS]
    tokens = np.stack([faces[i][recipes.CLS_BLOCKS[-1], 0] for i in NEIGHBOURS]).astype(np.float32)
    steps = domain(np.diff(tokens, axis=0) + domain.mean)
    plain = (six[0], np.mean(six), np.median(six), np.max(six), np.std(near), steps.mean())
    return dict(zip(MEASURES, map(float, plain), strict=False))


def pairs(data: Path, recipe: recipes.Recipe) -> tuple[list[Pair], int]:
    """Every pair whose faces were all found, and how many were left out."""
    found, known = videos(data), {r.file: r for r in rows(data, TASK)}
    everything, (domain_rows, tokens) = recipes.training_set(data, recipe), recipes.domain_features(data, TASK)
    made = [(known[file], crf, kind) for file, crf, kind in found if kind != "real"]
    domain_folds, out = np.array([r.fold for r in domain_rows]), []
    for fold in sorted({row.fold for row, _, _ in made}):
        head = recipes.fit(recipe, everything.without(fold))
        domain = recipes.fit_domain(tokens[domain_folds != fold])
        for row, crf, kind in (m for m in made if m[0].fold == fold):
            both = [found.get((row.file, crf, k), {}) for k in ("real", kind)]
            if all({*SPREAD, *NEIGHBOURS} <= faces.keys() for faces in both):
                real, fake = (measured(faces, recipe, head, domain) for faces in both)
                out.append(Pair(row, kind, crf, {name: (real[name], fake[name]) for name in real}))
    return [*joined(out)], len(made) - len(out)


def joined(found: list[Pair]) -> list[Pair]:
    """With the joined measure, each fold by weights that the pairs of the other folds gave."""
    x = np.array([[p.values[name] for name in (MEAN, *FLICKER)] for p in found], np.float32).transpose(2, 0, 1)
    folds, out = np.array([p.row.fold for p in found]), []
    for fold in np.unique(folds):
        others = x[:, folds != fold]
        fake = np.repeat([False, True], others.shape[1])
        model = fit_logistic(others.reshape(len(fake), -1), fake, np.full(len(fake), 1 / len(fake), np.float32), L2)
        for i in np.flatnonzero(folds == fold):
            p, (real, fake_score) = found[i], model(x[:, i])
            out.append(Pair(p.row, p.kind, p.crf, {**p.values, JOINED: (float(real), float(fake_score))}))
    return out


def by_fold(found: list[Pair], measure: str) -> dict[str, Floats]:
    """Fold -> [pairs, 2] (real, blended)."""
    values: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for p in found:
        values[p.row.fold].append(p.values[measure])
    return {fold: np.array(v) for fold, v in values.items()}


def mean_auc(folds: Mapping[str, Floats], drawn: Mapping[str, NDArray[np.int_]] | None = None) -> float:
    """Mean over folds of the AUC, of the pairs drawn."""
    return float(np.mean([_auc(v if drawn is None else v[drawn[fold]]) for fold, v in folds.items()]))


def _auc(values: Floats) -> float:
    return auc(values.ravel(), np.tile([False, True], len(values)))


def figures(found: list[Pair]) -> dict[str, dict[str, object]]:
    """By measure: AUC with its interval, worst fold, pairs ranked right, by kind; its gain over the mean of six."""
    tables, rng = {name: by_fold(found, name) for name in MEASURES}, np.random.default_rng(0)
    sizes = {fold: len(v) for fold, v in tables[MEAN].items()}
    draws = [{fold: rng.integers(n, size=n) for fold, n in sizes.items()} for _ in range(ROUNDS)]
    redrawn = {name: np.array([mean_auc(folds, drawn) for drawn in draws]) for name, folds in tables.items()}
    out: dict[str, dict[str, object]] = {}
    for name, folds in tables.items():
        alone = {fold: _auc(v) for fold, v in folds.items()}
        worst = min(alone, key=lambda fold: alone[fold])
        out[name] = {
            "auc": mean_auc(folds),
            "auc_ci95": np.percentile(redrawn[name], [2.5, 97.5]).tolist(),
            "worst_fold": worst,
            "worst_auc": alone[worst],
            "ranked_right": float(np.mean([fake > real for v in folds.values() for real, fake in v])),
            "by_kind": {kind: mean_auc(by_fold([p for p in found if p.kind == kind], name)) for kind in KINDS},
            "gain": mean_auc(folds) - mean_auc(tables[MEAN]),
            "gain_ci95": np.percentile(redrawn[name] - redrawn[MEAN], [2.5, 97.5]).tolist(),
        }
    return out


def evaluate(data: Path, recipe: recipes.Recipe) -> dict[str, object]:
    found, left_out = pairs(data, recipe)
    portraits = {p.row.file: p for p in found}
    return {
        "recipe": repr(recipe),
        "portraits": {kind: sum(p.kind == kind for p in portraits.values()) for kind in KINDS},
        "folds": len({p.row.fold for p in found}),
        "made": len(found) + left_out,
        "left_out": left_out,
        "crf": {str(crf): figures([p for p in found if p.crf == crf]) for crf in CRFS},
    }


def markdown(result: dict) -> str:
    told = {key: result[key] for key in ("folds", "left_out", "made")}
    kinds = result["portraits"]
    lines = [PAGE.format(pairs=sum(kinds.values()), joined=JOINED, **kinds, **told), f"`{result['recipe']}`", ""]
    for crf, measures in result["crf"].items():
        lines += [f"## CRF {crf}", ""]
        lines.append("|measure|AUC|worst fold|pairs ranked right|" + "|".join(KINDS) + f"|gain over the {MEAN}|")
        lines.append("|-" * (5 + len(KINDS)) + "|")
        for name, f in measures.items():
            (low, high), (least, most) = f["auc_ci95"], f["gain_ci95"]
            kind = "|".join(f"{f['by_kind'][k]:.3f}" for k in KINDS)
            lines.append(
                f"|{name}|{f['auc']:.3f} ({low:.3f}-{high:.3f})|{f['worst_auc']:.3f} {f['worst_fold']}|"
                f"{f['ranked_right']:.2f}|{kind}|{f['gain']:+.3f} ({least:+.3f} to {most:+.3f})|"
            )
        lines.append("")
    return "\n".join(lines)


def card_text(result: dict) -> str:
    """What the card says: one face, the mean that a scan takes, and what flicker would add."""
    parts = []
    for crf, measures in result["crf"].items():
        one, mean, both = (measures[name] for name in ("one face", MEAN, JOINED))
        least, most = both["gain_ci95"]
        parts.append(
            f"H.264 CRF {crf}: AUC of one face {one['auc']:.3f}, of the {MEAN} {mean['auc']:.3f}, pairs ranked right "
            f"{mean['ranked_right']:.2f}; flicker joined to it {both['auc']:.3f} ({both['gain']:+.3f}, 95 % "
            f"{least:+.3f} to {most:+.3f})"
        )
    return "; ".join(parts) + f" ({sum(result['portraits'].values())} portraits; `benchmarks/results/tracks.md`)."


def main(argv: list[str]) -> None:
    result = evaluate(Path(argv[0]), recipes.RECIPES[TASK])
    card_figures.put(TASK, "tracks", card_text(result))
    folder = Path(__file__).resolve().parent / "results"
    (folder / "tracks.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "tracks.md").write_text(markdown(result))
