"""Benchmark of the voice detector on left-out families of speech systems and sources; writes its calibration.

    python benchmarks/run.py audio --data PATH_OF_THE_SPEECH_PACK

Wants the features of `training/audio/features.py` for the variants that `training/audio/head.py` names. For each fold
of `protocols/audio_folds.toml` a head is fitted without it and scores it; every figure below comes from those scores.
The strength of the regularisation for a fold is the one that is best on the other folds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from audio_controls import aasist, nuisance_only
from metrics import auc, bootstrap, cllr, equal_error, rising_curve
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "training" / "audio"))

from features import draw_channel  # noqa: E402
from head import (  # noqa: E402
    SHIPPED,
    STRENGTHS,
    TRAIN_VARIANTS,
    Clips,
    apply,
    fit,
    load_clips,
    load_variant,
)

from deepfake_detect.detect.sound_quality import NARROW_DB  # noqa: E402
from deepfake_detect.fuse.fit import thresholds  # noqa: E402
from deepfake_detect.fuse.points import STRICT_ALARMS, point, strict  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
CALIBRATION = ROOT / "weights" / "calibration" / "synthetic-voice.json"
COMMAND = "python benchmarks/run.py audio --data PATH_OF_THE_SPEECH_PACK"
TEST_VARIANTS = ("clean", "messenger1", "telephone1", "acoustic1")
COMPARED_VARIANTS = ("clean", "messenger1", "telephone1")
QUIET_DB = 25.0  # dynamics_db
LOWEST_DYNAMICS = 10.0
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
CONDITIONS: dict[str, dict[str, list[float | None]]] = {
    "narrow band": {"high_band_db": [None, NARROW_DB], "dynamics_db": [LOWEST_DYNAMICS, None]},
    "wide band, quiet": {"high_band_db": [NARROW_DB, None], "dynamics_db": [QUIET_DB, None]},
    "wide band, noisy or reverberant": {"high_band_db": [NARROW_DB, None], "dynamics_db": [LOWEST_DYNAMICS, QUIET_DB]},
}


@dataclass(frozen=True, slots=True)
class Table:
    """Out-of-fold scores: one row a clip and variant."""

    score: Floats
    synthetic: Bools
    fold: NDArray[np.str_]
    cluster: NDArray[np.str_]
    variant: NDArray[np.str_]
    channel: NDArray[np.str_]
    language: NDArray[np.str_]
    quality: Floats
    answered: Bools

    def rows(self, mask: Bools) -> Table:
        return Table(*(getattr(self, name)[mask] for name in self.__slots__))

    def covered(self, applies: dict[str, list[float | None]]) -> Bools:
        mask = np.ones(len(self.score), bool)
        for column, name in enumerate(("high_band_db", "dynamics_db")):
            low, high = applies.get(name, [None, None])
            mask &= (self.quality[:, column] >= (-np.inf if low is None else low)) & (
                self.quality[:, column] <= (np.inf if high is None else high)
            )
        return mask


def out_of_fold(clips: Clips, train: Sequence[str], test: Sequence[str]) -> tuple[dict[str, Floats], dict[str, float]]:
    """Scores of every clip in every test variant by the head that never saw its fold; the strength of each fold."""
    stored = {name: load_variant(name) for name in {*train, *test}}
    folds = list(dict.fromkeys(clips.fold))
    scores = {s: {name: np.zeros(len(clips.file)) for name in test} for s in STRENGTHS}
    for fold in folds:
        used, tested = clips.trains_for(fold), clips.fold == fold
        for strength in STRENGTHS:
            head = fit([stored[name] for name in train], clips, used, strength)
            for name in test:
                scores[strength][name][tested] = apply(head, stored[name])[tested]
        print(f"fold {fold} done", flush=True)

    def quality(strength: float, fold: str) -> float:
        m = clips.fold == fold
        return float(np.mean([auc(scores[strength][name][m], clips.synthetic[m]) for name in test]))

    table = {(s, f): quality(s, f) for s in STRENGTHS for f in folds}
    chosen = {f: max(STRENGTHS, key=lambda s, f=f: sum(table[s, g] for g in folds if g != f)) for f in folds}
    best = {name: np.array([scores[chosen[fold]][name][i] for i, fold in enumerate(clips.fold)]) for name in test}
    overall = max(STRENGTHS, key=lambda s: sum(table[s, g] for g in folds))
    return best, {**chosen, "all": overall}


def make_table(clips: Clips, scores: dict[str, Floats], seconds: Floats) -> Table:
    """Long form; a clip with less than 2 s of speech is not answered, as in a scan."""
    names = list(scores)
    count = len(clips.file)
    channels = [draw_channel(str(file), name)[0].name for name in names for file in clips.file]
    quality = np.concatenate([load_variant(name)[1] for name in names]).astype(np.float64)

    def repeat(values: NDArray[Any]) -> NDArray[Any]:
        return np.tile(values, len(names))

    return Table(
        score=np.concatenate([scores[name] for name in names]),
        synthetic=repeat(clips.synthetic),
        fold=repeat(clips.fold),
        cluster=repeat(np.where(clips.synthetic, clips.system, clips.source)),
        variant=np.repeat(names, count),
        channel=np.array(channels),
        language=repeat(clips.language),
        quality=quality,
        answered=repeat(seconds >= 2.0),
    )


def figures(table: Table) -> dict[str, Any]:
    """Error rates of the answered rows, and how many were answered."""
    answered = table.rows(table.answered)
    by_fold = {}
    for fold in dict.fromkeys(answered.fold):
        m = answered.fold == fold
        if min(answered.synthetic[m].sum(), (~answered.synthetic[m]).sum()) >= 10:
            by_fold[str(fold)] = round(equal_error(answered.score[m], answered.synthetic[m]), 4)
    result: dict[str, Any] = {
        "n_real": int((~answered.synthetic).sum()),
        "n_synthetic": int(answered.synthetic.sum()),
        "coverage": round(float(table.answered.mean()), 4),
        "eer": round(equal_error(answered.score, answered.synthetic), 4),
        "auc": round(auc(answered.score, answered.synthetic), 4),
        "auc_ci95": [round(v, 4) for v in bootstrap(answered.score, answered.synthetic, list(answered.cluster))],
    }
    if by_fold:
        result |= {
            "eer_mean_of_folds": round(float(np.mean(list(by_fold.values()))), 4),
            "eer_worst_fold": max(by_fold.items(), key=lambda item: item[1]),
            "eer_by_fold": by_fold,
        }
    return result


def curve(score: Floats, synthetic: Bools) -> tuple[list[list[float]], float, float]:
    """Knots and bounds of one condition; a score without use (a falling curve) becomes a constant 0."""
    try:
        knots, low, high = rising_curve(score, synthetic)
    except ValueError:
        return [[float(score.min()), 0.0], [float(score.max()), 0.0]], 0.0, 0.0
    return [list(knot) for knot in knots], low, high


def ratios(table: Table, curves: dict[str, tuple[list[list[float]], float, float]]) -> Floats:
    """log10 LR of every row; rows without an answer or a condition have 0."""
    llr = np.zeros(len(table.score))
    for name, (knots, low, high) in curves.items():
        m = table.covered(CONDITIONS[name]) & table.answered & (llr == 0)
        xs, ys = np.array(knots).T
        llr[m] = np.clip(np.interp(table.score[m], xs, ys), low, high)
    return llr


def fit_curves(table: Table) -> dict[str, tuple[list[list[float]], float, float]]:
    answered = table.rows(table.answered)
    return {
        name: curve(answered.score[m], answered.synthetic[m])
        for name, applies in CONDITIONS.items()
        for m in [answered.covered(applies)]
    }


def by_condition(table: Table, llr: Floats) -> list[tuple[Floats, Bools]]:
    """Ratios of the answered rows of each condition, and whether they are synthetic."""
    parts = [table.covered(applies) & table.answered for applies in CONDITIONS.values()]
    return [(llr[m], table.synthetic[m]) for m in parts]


def pick_thresholds(table: Table, llr: Floats) -> tuple[float, float]:
    """Lower and upper log10 LR, as a calibration made by anybody picks them, over all conditions."""
    return thresholds(by_condition(table, llr))


def pick_strict(table: Table, llr: Floats, upper: float) -> float:
    """The strict log10 LR, likewise."""
    return strict(by_condition(table, llr), upper, STRICT_ALARMS * 0.8)


def operating_points(table: Table, uppers: dict[str, float]) -> dict[str, Any]:
    """The standard and the strict point by condition, each fold by the curves and thresholds of the others."""
    above = {kind: np.zeros(len(table.score), bool) for kind in uppers}
    for fold in dict.fromkeys(table.fold):
        held, others = table.fold == fold, table.rows(table.fold != fold)
        curves = fit_curves(others)
        llr, fitted = ratios(table, curves), ratios(others, curves)
        upper = pick_thresholds(others, fitted)[1]
        above["standard"][held] = llr[held] >= upper
        above["strict"][held] = llr[held] >= pick_strict(others, fitted, upper)
    sides = {name: table.covered(applies) & table.answered for name, applies in CONDITIONS.items()}
    return {
        kind: point(
            uppers[kind],
            {name: [hit[m & ~table.synthetic]] for name, m in sides.items()},
            {name: [hit[m & table.synthetic]] for name, m in sides.items()},
        )
        for kind, hit in above.items()
    }


def cross_fitted(table: Table) -> tuple[Floats, Bools, Bools]:
    """log10 LR of each row, and whether it reaches the upper or the lower threshold; curves and thresholds come from
    the other folds."""
    llr, above, below = np.zeros(len(table.score)), *(np.zeros(len(table.score), bool) for _ in range(2))
    for fold in dict.fromkeys(table.fold):
        held = table.fold == fold
        others = table.rows(~held)
        curves = fit_curves(others)
        lower, upper = pick_thresholds(others, ratios(others, curves))
        llr[held] = ratios(table.rows(held), curves)
        above[held], below[held] = llr[held] >= upper, llr[held] <= lower
    return llr, above, below


def decisions(table: Table, llr: Floats, above: Bools, below: Bools, mask: Bools) -> dict[str, Any]:
    """What the thresholds do to the rows in `mask`, abstentions counting as a ratio of 1."""
    real, fake = mask & ~table.synthetic, mask & table.synthetic
    return {
        "cllr": round(cllr(llr[mask], table.synthetic[mask]), 4),
        "false_alarm_at_upper": round(float(above[real].mean()), 4),
        "detection_at_upper": round(float(above[fake].mean()), 4),
        "missed_below_lower": round(float(below[fake].mean()), 4),
        "real_below_lower": round(float(below[real].mean()), 4),
    }


def speech_seconds(clips: Clips, data: Path) -> Floats:
    """Seconds of speech that the shipped voice activity model finds in the first 4 s of each clip."""
    import soundfile

    from deepfake_detect.checkpoints import WeightStore
    from deepfake_detect.extract import SpeechFinder

    cache = ROOT / ".cache" / "audio" / "speech_seconds.npy"
    if cache.exists():
        return np.load(cache)
    finder = SpeechFinder(WeightStore())
    seconds = []
    for file in clips.file:
        samples, rate = soundfile.read(data / str(file), dtype="float32")
        seconds.append(float((finder.probabilities(samples[: 4 * rate]) >= 0.5).sum()) * 512 / rate)
    np.save(cache, np.array(seconds))
    return np.array(seconds)


def validation_split(clips: Clips, strength: float) -> dict[str, float]:
    """AUC on the pack's own `val` of a head that was fitted on `train` alone."""
    train, held = clips.split == "train", clips.split == "val"
    head = fit([load_variant(name) for name in TRAIN_VARIANTS], clips, train, strength)
    result = {}
    for name, variant in (("clean", "clean"), ("mp3_64k", "val-mp3_64k"), ("8khz", "val-8khz")):
        scores = apply(head, load_variant(variant))
        scores = scores[held] if len(scores) == len(held) else scores
        result[name] = round(auc(scores, clips.synthetic[held]), 4)
    return result


def weights_record() -> dict[str, str]:
    """Id and joint hash of the head's two files, as the weights manifest computes it."""
    files = [SHIPPED / f"synthetic-voice.{kind}" for kind in ("safetensors", "onnx")]
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    return {"id": "synthetic-voice", "sha256": hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()}


def calibration(table: Table, results: dict[str, Any]) -> dict[str, Any]:
    """The file that a scan reads: curves from all out-of-fold scores, with their cross-fitted error rates."""
    curves = fit_curves(table)
    fitted = ratios(table, curves)
    lower, upper = pick_thresholds(table, fitted)
    uppers = {"standard": upper, "strict": pick_strict(table, fitted, upper)}
    llr, above, below = cross_fitted(table)
    conditions = []
    for name, (knots, low, high) in curves.items():
        m = table.covered(CONDITIONS[name])
        measured = figures(table.rows(m)) | decisions(table, llr, above, below, m & table.answered)
        shape = {"method": "logistic, bounded by ELUB", "knots": knots, "llr_min": low, "llr_max": high}
        conditions.append({"name": name, "applies": CONDITIONS[name]} | shape | measured)
    everything = decisions(table, llr, above, below, table.answered)
    return {
        "schema": 1,
        "detector": "synthetic-voice",
        "weights": weights_record(),
        "command": COMMAND,
        "folds": "benchmarks/protocols/audio_folds.toml",
        "conditions": conditions,
        "thresholds": {"lower": round(lower, 4), "upper": round(upper, 4)} | everything,
        "operating_points": operating_points(table, uppers),
        "experimental": True,
        "experimental_reason": reason(results),
        "languages": results["languages"],
    }


def reason(results: dict[str, Any]) -> str:
    clean = results["variants"]["clean"]["eer_mean_of_folds"]
    return (
        f"On speech systems and sources left out of training its equal error rate is {clean:.0%} on clean clips and "
        "higher after a telephone or messenger; the aims of 12 % and 20 % are missed."
    )


def scores_of(clips: Clips, reuse: bool) -> tuple[dict[str, Floats], dict[str, float]]:
    """Out-of-fold scores and strengths, or those of the last run."""
    cache = ROOT / ".cache" / "audio" / "out_of_fold.npz"
    if not reuse:
        scores, strengths = out_of_fold(clips, TRAIN_VARIANTS, TEST_VARIANTS)
        np.savez(cache, strengths=json.dumps(strengths), **scores)
    with np.load(cache) as stored:
        return {name: stored[name] for name in TEST_VARIANTS}, json.loads(str(stored["strengths"]))


def measure(clips: Clips, data: Path, reuse: bool, aasist_weights: Path | None) -> tuple[Table, dict[str, Any]]:
    scores, strengths = scores_of(clips, reuse)
    table = make_table(clips, scores, speech_seconds(clips, data))
    llr, above, below = cross_fitted(table)
    long_enough = np.tile(clips.seconds >= 2.0, len(TEST_VARIANTS))
    results: dict[str, Any] = {"command": COMMAND, "strength": strengths, "train_variants": list(TRAIN_VARIANTS)}
    results["variants"] = {
        name: figures(table.rows(m)) | decisions(table, llr, above, below, m)
        for name in TEST_VARIANTS
        for m in [table.variant == name]
    }
    results["channels"] = {
        str(name): {key: value for key, value in figures(part).items() if "fold" not in key}
        for name in dict.fromkeys(table.channel)
        for part in [table.rows(table.channel == name)]
    }
    results["languages"] = {
        code: figures(table.rows((table.language == code) & (table.variant == "clean")))
        for code in ("vi", "fr", "en", "de", "zh", "ko")
    }
    results["val"] = validation_split(clips, strengths["all"])
    results["coverage_of_clips_of_2_s"] = round(float(table.answered[long_enough].mean()), 4)
    results["nuisance_only"] = nuisance_only(clips, data)
    if aasist_weights:
        results["aasist"] = aasist(clips, data, aasist_weights, {name: scores[name] for name in COMPARED_VARIANTS})
    return table, results


def markdown(results: dict[str, Any]) -> str:
    """The main figures as tables."""
    lines = [
        "# Voice detector on left-out systems and sources",
        f"\n`{results['command']}`; all figures: `audio.json`; what they mean: the model's card, `audio_tried.md`.",
        f"\nAnswered: {results['coverage_of_clips_of_2_s']:.1%} of clips of 2 s and more.",
        "\n| sound | EER, mean of folds | worst fold | AUC (95 %) | Cllr | false alarms | detected |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in results["variants"].items():
        low, high = row["auc_ci95"]
        worst = "{0[1]:.1%} ({0[0]})".format(row["eer_worst_fold"])
        lines.append(
            f"| {name} | {row['eer_mean_of_folds']:.1%} | {worst} | {row['auc']:.3f} ({low:.3f}-{high:.3f}) "
            f"| {row['cllr']:.2f} | {row['false_alarm_at_upper']:.1%} | {row['detection_at_upper']:.1%} |"
        )
    for title, key in (("channel", "channels"), ("language, clean", "languages")):
        lines.append(f"\n| {title} | real | synthetic | EER | AUC (95 %) |\n|---|---|---|---|---|")
        for name, row in results[key].items():
            low, high = row["auc_ci95"]
            counts = f"{row['n_real']} | {row['n_synthetic']}"
            lines.append(f"| {name} | {counts} | {row['eer']:.1%} | {row['auc']:.3f} ({low:.3f}-{high:.3f}) |")
    lines.append(f"\nNuisances alone: {results['nuisance_only']}")
    lines.append(f"\nThe pack's own `val`, trained on `train` alone, AUC: {results['val']}")
    if "aasist" in results:
        lines.append(f"\nAASIST's released weights beside this detector on the same clips: {results['aasist']}")
    return "\n".join(lines) + "\n"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reuse", action="store_true", help="the scores of the last run, for another calibration")
    parser.add_argument("--aasist", type=Path, help="AASIST.pth of its authors, added as `weights add` does (slow)")
    args = parser.parse_args(argv)
    clips = load_clips(args.data)
    table, results = measure(clips, args.data, args.reuse, args.aasist)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "audio.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "audio.md").write_text(markdown(results), encoding="utf-8")
    CALIBRATION.parent.mkdir(parents=True, exist_ok=True)
    CALIBRATION.write_text(json.dumps(calibration(table, results), indent=1) + "\n", encoding="utf-8")
    for name, row in results["variants"].items():
        print(name, {key: value for key, value in row.items() if key != "eer_by_fold"})
