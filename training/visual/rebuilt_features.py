"""The encoder's features of real pictures that our own auto-encoders rebuilt.

    python training/visual/rebuilt_features.py DATA AUTOENCODERS

Every real crop of synthetic-image is rebuilt by one kind (`autoencoders.py`), every one of those with a random history
by another, before that same history: fakes that differ from their originals in nothing else. Written to
CACHE/rebuilt.npz (file, kind and condition of each) and .features.npy (as features.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import autoencoders
import crops
import numpy as np
import torch
from corpus import cache, part
from features import ENCODER, encoder, extract

TASK = "synthetic-image"
CONDITIONS = ("clean", "aug1")


def names(data: Path) -> list[tuple[str, str, str]]:
    """File, kind and condition of every rebuilt crop; a crop's two conditions have different kinds."""
    kinds = autoencoders.KINDS
    out = []
    for shift, condition in enumerate(CONDITIONS):
        for row in part(data, TASK, condition):
            if not row.fake:
                first = int(crops.seeded(row.file, "rebuilt").integers(len(kinds)))
                out.append((row.file, kinds[(first + 2 * shift) % len(kinds)], condition))
    return out


def pictures(data: Path, made: list[tuple[str, str, str]], folder: Path) -> Iterator[np.ndarray]:
    nets = autoencoders.load_all(folder)
    for file, kind, condition in made:
        torch.manual_seed(int(crops.seeded(file, kind).integers(2**31)))
        rgb = autoencoders.rebuild(nets[kind], crops.centre(crops.read(data / file), crops.STORED))
        yield crops.fit_native(crops.condition(rgb, condition, file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("autoencoders", type=Path)
    parser.add_argument("--weights", type=Path, default=ENCODER)
    parser.add_argument("--bfloat16", action="store_true", help="as for features.py")
    args = parser.parse_args()
    torch.set_num_threads(1)
    made = names(args.data)
    features = extract(encoder(args.weights, args.bfloat16), pictures(args.data, made, args.autoencoders), [])[""]
    base = cache(args.data) / "rebuilt"
    np.save(f"{base}.features.npy", features)
    np.savez(f"{base}.npz", names=np.array(made))
    print(base, len(made))


if __name__ == "__main__":
    main()
