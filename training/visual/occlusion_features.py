"""Faces with and without something before them, and the encoder's patch tokens of both.

    python training/visual/occlusion_features.py DATA

Of each fold and label `FACES` faces: as they are, after x0.5 + JPEG q75, and behind `KINDS_EACH` imitations of
`occlusions.py`, in turn over the kinds. CACHE/occlusion.npz holds the rows (file, kind), the share of each patch that
is covered [n, 14, 14], MTCNN's landmarks in the crop as it then is, at 224 px [n, 5, 2] (nan: no face found), and its
probability; CACHE/occlusion.patch.npy the tokens float16 [n, 196, 768] of `BLOCK`. A run that was cut off goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import crops
import cv2
import numpy as np
import torch
from corpus import Row, cache, evenly, rows
from cover import BLOCK, TASK
from features import ENCODER
from numpy.typing import NDArray
from occlusions import MAKERS, Face, occlude
from safetensors.torch import load_file

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.detect.networks.clip import GRID, ClipEncoder, dequantise
from deepfake_detect.detect.visual_input import SIDE
from deepfake_detect.extract.faces import STILL_SIDE, FaceFinder
from deepfake_detect.media import Frame

FACES = 18
KINDS_EACH = 2
PART = 40


@dataclass(frozen=True, slots=True)
class Made:
    """One version of one face: 224 px, the share of each patch that is covered, landmarks at 224 px, probability."""

    row: Row
    kind: str
    rgb: NDArray[np.uint8] = field(repr=False)
    covered: NDArray[np.float32] = field(repr=False)
    landmarks: NDArray[np.float32] = field(repr=False)
    probability: float


class Maker:
    """Versions of every chosen face, in a fixed order."""

    def __init__(self, data: Path) -> None:
        self.data, self.finder = data, FaceFinder(WeightStore())
        self.rows = evenly(rows(data, TASK), FACES)
        self.others = [r for r in rows(data, "synthetic-image") if not r.fake]

    def wanted(self) -> list[tuple[Row, str]]:
        kinds = list(MAKERS)
        return [
            (row, kind)
            for i, row in enumerate(self.rows)
            for kind in ("clean", "half-jpeg75", *(kinds[(i * KINDS_EACH + k) % len(kinds)] for k in range(KINDS_EACH)))
        ]

    def make(self, row: Row, kind: str) -> Made | None:
        """None for an imitation on a face in whose own crop MTCNN finds none."""
        rgb = crops.centre(crops.read(self.data / row.file), crops.STORED)
        share = np.zeros(rgb.shape[:2], np.float32)
        if kind in MAKERS:
            points, _ = self._found(rgb)
            if np.isnan(points).any():
                return None
            rng = crops.seeded(row.file, kind)
            other = self.others[int(rng.integers(len(self.others)))]
            rgb, share = occlude(Face(rgb, points, crops.read(self.data / other.file)), kind, rng)
        else:
            rgb = crops.condition(rgb, kind, row.file)
        points, probability = self._found(rgb)
        covered = cv2.resize(share, (GRID, GRID), interpolation=cv2.INTER_AREA)
        scale = np.float32(SIDE / rgb.shape[0])
        return Made(row, kind, crops.fit_face(rgb), covered, points * scale, probability)

    def _found(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        (found,) = self.finder.find([Frame(0.0, rgb)], STILL_SIDE)
        return (found[0].landmarks, found[0].probability) if found else (np.full((5, 2), np.nan, np.float32), 0.0)


def encoder(weights: Path = ENCODER) -> ClipEncoder:
    """Up to `BLOCK`."""
    net = ClipEncoder(BLOCK + 1, (BLOCK,), (BLOCK,))
    wanted = net.state_dict()
    net.load_state_dict({name: value for name, value in dequantise(load_file(weights)).items() if name in wanted})
    return net.eval()


def tokens(net: ClipEncoder, pictures: list[NDArray[np.uint8]], size: int = 8) -> NDArray[np.float16]:
    """224 px crops -> float16 [n, 196, 768]."""
    with torch.inference_mode():
        parts = [net(torch.from_numpy(crops.normalise(pictures[i : i + size])))["patch"][:, 0].half().numpy()
                 for i in range(0, len(pictures), size)]  # fmt: skip
    return np.concatenate(parts)


def parts(data: Path) -> Iterator[tuple[Path, Path]]:
    """Make what is missing, and tell where each part lies."""
    maker, net, folder = Maker(data), encoder(), cache(data) / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = maker.wanted()
    for start in range(0, len(wanted), PART):
        told, patch = folder / f"occlusion.{start}.npz", folder / f"occlusion.{start}.patch.npy"
        if not told.exists():
            made = [m for row, kind in wanted[start : start + PART] if (m := maker.make(row, kind))]
            np.save(patch, tokens(net, [m.rgb for m in made]))
            np.savez(
                told,
                names=np.array([(m.row.file, m.kind) for m in made]),
                covered=np.stack([m.covered for m in made]),
                landmarks=np.stack([m.landmarks for m in made]),
                probability=np.array([m.probability for m in made], np.float32),
            )
        yield told, patch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    torch.set_num_threads(1)
    made = list(parts(data))
    stored = [np.load(told) for told, _ in made]
    np.save(cache(data) / "occlusion.patch.npy", np.concatenate([np.load(patch) for _, patch in made]))
    np.savez(cache(data) / "occlusion.npz", **{name: np.concatenate([s[name] for s in stored]) for name in stored[0]})


if __name__ == "__main__":
    main()
