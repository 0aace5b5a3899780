"""A print that was scanned, imitated by script: inks as dots, spread on grainy paper that lies a little askew."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Plane = NDArray[np.float32]
FINE = 3  # printed pixels to a scanned one
ANGLES = (15.0, 75.0, 0.0, 45.0)  # of the screens of cyan, magenta, yellow and black, in degrees


def print_scan(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Screened or dithered in four inks, then scanned: blurred, faded, tinted, turned by up to 1.5 degrees."""
    height, width = rgb.shape[:2]
    fine = cv2.resize(rgb, (width * FINE, height * FINE), interpolation=cv2.INTER_CUBIC)
    dots = _screened(_inks(fine), float(rng.uniform(5, 8))) if rng.random() < 0.5 else _dithered(_inks(fine), rng)
    spread = np.clip(cv2.GaussianBlur(dots, (0, 0), float(rng.uniform(1.0, 1.8))) * rng.uniform(1.0, 1.12), 0, 1)
    paper = _paper(fine.shape[:2], rng)[..., None] * (1 - spread[..., :3]) * (1 - 0.9 * spread[..., 3:])
    turned = cv2.getRotationMatrix2D((width * FINE / 2, height * FINE / 2), float(rng.uniform(-1.5, 1.5)), 1.02)
    laid = cv2.warpAffine(paper, turned, (width * FINE, height * FINE), borderMode=cv2.BORDER_REFLECT)
    seen = cv2.resize(cv2.GaussianBlur(laid, (0, 0), float(rng.uniform(1.0, 2.0))), (width, height),
                      interpolation=cv2.INTER_AREA)  # fmt: skip
    black, cast = rng.uniform(15, 40), rng.uniform(0.92, 1.0, 3)
    return np.clip((black + (250 - black) * seen) * cast + rng.normal(0, 1.5, seen.shape), 0, 255).astype(np.uint8)


def _inks(rgb: Rgb) -> Plane:
    """How much cyan, magenta, yellow and black: float32 [h, w, 4] in 0 to 1; half of the grey goes into black."""
    ink = 1 - rgb.astype(np.float32) / 255
    black = 0.5 * ink.min(2, keepdims=True)
    return np.concatenate([(ink - black) / np.maximum(1 - black, 1e-3), black], 2)


def _screened(inks: Plane, cell: float) -> Plane:
    """Round dots on grids `cell` printed pixels apart, each ink at an angle of its own."""
    y, x = np.mgrid[: inks.shape[0], : inks.shape[1]].astype(np.float32)
    out = np.empty_like(inks)
    for i, angle in enumerate(np.deg2rad(ANGLES)):
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        wave = (np.cos(2 * np.pi * u / cell) + np.cos(2 * np.pi * v / cell)) / 4 + 0.5
        out[..., i] = inks[..., i] > _even(wave)
    return out


def _dithered(inks: Plane, rng: np.random.Generator) -> Plane:
    """Dots where fine noise without coarse parts lies below the ink, as ink-jets place them."""
    noise = rng.random(inks.shape, np.float32)
    fine = noise - cv2.GaussianBlur(noise, (0, 0), 0.7)
    return np.stack([inks[..., i] > _even(fine[..., i]) for i in range(4)], 2).astype(np.float32)


def _even(field: Plane) -> Plane:
    """Ranks of the values, from 0 to 1, so that dots cover as much of the paper as there is ink."""
    steps = np.linspace(0, 1, 257)
    return np.interp(field, np.quantile(field[::5, ::5], steps), steps).astype(np.float32)


def _paper(shape: tuple[int, ...], rng: np.random.Generator) -> Plane:
    """Light that the bare paper gives back, around 1: fibres of several sizes."""
    grain = np.zeros(shape, np.float32)
    for size in (1.5, 4.0, 12.0):
        fibres = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), size)
        grain += fibres / fibres.std()
    return 1 + np.float32(rng.uniform(0.005, 0.015)) * grain
