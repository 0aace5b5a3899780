"""Fit the voice heads: logistic regressions on the piece statistics of `features.py`, channels alike for both labels.

    python training/audio/head.py --data PATH_OF_THE_PACK            # the shipped head, from every clip of the pack

`benchmarks/audio.py` fits the same without one fold at a time, and without `val`, for its figures.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_detect.detect.sound_quality import NARROW_DB

ROOT = Path(__file__).resolve().parents[2]
FEATURES = ROOT / ".cache" / "audio" / "features"
PROTOCOL = ROOT / "benchmarks" / "protocols" / "audio_folds.csv"
SHIPPED = ROOT / "weights" / "shipped"
TRAIN_VARIANTS = ("clean", "messenger1", "telephone1", "acoustic1", "random1")
STRENGTHS = (3e-3, 1e-2)
NARROW_SHARE = 0.15
EFFECTIVE_CLIPS = 1000  # what the weights of all rows add up to, so that a strength means the same for any number
SOURCE_POWER = 0.5  # a source (or system) of n clips weighs n ** 0.5 in its label
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Names = NDArray[np.str_]
Variant = tuple[Floats, Floats]  # features [clips, 6454] and measured quality [clips, 2]
Head = tuple[Floats, Floats]  # weights [2, features] and biases [2] for wide-band and narrow-band sound


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips of the pack in the order of the protocol file."""

    file: Names
    fold: Names
    synthetic: Bools
    system: Names
    source: Names
    language: Names
    split: Names
    seconds: NDArray[np.float64]

    def trains_for(self, fold: str) -> Bools:
        """Clips that may train for `fold`: other folds, and no synthetic clip of a system that occurs in it."""
        tested = set(self.system[(self.fold == fold) & self.synthetic])
        return (self.fold != fold) & ~(self.synthetic & np.isin(self.system, list(tested)))


def load_clips(data: Path) -> Clips:
    with PROTOCOL.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as handle:
        more = {row["file"]: row for row in csv.DictReader(handle)}

    def column(name: str) -> Names:
        return np.array([more[row["file"]][name] for row in rows])

    return Clips(
        file=np.array([row["file"] for row in rows]),
        fold=np.array([row["fold"] for row in rows]),
        synthetic=np.array([row["label"] == "synthetic" for row in rows]),
        system=np.array([row["system"] for row in rows]),
        source=column("source_repo"),
        language=column("language"),
        split=column("split"),
        seconds=column("seconds").astype(float),
    )


def load_variant(name: str) -> Variant:
    """Mean over a clip's pieces of their statistics, then those of the window [clips, 6454]; quality [clips, 2]."""
    with np.load(FEATURES / f"{name}.npz") as stored:
        return np.concatenate([stored["means"], stored["window"]], axis=1), stored["quality"]


def clip_weights(clips: Clips, used: Bools) -> Floats:
    """Both labels weigh alike; within a label a source of n clips weighs n ** SOURCE_POWER. Mean 1 over `used`."""
    weights = np.zeros(len(used))
    for synthetic, groups in ((True, clips.system), (False, clips.source)):
        index = np.flatnonzero(used & (clips.synthetic == synthetic))
        _, inverse, counts = np.unique(groups[index], return_inverse=True, return_counts=True)
        share = counts[inverse] ** (SOURCE_POWER - 1.0)
        weights[index] = share / share.sum()
    return (weights / weights.sum() * used.sum()).astype(np.float32)


def fit(parts: Sequence[Variant], clips: Clips, used: Bools, strength: float) -> Head:
    """The two heads over raw features, from the clips in `used` under every variant in `parts`."""
    return fit_heads(parts, clips.synthetic, clip_weights(clips, used), strength)


def fit_heads(parts: Sequence[Variant], synthetic: Bools, weights: Floats, strength: float) -> Head:
    """The same from clips of given labels and weights [clips]; those of weight 0 do not count.

    The wide-band head learns from wide-band sound alone, the narrow-band one from wide-band sound too, at NARROW_SHARE.
    """
    used = weights > 0
    narrow = np.concatenate([quality[used, 0] < NARROW_DB for _, quality in parts])
    features = np.concatenate([features[used] for features, _ in parts])
    labels, each = np.tile(synthetic[used], len(parts)), np.tile(weights[used], len(parts))
    heads = [
        regression(features, labels, each * np.where(narrow, other, own), strength)
        for other, own in ((0.0, 1.0), (1.0, NARROW_SHARE))
    ]
    return np.stack([weight for weight, _ in heads]), np.array([bias for _, bias in heads], np.float32)


def regression(features: Floats, synthetic: Bools, weights: Floats, strength: float) -> tuple[Floats, float]:
    """Weights [features] and bias over raw `features` [rows, features]; both labels weigh alike, rows of weight 0 do
    not count."""
    from sklearn.linear_model import LogisticRegression

    kept = weights > 0
    features, synthetic, weights = features[kept], synthetic[kept], weights[kept]
    balanced = weights.copy()
    for label in (False, True):
        balanced[synthetic == label] *= EFFECTIVE_CLIPS / 2 / weights[synthetic == label].sum()
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    model = LogisticRegression(C=strength, max_iter=150, tol=2e-3)
    model.fit((features - mean) / deviation, synthetic, sample_weight=balanced)
    weight = (model.coef_[0] / deviation).astype(np.float32)
    return weight, float(model.intercept_[0] - weight @ mean)


def apply(head: Head, variant: Variant) -> Floats:
    """Raw scores of every clip of a variant, by the head for its measured band."""
    features, quality = variant
    both = features @ head[0].T + head[1]
    return np.where(quality[:, 0] < NARROW_DB, both[:, 1], both[:, 0])


def main() -> None:
    from head_graph import save_head

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--strength", type=float, required=True, help="the one that benchmarks/audio.py chose")
    args = parser.parse_args()
    clips = load_clips(args.data)
    parts = [load_variant(name) for name in TRAIN_VARIANTS]
    weight, bias = fit(parts, clips, np.ones(len(clips.file), bool), args.strength)
    encoder = hashlib.sha256((SHIPPED / "whisper-base-l3.safetensors").read_bytes()).hexdigest()
    save_head(weight, bias, SHIPPED / "synthetic-voice", {"encoder_sha256": encoder, "strength": str(args.strength)})
    print(f"synthetic-voice: {weight.size} weights from {len(parts)} x {len(clips.file)} clips")


if __name__ == "__main__":
    main()
