"""The visual detectors on folds that they were not trained on: figures, calibration curves and thresholds.

    python benchmarks/run.py visual DATA

For every fold the recipe is trained on the other folds and scores this one, clean and re-shipped. Curve and thresholds
of a fold come from the scores of the other folds alone; the shipped calibration comes from all of them. Features have
to be in the cache (`training/visual/features.py`, `blend_features.py`); a condition without is named as not measured.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import card_figures
import numpy as np
from metrics import auc, bootstrap, cllr, detection_at, elub, equal_error, platt
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "training" / "visual")]

import recipes  # noqa: E402
import visual_gate  # noqa: E402
from corpus import Row, protocol  # noqa: E402
from table import have, load  # noqa: E402
from visual_aims import BESIDE, conditions_of, reshipped, shortfalls  # noqa: E402
from visual_page import BESIDE_WORDS, card_text, imitated_text, markdown  # noqa: E402

from deepfake_detect.fuse.points import lowest, point  # noqa: E402

Floats = NDArray[np.float64]
CLEAN_SHARE = 0.5
ALARMS_WANTED, MISSES_WANTED = 0.03, 0.05
ALARM_RATES = (0.05, 0.01, 0.001)
MATCHED_AT_LEAST = 10


class Scores:
    """Out-of-fold scores: one entry for each crop and condition."""

    def __init__(
        self,
        rows: list[Row],
        condition: NDArray[np.str_],
        score: Floats,
        quality: dict[str, Floats],
        covered_limits: dict[str | None, float],
    ) -> None:
        self.rows, self.condition, self.score = rows, condition, score
        self.quality, self.covered_limits = quality, covered_limits
        self.inside = np.ones(len(rows), bool)
        self.calibrating = ~np.isin(condition, [name for names in BESIDE.values() for name in names])
        self.fake = np.array([r.fake for r in rows])
        self.fold = np.array([r.fold for r in rows])
        names = [f"{'fake' if r.fake else 'real'} {r.family}" for r in rows]
        self.family = np.unique(names, return_inverse=True)[1]


def out_of_fold(data: Path, recipe: recipes.Recipe) -> Scores:
    everything = recipes.training_set(data, recipe)
    domain_rows, tokens = recipes.domain_features(data, recipe.task)
    domain_folds = np.array([r.fold for r in domain_rows])
    tables = {name: load(data, recipe.task, name) for name in have(data, recipe.task, conditions_of(recipe.task))}
    rows: list[Row] = []
    conditions: list[str] = []
    scores: list[float] = []
    quality: dict[str, list[Floats]] = defaultdict(list)
    seen = {n: visual_gate.measured(data, recipe.task, n, len(table.rows)) for n, table in tables.items()}
    for fold in protocol(data)[recipe.task]["folds"]:
        model = recipes.fit(recipe, everything.without(fold))
        domain = recipes.fit_domain(tokens[domain_folds != fold])
        for name, table in tables.items():
            part = table.where(table.fold == fold)
            rows += part.rows
            for quantity, values in seen[name].items():
                quality[quantity].append(values[table.fold == fold])
            conditions += [name] * len(part.rows)
            scores += model(recipes.design(part.features, recipe)).tolist()
            quality["distance"].append(domain(part.features[:, recipes.CLS_BLOCKS[-1], 0].astype(np.float32)))
    joined = {name: np.concatenate(parts) for name, parts in quality.items()}
    covered = visual_gate.covered_limits(data, recipe.task, joined)
    return Scores(rows, np.array(conditions), np.array(scores), joined, covered)


def weights(s: Scores, keep: NDArray[np.bool_]) -> Floats:
    """Half on each label, half of it on clean crops; families of n crops count as sqrt(n); zero outside `keep`."""
    out = np.zeros(len(s.rows))
    clean = s.condition == "clean"
    for label in (True, False):
        for part, share in ((clean, CLEAN_SHARE), (~clean, 1 - CLEAN_SHARE)):
            chosen = keep & (s.fake == label) & part
            names, counts = np.unique(s.family[chosen], return_counts=True)
            size = dict(zip(names, counts, strict=True))
            raw = np.array([size[f] ** -0.5 for f in s.family[chosen]])
            out[chosen] = share / 2 * raw / max(raw.sum(), 1e-12)
    return out / out.sum()


@dataclass(frozen=True, slots=True)
class Curve:
    slope: float
    offset: float
    low: float
    high: float
    lower: float
    upper: float
    strict: float = np.inf

    def __call__(self, score: Floats) -> Floats:
        return np.clip(self.slope * score + self.offset, self.low, self.high)


def calibrate(s: Scores, keep: NDArray[np.bool_]) -> Curve:
    """Curve, bounds and thresholds from the kept scores.

    Thresholds are set on means over families: false alarms 3 % over real sources, misses 5 % over generators, whichever
    of clean and degraded is worse.
    """
    keep = keep & s.calibrating
    weight = weights(s, keep)
    slope, offset = platt(s.score[keep], s.fake[keep], weight[keep])
    llr = slope * s.score + offset
    low, high = elub(llr[keep], s.fake[keep])
    grid = np.linspace(low, high, 201)
    upper = next((t for t in grid if worst_rate(s, keep & ~s.fake, llr >= t) <= ALARMS_WANTED and t > 0), high)
    lower = next((t for t in grid[::-1] if worst_rate(s, keep & s.fake, llr <= t) <= MISSES_WANTED and t < 0), low)
    strict = lowest(lambda t: worst_rate(s, keep & ~s.fake, llr >= t), float(upper), high)
    return Curve(slope, offset, low, high, float(lower), float(upper), strict)


def worst_rate(s: Scores, part: NDArray[np.bool_], hit: NDArray[np.bool_]) -> float:
    """Mean over families of the share that is hit; the larger of clean and degraded."""
    rates = []
    for side in (s.condition == "clean", s.condition != "clean"):
        chosen = part & side
        size = np.bincount(s.family[chosen])
        if size.any():
            rates.append((np.bincount(s.family[chosen], hit[chosen])[size > 0] / size[size > 0]).mean())
    return float(max(rates))


def limits(s: Scores, without: str | None = None) -> dict[str, visual_gate.Range]:
    """The gate that the crops of all folds, or of the other folds, give."""
    keep = s.fold != without
    quality = {name: values[keep] for name, values in s.quality.items()}
    return visual_gate.limits(quality, (s.condition == "clean")[keep], s.covered_limits.get(without))


def nested(s: Scores) -> tuple[Floats, NDArray[np.int_]]:
    """Ratios and verdict regions (-1, 0, 1), each fold by the curve and thresholds of the other folds."""
    llr, region = np.zeros(len(s.rows)), np.zeros(len(s.rows), int)
    for fold in np.unique(s.fold):
        curve, here = calibrate(s, s.fold != fold), s.fold == fold
        beyond = visual_gate.refused(s.quality, limits(s, fold))
        s.inside[here] = ~np.any([hit[here] for hit in beyond.values()], axis=0)
        llr[here] = np.where(s.inside[here], curve(s.score[here]), 0.0)
        region[here] = np.where(llr[here] >= curve.upper, 1, np.where(llr[here] <= curve.lower, -1, 0))
    return llr, region


def operating_points(s: Scores, shipped: Curve, name: str) -> dict[str, object]:
    """The standard and the strict point under the one condition `name`, each fold by the thresholds of the others."""
    above = {"standard": np.zeros(len(s.rows), bool), "strict": np.zeros(len(s.rows), bool)}
    for fold in np.unique(s.fold):
        curve, here = calibrate(s, s.fold != fold), s.fold == fold
        llr = np.where(s.inside, curve(s.score), 0.0)
        above["standard"][here] = llr[here] >= curve.upper
        above["strict"][here] = llr[here] >= curve.strict
    uppers = {"standard": shipped.upper, "strict": shipped.strict}
    sides = [s.condition == condition for condition in dict.fromkeys(s.condition[s.calibrating])]
    return {
        kind: point(uppers[kind], {name: [hit[~s.fake & m] for m in sides]}, {name: [hit[s.fake & m] for m in sides]})
        for kind, hit in above.items()
    }


def matched(s: Scores, keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the kept entries those whose pair has both a fake and a real member."""
    sides: dict[str, set[bool]] = defaultdict(set)
    for i in np.flatnonzero(keep):
        if s.rows[i].pair:
            sides[s.rows[i].pair].add(s.rows[i].fake)
    return keep & np.array([len(sides.get(r.pair, ())) == 2 for r in s.rows])


def ranked_right(s: Scores, keep: NDArray[np.bool_], score: Floats) -> tuple[int, int]:
    """(fakes that score above the mean of their own originals, fakes) among matched pairs."""
    reals: dict[str, list[float]] = defaultdict(list)
    for i in np.flatnonzero(keep & ~s.fake):
        reals[s.rows[i].pair].append(score[i])
    fakes = np.flatnonzero(keep & s.fake)
    return sum(bool(score[i] > np.mean(reals[s.rows[i].pair])) for i in fakes), len(fakes)


def cell(
    s: Scores, keep: NDArray[np.bool_], llr: Floats, region: NDArray[np.int_], neutral: float
) -> dict[str, object]:
    """The figures of one fold under one condition; an abstention counts as `neutral`, the score whose ratio is 1."""
    every = np.where(s.inside, s.score, neutral)
    score, fake = every[keep], s.fake[keep]
    pictures = [s.rows[i].picture for i in np.flatnonzero(keep)]
    out: dict[str, object] = {
        "coverage": float(s.inside[keep].mean()),
        "n_fake": int(fake.sum()),
        "n_real": int((~fake).sum()),
        "auc": auc(score, fake),
        "auc_ci95": bootstrap(score, fake, pictures),
        "eer": equal_error(score, fake),
        "cllr": cllr(llr[keep], fake),
        "detection": {str(rate): detection_at(score, fake, rate) for rate in ALARM_RATES},
        "false_alarms_at_upper": float((region[keep][~fake] == 1).mean()),
        "detected_at_upper": float((region[keep][fake] == 1).mean()),
        "cleared_fakes_at_lower": float((region[keep][fake] == -1).mean()),
        "cleared_reals_at_lower": float((region[keep][~fake] == -1).mean()),
    }
    pairs = matched(s, keep)
    if (pairs & s.fake).any():
        right, of = ranked_right(s, pairs, every)
        out["matched"] = {"auc": auc(every[pairs], s.fake[pairs]), "ranked_right": right, "fakes": of}
    return out


def summary(cells: dict[str, dict[str, dict[str, object]]], condition: str) -> dict[str, object]:
    """Mean over folds with a 95 % interval (folds redrawn, each with its own interval's spread), worst fold."""
    folds = [(name, part[condition]) for name, part in cells.items() if condition in part]
    aucs = np.array([c["auc"] for _, c in folds])
    spread = np.array([(c["auc_ci95"][1] - c["auc_ci95"][0]) / 3.92 for _, c in folds])
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(folds), size=(4000, len(folds)))
    means = (aucs[drawn] + spread[drawn] * rng.standard_normal(drawn.shape)).mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    worst = int(np.argmin(aucs))
    mean = {key: float(np.mean([c[key] for _, c in folds])) for key in (
        "auc", "cllr", "eer", "coverage", "false_alarms_at_upper", "detected_at_upper", "cleared_fakes_at_lower",
        "cleared_reals_at_lower")}  # fmt: skip
    detection = {str(r): float(np.mean([c["detection"][str(r)] for _, c in folds])) for r in ALARM_RATES}
    pairs = [c["matched"]["auc"] for _, c in folds if c.get("matched", {}).get("fakes", 0) >= MATCHED_AT_LEAST]
    return {
        **mean,
        "auc_ci95": (float(low), min(1.0, float(high))),
        "worst_fold": folds[worst][0],
        "worst_auc": float(aucs[worst]),
        "detection": detection,
        "matched_auc": float(np.mean(pairs)) if pairs else None,
        "matched_folds": len(pairs),
    }


def flips(s: Scores, region: NDArray[np.int_]) -> dict[str, float]:
    """Of crops measured clean and re-shipped: verdicts that turn round (-1 to 1 or back), and that change at all."""
    clean = {(r.fold, r.file): region[i] for i, r in enumerate(s.rows) if s.condition[i] == "clean"}
    again = np.flatnonzero(s.calibrating & (s.condition != "clean"))
    both = [(clean[s.rows[i].fold, s.rows[i].file], region[i]) for i in again]
    pairs = np.array(both, int).reshape(-1, 2)
    if not len(pairs):
        return {}
    return {
        "turned": float((np.abs(pairs[:, 0] - pairs[:, 1]) == 2).mean()),
        "changed": float((pairs[:, 0] != pairs[:, 1]).mean()),
    }


def evaluate(data: Path, task: str, recipe: recipes.Recipe) -> tuple[dict[str, object], Scores]:
    s = out_of_fold(data, recipe)
    llr, region = nested(s)
    everyone = np.ones(len(s.rows), bool)
    curve = calibrate(s, everyone)
    neutral = -curve.offset / curve.slope
    cells: dict[str, dict[str, dict[str, object]]] = {}
    for fold in protocol(data)[task]["folds"]:
        cells[fold] = {
            name: cell(s, (s.fold == fold) & (s.condition == name), llr, region, neutral)
            for name in dict.fromkeys(s.condition)
        }
    conditions = list(dict.fromkeys(s.condition))
    return {
        "task": task,
        "recipe": repr(recipe),
        "folds": cells,
        "flips": flips(s, region),
        "summary": {name: summary(cells, name) for name in conditions},
        "not_measured": [name for name in conditions_of(task) if name not in conditions],
        "limits": limits(s),
        "refused": refusals(s),
        "curve": vars_of(curve),
    }, s


def refusals(s: Scores) -> dict[str, dict[str, float]]:
    """By condition and quantity, the share of crops of left-out folds beyond the range that the other folds give."""
    out: dict[str, dict[str, float]] = {}
    beyond = {name: np.zeros(len(s.rows), bool) for name in limits(s)}
    for fold in np.unique(s.fold):
        here = s.fold == fold
        for name, hit in visual_gate.refused(s.quality, limits(s, fold)).items():
            beyond[name][here] = hit[here]
    for condition in dict.fromkeys(s.condition):
        out[condition] = {name: float(hit[s.condition == condition].mean()) for name, hit in beyond.items()}
    return out


def vars_of(curve: Curve) -> dict[str, float | None]:
    values = {name: getattr(curve, name) for name in Curve.__slots__}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def weights_of(task: str) -> dict[str, str]:
    """Id and hash of the shipped head: SHA-256 over the sorted hashes of its files, as the manifest has it."""
    files = sorted((ROOT / "weights" / "shipped").glob(f"{task}.*"))
    hashes = sorted(hashlib.sha256(f.read_bytes()).hexdigest() for f in files)
    return {"id": task, "sha256": hashlib.sha256("\n".join(hashes).encode()).hexdigest()}


def calibration(
    task: str, result: dict[str, object], s: Scores, ranges: dict[str, visual_gate.Range]
) -> dict[str, object]:
    """The file that ships: one condition, since a crop's history is not known at scan time."""
    curve, figures = calibrate(s, np.ones(len(s.rows), bool)), result["summary"]
    scores = s.score[s.calibrating]
    ends = [float(np.floor(scores.min()) - 1), float(np.ceil(scores.max()) + 1)]
    knots = [[x, curve.slope * x + curve.offset] for x in ends]
    missed = shortfalls(task, figures)
    clean = figures["clean"]
    beside = {n: {k: figures[n][k] for k in BESIDE_FIGURES} for n in BESIDE[task] if n in figures}
    condition = {
        "name": "clean and re-shipped together" if reshipped(figures) else "clean",
        "applies": ranges,
        "method": "platt",
        "n_real": int((~s.fake & s.calibrating).sum()),
        "n_synthetic": int((s.fake & s.calibrating).sum()),
        "knots": knots,
        "llr_min": curve.low,
        "llr_max": curve.high,
        "auc": clean["auc"],
        "auc_ci95": list(clean["auc_ci95"]),
        "worst_fold": clean["worst_fold"],
        "worst_auc": clean["worst_auc"],
        "eer": clean["eer"],
        "cllr": clean["cllr"],
        "matched_auc": clean["matched_auc"],
        "detection_at_false_alarms": clean["detection"],
        "re-shipped": {n: {k: f[k] for k in RESHIPPED_FIGURES} for n, f in reshipped(figures).items()},
        **({"measured beside": beside} if beside else {}),
        "coverage": {n: f["coverage"] for n, f in figures.items()},
    }
    thresholds = {"lower": curve.lower, "upper": curve.upper,
                  **{k: clean[k] for k in ("false_alarms_at_upper", "detected_at_upper", "cleared_fakes_at_lower",
                                           "cleared_reals_at_lower")}}  # fmt: skip
    return {
        "schema": 1,
        "detector": task,
        "weights": weights_of(task),
        "propositions": "see the detector's card",
        "command": f"python benchmarks/run.py visual DATA {task}",
        "folds": "benchmarks/protocols/visual_folds.toml",
        "conditions": [condition],
        "thresholds": thresholds,
        "operating_points": operating_points(s, curve, condition["name"]),
        "experimental": bool(missed),
        "experimental_reason": "aims missed on left-out folds: " + "; ".join(missed) if missed else "",
    }


RESHIPPED_FIGURES = ("auc", "cllr", "matched_auc", "false_alarms_at_upper", "detected_at_upper")
BESIDE_FIGURES = ("worst_fold", "worst_auc", *RESHIPPED_FIGURES, "coverage")


def covered_limit() -> float:
    """Of `occlusion.py`: what ships even where `covered` was not measured here."""
    path = ROOT / "benchmarks" / "results" / "occlusion.json"
    return float(json.loads(path.read_text(encoding="utf-8"))["limit"])


RANGES: dict[str, dict[str, visual_gate.Range]] = {
    "synthetic-image": {"short_side": [112, None]},
    "face-manipulation": {"face_px": [60, None], "covered": [None, covered_limit()]},
}


def applies(task: str, measured: dict[str, visual_gate.Range]) -> dict[str, visual_gate.Range]:
    """The ranges of a calibration file."""
    shipped = {name: ends for name, ends in measured.items() if name not in visual_gate.DETECTORS_OWN}
    return {**shipped, **RANGES[task]}


def packs_own_split(data: Path, task: str) -> dict[str, float]:
    """AUC on the packs' own `val` split of the recipe trained on their `train` split: generous, sources are related."""
    recipe = recipes.RECIPES[task]
    everything = recipes.training_set(data, recipe)
    model = recipes.fit(recipe, everything.where([r.split == "train" for r in everything.rows]))
    out = {}
    for name in have(data, task, ["clean", "half-jpeg75"]):
        table = load(data, task, name)
        part = table.where(np.array([r.split == "val" for r in table.rows]))
        out[name] = auc(model(recipes.design(part.features, recipe)), part.fake)
    return out


def main(argv: list[str]) -> None:
    data, tasks = Path(argv[0]), argv[1:] or list(recipes.RECIPES)
    folder = Path(__file__).resolve().parent / "results"
    stored = folder / "visual.json"
    results = json.loads(stored.read_text()) if stored.exists() else {}
    for task in tasks:
        result, s = evaluate(data, task, recipes.RECIPES[task])
        result["packs_own_split"] = packs_own_split(data, task)
        results[task] = json.loads(json.dumps(result, default=float))
        made = calibration(task, results[task], s, applies(task, results[task]["limits"]))
        path = ROOT / "weights" / "calibration" / f"{task}.json"
        path.write_text(json.dumps(made, indent=1, default=float) + "\n")
        for name in (name for name in BESIDE[task] if name in BESIDE_WORDS):
            card_figures.put(task, name, card_text(task, name, results[task]["summary"]))
        card_figures.put(task, "imitated", imitated_text(task, results[task]))
    stored.write_text(json.dumps(results, indent=1) + "\n")
    page = markdown(results, "python benchmarks/run.py visual DATA", "benchmarks/protocols/visual_folds.toml")
    (folder / "visual.md").write_text(page)
