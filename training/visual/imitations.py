"""What telephones and apps do to a picture, imitated by script: no medium from the field, and called an imitation.

Night mode, portrait blur, beauty filter, sticker with text, AI upscaling, video call and scanned print. Every result is
saved as JPEG quality 90. The up-scaler is a published one whose weights are not here: see `upscaler.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from calls import video_call
from numpy.typing import NDArray
from prints import print_scan
from upscaler import upscale

from deepfake_detect.reship.visual import jpeg, resize

Rgb = NDArray[np.uint8]
TEXTS = ("WHEN YOU SEE IT", "MONDAY AGAIN", "NO COMMENT", "BEST DAY EVER", "TELL NOBODY", "SO TIRED")


def portrait_blur(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Sharp in a soft oval around the middle, blurred elsewhere."""
    sigma = rgb.shape[0] * rng.uniform(0.02, 0.05)
    return _mixed(rgb, np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma)), 1 - _oval(rgb, rng.uniform(0.36, 0.44)))


def beauty(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Skin smoothed by a bilateral filter and a little brighter, inside the oval of the face."""
    smooth = cv2.bilateralFilter(rgb, 0, rng.uniform(25, 50), rgb.shape[0] * rng.uniform(0.01, 0.025))
    brighter = np.clip(smooth.astype(np.float32) * rng.uniform(1.0, 1.08), 0, 255)
    return _mixed(rgb, brighter, rng.uniform(0.6, 0.95) * _oval(rgb, 0.40))


def sticker(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Two lines of outlined text and a round sticker near a corner."""
    out, side = rgb.copy(), rgb.shape[0]
    for y in (0.12, 0.95):
        text, size = str(rng.choice(TEXTS)), side / 300
        (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, size, 1)
        place = (max(2, (rgb.shape[1] - width) // 2), int(side * y))
        for colour, thick in (((0, 0, 0), 4), ((255, 255, 255), 1)):
            cv2.putText(out, text, place, cv2.FONT_HERSHEY_DUPLEX, size, colour, thick, cv2.LINE_AA)
    middle = [int(side * rng.choice([0.18, 0.82])), int(side * rng.choice([0.28, 0.75]))]
    cv2.circle(out, middle, int(side * 0.11), (255, 205, 40), -1, cv2.LINE_AA)
    for dx in (-0.04, 0.04):
        cv2.circle(out, [middle[0] + int(side * dx), middle[1]], int(side * 0.018), (60, 40, 0), -1, cv2.LINE_AA)
    return out


def night(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Darkened in linear light, noisy as few photons are, brightened again, denoised and sharpened."""
    light = (rgb.astype(np.float32) / 255) ** 2.2
    photons = rng.uniform(200, 800)
    noisy = rng.poisson(light * photons) / photons + rng.normal(0, 0.002, light.shape)
    picture = (255 * np.clip(noisy, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    strength = float(rng.uniform(6, 10))
    clean = cv2.fastNlMeansDenoisingColored(picture, None, strength, strength, 5, 15)
    soft = cv2.GaussianBlur(clean, (0, 0), 1.2).astype(np.float32)
    return np.asarray(np.clip(1.5 * clean - 0.5 * soft, 0, 255), np.uint8)


def ai_upscaling(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Half the size, and back by a learned up-scaler; sides of odd length lose a pixel. `rng` has no part in it."""
    return upscale(resize(rgb, 0.5))


def _oval(rgb: Rgb, width: float) -> NDArray[np.float32]:
    """1 inside an oval around the middle, 0 outside, with a soft border; (h, w, 1)."""
    height, wide = rgb.shape[:2]
    y, x = np.mgrid[0:height, 0:wide].astype(np.float32)
    radius = np.hypot((x / wide - 0.5) / width, (y / height - 0.5) / (1.2 * width))
    return np.clip((1.15 - radius) / 0.3, 0, 1)[..., None]


def _mixed(rgb: Rgb, other: NDArray[np.float32] | Rgb, share: NDArray[np.float32]) -> Rgb:
    return np.asarray(np.clip(rgb * (1 - share) + other * share + 0.5, 0, 255), np.uint8)


_MAKERS: Mapping[str, Callable[[Rgb, np.random.Generator], Rgb]] = {
    "imitated-portrait-blur": portrait_blur,
    "imitated-beauty-filter": beauty,
    "imitated-sticker": sticker,
    "imitated-night-mode": night,
    "imitated-ai-upscaling": ai_upscaling,
    "imitated-video-call": video_call,
    "imitated-print-scan": print_scan,
}
NAMES = {
    "synthetic-image": tuple(name for name in _MAKERS if name != "imitated-beauty-filter"),
    "face-manipulation": tuple(_MAKERS),
}


def imitate(rgb: Rgb, name: str, rng: np.random.Generator) -> Rgb:
    """One of `NAMES`, saved as JPEG quality 90."""
    return jpeg(_MAKERS[name](rgb, rng), 90)
