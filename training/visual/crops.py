"""From a stored crop to a crop with a history: the fixed conditions and random augmentation."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from imitations import imitate

from deepfake_detect.detect.visual_input import centre, fit_face, fit_native, normalise
from deepfake_detect.reship import visual as reship

__all__ = ["STORED", "centre", "condition", "fit_face", "fit_native", "normalise", "read", "seeded"]

Rgb = NDArray[np.uint8]
STORED = 256


def read(path: Path) -> Rgb:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path} is no readable picture")
    return np.ascontiguousarray(picture[..., ::-1])


def seeded(*parts: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32("|".join(parts).encode()))


def augment(rgb: Rgb, rng: np.random.Generator, mirror: bool = True) -> Rgb:
    """A random history: mirror, scale, blur or noise, one or two lossy generations with random codec and quality."""
    if rng.random() < 0.5 and mirror:
        rgb = np.ascontiguousarray(rgb[:, ::-1])
    if rng.random() < 0.6:
        rgb = reship.resize(
            rgb, float(np.exp(rng.uniform(np.log(0.38), np.log(1.25)))), smooth=bool(rng.random() < 0.6)
        )
    if rng.random() < 0.25:
        rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.4, 1.6))), np.uint8)
    elif rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(1, 6), rgb.shape)
        rgb = np.clip(rgb + noise, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 3))):
        rgb = _lossy(rgb, rng)
    return rgb


def _lossy(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    kind = rng.random()
    if kind < 0.6:
        return reship.jpeg(rgb, int(rng.integers(45, 99)), "4:4:4" if rng.random() < 0.3 else "4:2:0")
    if kind < 0.85:
        return reship.webp(rgb, int(rng.integers(45, 95)))
    return reship.h264(rgb, int(rng.integers(22, 36)))


def small_face(rgb: Rgb) -> Rgb:
    """The crop at 100 px (a face of about 74 px), JPEG quality 90."""
    return reship.jpeg(reship.resize(rgb, 100 / rgb.shape[0]), 90)


def condition(rgb: Rgb, name: str, file: str) -> Rgb:
    """`clean`, one of the five fixed degradations, `small-face`, an imitation, or `augN` (random, seeded by file)."""
    if name == "clean":
        return rgb
    if name == "small-face":
        return small_face(rgb)
    if name.startswith("imitated-"):
        return imitate(rgb, name, seeded(file, name))
    if name.startswith("aug"):
        return augment(rgb, seeded(file, name))
    return reship.CONDITIONS[name](rgb)
