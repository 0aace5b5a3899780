"""Fit the time line of the voice detector: which half seconds of a window are more like synthetic speech than others.

    python training/audio/line.py --data PATH_OF_THE_PACK            # the shipped line, from every fold

Wants the splices of `make_splices.py` and, of `features.py`, the variants in WHOLE. `benchmarks/splices.py` fits the
same without one fold at a time.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from head import FEATURES, SHIPPED, SOURCE_POWER, Bools, Clips, Floats, load_clips, regression
from make_splices import SPLICES
from numpy.typing import NDArray

WHOLE = ("clean", "random1")
STRENGTH = 3e-3  # that of the shipped head


@dataclass(frozen=True, slots=True)
class Pieces:
    """Half seconds of splices and of whole clips; `host` and `donor` are rows of the clips, the same for whole ones."""

    features: Floats
    """[n, 4932]"""
    put_in: Floats
    host: NDArray[np.int64]
    donor: NDArray[np.int64]


def load_pieces(clips: Clips) -> Pieces:
    parts = []
    for fold in dict.fromkeys(clips.fold):
        with np.load(SPLICES / f"{fold}.npz") as stored:
            parts.append((stored["pieces"].astype(np.float32), stored["put_in"], stored["host"], stored["donor"]))
    for name in WHOLE:
        with np.load(FEATURES / f"{name}.npz") as stored:
            clip = np.repeat(np.arange(len(clips.file)), stored["counts"])
            parts.append((stored["chunks"].astype(np.float32), np.zeros(len(clip), np.float32), clip, clip))
    return Pieces(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def fit_line(pieces: Pieces, clips: Clips, used: Bools) -> Floats:
    """Weights [4932] over raw piece statistics, from the pieces whose host and donor are both in `used` [clips].

    Under either label, whole clips weigh one half, what was put in a quarter, and what it was put into a quarter, so
    that a join tells nothing; within such a part a source (or system) of n pieces weighs n ** SOURCE_POWER, and a half
    second across a join as far as it is of one kind.
    """
    kept = used[pieces.host] & used[pieces.donor]
    host, donor, share = pieces.host[kept], pieces.donor[kept], pieces.put_in[kept]
    inside, whole = share >= 0.5, host == donor
    origin, other = np.where(inside, donor, host), np.where(inside, host, donor)
    synthetic = clips.synthetic[origin]
    group = np.where(synthetic, clips.system[origin], clips.source[origin])
    weights = 1 - 2 * np.minimum(share, 1 - share) * (clips.synthetic[other] != synthetic)
    for label in (False, True):
        for part, mass in ((whole, 0.5), (~whole & inside, 0.25), (~whole & ~inside, 0.25)):
            rows = np.flatnonzero((synthetic == label) & part)
            _, inverse, counts = np.unique(group[rows], return_inverse=True, return_counts=True)
            weights[rows] *= counts[inverse] ** (SOURCE_POWER - 1.0)
            weights[rows] *= mass / weights[rows].sum()
    return regression(pieces.features[kept], synthetic, weights.astype(np.float32), STRENGTH)[0]


def draw_line(features: Floats, weight: Floats) -> Floats:
    """What the shipped network gives for the pieces [n, 4932] of one window: smoothed logits [n] around 0."""
    padded = np.pad(features @ weight, 1, mode="edge")
    line = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return np.asarray(line - line.mean(), np.float32)


def main() -> None:
    from head_graph import save_line

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    clips = load_clips(parser.parse_args().data)
    pieces = load_pieces(clips)
    weight = fit_line(pieces, clips, np.ones(len(clips.file), bool))
    save_line(weight, SHIPPED / "voice-line", {"strength": str(STRENGTH)})
    print(f"voice-line: {weight.size} weights from {len(pieces.put_in)} half seconds")


if __name__ == "__main__":
    main()
