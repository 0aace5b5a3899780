"""Make our own blends from every real face with landmarks and keep the encoder's features of them.

    python training/visual/blend_features.py DATA --seed 1
    python training/visual/blend_features.py DATA --seed 2 --autoencoders FOLDER

Each real face gives three crops with one and the same random history (scale, blur, noise, codecs): itself, a blend of
itself (self-blending or re-synthesis) and a cross-identity blend with a face of the same source. They differ in the
blend alone. With the auto-encoders of `autoencoders.py` the foreign region of both has been through one of them.
Written to CACHE/blends.SEED.npz (rows), .features.npy (as features.py) and .patch.npy (patch tokens).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import blending
import crops
import numpy as np
import torch
from autoencoders import AutoEncoder, load_all, rebuild
from corpus import Row, cache, rows, thin
from features import ENCODER, batches, encoder, summarise

PATCH_BLOCKS = (5, 7, 9)


def landmarks(data: Path) -> dict[str, np.ndarray]:
    with (data / "visual" / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        return {
            f"visual/{r['file']}": np.array(json.loads(r["landmarks5"]), np.float32)
            for r in csv.DictReader(stream)
            if r["landmarks5"]
        }


class Maker:
    """Three crops for each real face, in a fixed order."""

    def __init__(self, data: Path, seed: int, nets: Sequence[AutoEncoder] = ()) -> None:
        self.data, self.seed, self.points, self.nets = data, seed, landmarks(data), nets
        faces = [r for r in rows(data, "face-manipulation") if not r.fake and r.file in self.points]
        self.rows = thin(faces, f"blend{seed}")

    def donors(self, row: Row) -> list[Row]:
        return [r for r in self.rows if r.source == row.source and r.picture != row.picture]

    def triple(self, row: Row) -> list[tuple[np.ndarray, np.ndarray, str, str]]:
        """(pixels 224, mask 14 x 14, kind, outline) of the real face and of its two blends."""
        rng = crops.seeded(row.file, f"blend{self.seed}")
        rgb, points = crops.read(self.data / row.file), self.points[row.file]
        donor = self.donors(row)[int(rng.integers(len(self.donors(row))))]
        blends = self.blends(rgb, points, crops.read(self.data / donor.file), self.points[donor.file], rng)
        history = int(rng.integers(2**31))
        made = [(rgb, np.zeros(rgb.shape[:2], np.float32), "real", "")]
        made += [(b.pixels, b.mask, b.kind, b.outline) for b in blends]
        return [
            (
                crops.fit_face(crops.augment(pixels, np.random.default_rng(history), mirror=False)),
                blending.grid_mask(mask),
                kind,
                outline,
            )
            for pixels, mask, kind, outline in made
        ]

    def blends(
        self, rgb: np.ndarray, points: np.ndarray, donor: np.ndarray, donor_points: np.ndarray, rng: np.random.Generator
    ) -> list[blending.Blend]:
        """The face blended with itself and with the donor's, through auto-encoders where there are some."""
        if not self.nets:
            make = blending.self_blend if rng.random() < 0.6 else blending.resynthesise
            return [make(rgb, points, rng), blending.cross_blend(rgb, points, donor, donor_points, rng)]
        torch.manual_seed(int(rng.integers(2**31)))
        own, other = (partial(rebuild, self.nets[i]) for i in rng.integers(len(self.nets), size=2))
        return [
            blending.rebuilt_blend(rgb, points, rng, own),
            blending.rebuilt_cross(rgb, points, donor, donor_points, rng, other),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--autoencoders", type=Path)
    parser.add_argument("--weights", type=Path, default=ENCODER)
    parser.add_argument("--bfloat16", action="store_true", help="as for features.py")
    args = parser.parse_args()
    torch.set_num_threads(1)
    nets = tuple(load_all(args.autoencoders).values()) if args.autoencoders else ()
    net, maker = encoder(args.weights, args.bfloat16), Maker(args.data, args.seed, nets)
    features, patches, masks, names = [], [], [], []

    def stream():
        for row in maker.rows:
            for pixels, mask, kind, outline in maker.triple(row):
                masks.append(mask)
                names.append((row.file, row.fold, row.source, kind, outline))
                yield pixels

    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
        for batch in batches(stream(), 8):
            outputs = net(torch.from_numpy(crops.normalise(batch)))
            features.append(summarise(outputs))
            patches.append(outputs["patch"][:, list(PATCH_BLOCKS)].clamp(-6e4, 6e4).half().numpy())
    base = cache(args.data) / f"blends.{args.seed}"
    np.save(f"{base}.features.npy", np.concatenate(features))
    np.save(f"{base}.patch.npy", np.concatenate(patches))
    np.savez(f"{base}.npz", masks=np.stack(masks), names=np.array(names))
    print(base, len(names))


if __name__ == "__main__":
    main()
