"""Cache recordings with a stretch of another one inside: what the voice detector's time line learns from, by fold.

    python training/audio/make_splices.py --data PATH_OF_THE_PACK

One file a fold in .cache/audio/splices: statistics of the half seconds and how much of each was put in. Host and donor
come from that fold. Synthetic stretches in real recordings stand beside real ones in real recordings and real ones in
synthetic recordings, through the same splicers and channels: a join, or being the odd one out, tells nothing of the
label. The splicer of the benchmark (`benchmarks/splices.py`) is none of these.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from features import CACHE, SAMPLE_RATE, describe, load_encoder, read
from head import SHIPPED, Clips, load_clips
from numpy.typing import NDArray

from deepfake_detect.reship.audio import random_channel

SPLICES = CACHE / "splices"
HALF_SECOND = SAMPLE_RATE // 2
SHORTEST = 2.0  # seconds of host and donor
OTHER_ROUTE = 0.3  # share of donors that went through a channel of their own before
AS_SPLICED = 0.3  # share of results that go through no channel
Floats = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Recipe:
    """Whose stretch in whose recording, and how many in a fold. ``same``: of the same source, or of another one."""

    host_synthetic: bool
    donor_synthetic: bool
    count: int
    same: bool = False


RECIPES = (
    Recipe(False, True, 45),
    Recipe(False, False, 35),
    Recipe(False, False, 10, same=True),
    Recipe(True, False, 20),
    Recipe(True, True, 10),
)


def quiet_near(sound: Floats, at: int, reach: int = 2400) -> int:
    """The sample of least power over 20 ms within `reach` of `at`; `at` itself where fewer than 640 samples remain."""
    first = max(0, at - reach)
    near = sound[first : at + reach]
    if len(near) < 640:
        return at
    power = np.convolve(np.square(near), np.ones(320) / 320, "same")
    return int(first + np.argmin(power[160:-160]) + 160)


def splice(host: Floats, donor: Floats, rng: Rng) -> tuple[Floats, int, int]:
    """0.5-2.4 s of `donor` anywhere in `host`, at its level within some dB; also the first and last sample.

    Cut hard, cross-faded at equal power over 20-60 ms, or from pause to pause.
    """
    kind = str(rng.choice(["hard", "fade", "pause"]))
    length = min(int(rng.uniform(0.6, 2.4) * SAMPLE_RATE), len(host) - HALF_SECOND, len(donor))
    start = int(rng.integers(0, len(host) - length + 1))
    offset = int(rng.integers(0, len(donor) - length + 1))
    if kind == "pause":
        start = quiet_near(host, start)
        offset = max(min(quiet_near(donor, offset), len(donor) - length), 0)
        length = max(quiet_near(donor, offset + length) - offset, HALF_SECOND)
        length = min(length, len(host) - start, len(donor) - offset)
    gain = np.sqrt((np.square(host).mean() + 1e-10) / (np.square(donor).mean() + 1e-10)) * 10 ** (rng.normal(0, 2) / 20)
    width = {"hard": 1, "pause": 80, "fade": int(rng.integers(320, 960))}[kind]
    fade = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / width)
    out, into = (np.cos(fade * np.pi / 2), np.sin(fade * np.pi / 2)) if kind == "fade" else (1 - fade, fade)
    result = host.copy()
    piece = donor[offset : offset + length] * gain
    result[start : start + length] = result[start : start + length] * out + piece * into
    return result.astype(np.float32), start, start + length


def put_in(count: int, start: int, end: int) -> Floats:
    """How much of each of `count` half seconds lies between the samples `start` and `end`, 0-1."""
    first = np.arange(count) * HALF_SECOND
    overlap = np.minimum(first + HALF_SECOND, end) - np.maximum(first, start)
    return np.asarray(np.maximum(overlap, 0) / HALF_SECOND, np.float32)


class Fold:
    """Clips of one fold, drawn so that a source (or system) of n clips comes n ** 0.5 times as often as one of 1."""

    def __init__(self, clips: Clips, fold: str, rng: Rng) -> None:
        self._clips, self._rng = clips, rng
        inside = (clips.fold == fold) & (clips.seconds >= SHORTEST)
        self._index = {label: np.flatnonzero(inside & (clips.synthetic == label)) for label in (False, True)}
        self._chance = {}
        for label, groups in ((False, clips.source), (True, clips.system)):
            _, inverse, counts = np.unique(groups[self._index[label]], return_inverse=True, return_counts=True)
            self._chance[label] = counts[inverse] ** -0.5 / (counts[inverse] ** -0.5).sum()

    def draw(self, recipe: Recipe) -> tuple[int, int]:
        """Rows of a host and of a donor that fit `recipe`, as far as 40 tries find one."""
        clips, host = self._clips, self._one(recipe.host_synthetic)
        for _ in range(40):
            donor = self._one(recipe.donor_synthetic)
            if donor == host:
                continue
            if recipe.host_synthetic != recipe.donor_synthetic:
                break
            groups = clips.system if recipe.host_synthetic else clips.source
            if (groups[donor] == groups[host]) == recipe.same:
                break
        return host, donor

    def _one(self, synthetic: bool) -> int:
        return int(self._rng.choice(self._index[synthetic], p=self._chance[synthetic]))


def make(clips: Clips, fold: str, load: Callable[[int], Floats], encoder: object) -> dict[str, NDArray[np.generic]]:
    """All splices of a fold: `pieces` [n, 4932] and, for each, `put_in`, `clip` (number), `host` and `donor` (rows)."""
    rng = np.random.default_rng(zlib.crc32(f"train/{fold}".encode()))
    drawn, columns = Fold(clips, fold, rng), []
    for number, recipe in enumerate(one for one in RECIPES for _ in range(one.count)):
        host, donor = drawn.draw(recipe)
        stretch = load(donor)
        if rng.random() < OTHER_ROUTE:
            stretch = random_channel(rng)(stretch, rng)
        sound, start, end = splice(load(host), stretch, rng)
        if rng.random() >= AS_SPLICED:
            sound = random_channel(rng)(sound, rng)
        pieces = describe(sound, encoder)["pieces"]
        rows = [np.full(len(pieces), value) for value in (number, host, donor)]
        columns.append((pieces, put_in(len(pieces), start, end), *rows))
    names = ("pieces", "put_in", "clip", "host", "donor")
    return {name: np.concatenate(parts) for name, parts in zip(names, zip(*columns, strict=True), strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    clips, encoder = load_clips(data), load_encoder(SHIPPED / "whisper-base-l3.onnx")

    def load(row: int) -> Floats:
        return read(data, str(clips.file[row]))

    SPLICES.mkdir(parents=True, exist_ok=True)
    for fold in dict.fromkeys(clips.fold):
        start = time.time()
        np.savez(SPLICES / f"{fold}.npz", **make(clips, str(fold), load, encoder))
        print(f"{fold}: {sum(recipe.count for recipe in RECIPES)} splices in {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
