"""Does copy-synthesis in training help? The heads with and without the copies of `copy_synthesis.py`, on every fold.

    python training/audio/compare_copies.py --data PATH_OF_THE_PACK

Strength 3e-3 everywhere, as in the shipped head. Answered clips alone, as in `benchmarks/audio.py`. Keeps the scores of
a setting in .cache/audio/copies/scores and prints a table.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from copy_synthesis import COPIES
from head import (
    TRAIN_VARIANTS,
    Bools,
    Clips,
    Floats,
    Names,
    Variant,
    apply,
    clip_weights,
    fit_heads,
    load_clips,
    load_variant,
)
from numpy.typing import NDArray

from deepfake_detect.fuse.measure import auc, equal_error

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from audio import TEST_VARIANTS, speech_seconds

STRENGTH = 3e-3
NEURAL = ("lpcnet", "hifigan")
SAME_SYSTEM = {  # a system of the pack that is made by the vocoder
    "lpcnet": "lpcnet",
    "griffin-lim": "Tacotron 2 DDC + Griffin-Lim",
    "griffin-lim-mel": "Tacotron 2 DDC + Griffin-Lim",
}
# Weight of the copies against that of the synthetic clips of the pack, and whether networks made some of them.
SETTINGS = {
    "none": (0.0, True),
    "signal-0.25": (0.25, False),
    "signal-0.5": (0.5, False),
    "signal-1": (1.0, False),
    "all-0.25": (0.25, True),
    "all-0.5": (0.5, True),
    "all-1": (1.0, True),
}


@dataclass(frozen=True, slots=True)
class Copies:
    original: NDArray[np.int64]
    """Row of the clip that was copied, among the clips of the protocol."""
    vocoder: Names

    def trains_for(self, clips: Clips, fold: str, neural: bool) -> Bools:
        """Copies of clips of other folds, by no vocoder that makes a system of `fold`."""
        tested = set(clips.system[clips.fold == fold])
        banned = [name for name, system in SAME_SYSTEM.items() if system in tested]
        kept = (clips.fold[self.original] != fold) & ~np.isin(self.vocoder, banned)
        return kept & (neural | ~np.isin(self.vocoder, NEURAL))

    def weights(self, used: Bools) -> Floats:
        """Every vocoder of n copies weighs n ** 0.5, as systems do; together 1."""
        result = np.zeros(len(used), np.float32)
        _, inverse, counts = np.unique(self.vocoder[used], return_inverse=True, return_counts=True)
        share = counts[inverse] ** -0.5
        result[used] = share / share.sum()
        return result


def load_copies(clips: Clips) -> Copies:
    with (COPIES / "copies.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    row_of = {str(file): row for row, file in enumerate(clips.file)}
    return Copies(np.array([row_of[row["original"]] for row in rows]), np.array([row["vocoder"] for row in rows]))


def joined(name: str) -> Variant:
    """The clips of the pack in a variant, then the copies in the same."""
    (features, quality), (more, of_copies) = load_variant(name), load_variant(f"copy-{name}")
    return np.concatenate([features, more]), np.concatenate([quality, of_copies])


def weigh(clips: Clips, copies: Copies, fold: str, setting: str) -> Floats:
    """Weights of the clips of the pack, then of the copies."""
    amount, neural = SETTINGS[setting]
    of_clips = clip_weights(clips, clips.trains_for(fold))
    total = of_clips[clips.synthetic].sum()
    return np.concatenate([of_clips, amount * total * copies.weights(copies.trains_for(clips, fold, neural))])


def out_of_fold(clips: Clips, copies: Copies, parts: dict[str, Variant], setting: str) -> Floats:
    """Scores [test variants, clips] of the heads that never saw the fold of a clip."""
    count = len(clips.file)
    synthetic = np.concatenate([clips.synthetic, np.ones(len(copies.original), bool)])
    scores = np.zeros((len(TEST_VARIANTS), count), np.float32)
    for fold in dict.fromkeys(clips.fold):
        held = clips.fold == fold
        head = fit_heads(list(parts.values()), synthetic, weigh(clips, copies, fold, setting), STRENGTH)
        for row, name in zip(scores, TEST_VARIANTS, strict=True):
            features, quality = parts[name]
            row[held] = apply(head, (features[:count], quality[:count]))[held]
        print(f"{setting}: {fold} done", flush=True)
    return scores


def compare(clips: Clips, settings: Sequence[str]) -> dict[str, Floats]:
    """The same of every setting; those of an earlier run are read."""
    copies, parts = load_copies(clips), {name: joined(name) for name in TRAIN_VARIANTS}
    target = COPIES / "scores"
    target.mkdir(exist_ok=True)
    for setting in settings:
        file = target / f"{setting}.npy"
        if not file.exists():
            np.save(file, out_of_fold(clips, copies, parts, setting))
    return {setting: np.load(target / f"{setting}.npy") for setting in settings}


def by_fold(scores: Floats, clips: Clips, answered: Bools) -> tuple[Floats, Floats]:
    """Equal error rate in per cent and AUC: [folds] each."""
    masks = [(clips.fold == fold) & answered for fold in dict.fromkeys(clips.fold)]
    rates = [100 * equal_error(scores[mask], clips.synthetic[mask]) for mask in masks]
    return np.array(rates), np.array([auc(scores[mask], clips.synthetic[mask]) for mask in masks])


def print_table(scores: dict[str, Floats], clips: Clips, answered: Bools) -> None:
    """A line a setting: EER mean / worst, AUC mean / worst and, against no copies, the mean step and folds won."""
    base = {name: by_fold(row, clips, answered) for name, row in zip(TEST_VARIANTS, scores["none"], strict=True)}
    for setting, table in scores.items():
        for name, row in zip(TEST_VARIANTS, table, strict=True):
            rates, areas = by_fold(row, clips, answered)
            step, area_step = rates - base[name][0], areas - base[name][1]
            print(
                f"{setting:12} {name:11} EER {rates.mean():.1f} / {rates.max():.1f}  AUC {areas.mean():.3f} / "
                f"{areas.min():.3f}  step {step.mean():+.1f} +- {step.std(ddof=1) / len(step) ** 0.5:.1f}, "
                f"better {np.sum(step < 0)}, worse {np.sum(step > 0)}; AUC {area_step.mean():+.3f} +- "
                f"{area_step.std(ddof=1) / len(step) ** 0.5:.3f}"
            )
            print("    by fold:", " ".join(f"{rate:.1f}/{area:.2f}" for rate, area in zip(rates, areas, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    args = parser.parse_args()
    clips = load_clips(args.data)
    scores = compare(clips, list(dict.fromkeys(["none", *args.settings])))
    print_table(scores, clips, speech_seconds(clips, args.data) >= 2.0)


if __name__ == "__main__":
    main()
