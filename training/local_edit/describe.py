"""Samples through the fixed front end, once: float16 features and the share of each cell that was altered.

    nice -n 15 python training/local_edit/describe.py DATA DEBS [--train 12000] [--choose 1500]

Writes blocks of 250 samples to `.cache/local-edit/`; a run that was cut off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch

import samples
from deepfake_detect.detect.networks.residual_map import CELL, Front

BLOCK = 250
BATCH = 10


def block(pieces: samples.Pieces, part: str, number: int, front: Front) -> Path:
    """One block of samples on the disk."""
    path = samples.CACHE / f"{part}.{number:04d}.npz"
    if path.exists():
        return path
    made = [samples.make(pieces, part, number * BLOCK + i) for i in range(BLOCK)]
    features = []
    with torch.inference_mode():
        for start in range(0, BLOCK, BATCH):
            stack = np.stack([m.pixels for m in made[start : start + BATCH]]).transpose(0, 3, 1, 2)
            features.append(front(torch.from_numpy(np.ascontiguousarray(stack)).float()).half().numpy())
    cells = (samples.SIDE // CELL,) * 2
    share = [cv2.resize(m.mask.astype(np.float32), cells, interpolation=cv2.INTER_AREA) for m in made]
    waiting = path.with_suffix(".part.npz")
    np.savez(waiting, features=np.concatenate(features), share=np.stack(share).astype(np.float16),
             kind=np.array([m.kind for m in made]))  # fmt: skip
    waiting.replace(path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("debs", type=Path)
    parser.add_argument("--train", type=int, default=12_000)
    parser.add_argument("--choose", type=int, default=1_500)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    pieces, front = samples.load(options.data, options.debs), Front()
    print({part: len(pieces.of(part)) for part in samples.PARTS}, flush=True)
    for part, count in (("choose", options.choose), ("train", options.train)):
        for number in range(count // BLOCK):
            print(time.strftime("%H:%M:%S"), block(pieces, part, number, front).name, flush=True)


if __name__ == "__main__":
    main()
