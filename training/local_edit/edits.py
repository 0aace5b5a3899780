"""Local edits with known masks on square pieces: what an editor, an app or a model does to a part of a photograph.

Every function takes the picture (uint8 RGB [h, w, 3]), another picture of the same size, a hard mask (bool [h, w]) and
a generator, and returns the edited picture and the mask of what was altered. `TRAINED` kinds teach the network,
`LEFT_OUT` kinds only measure it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "visual"))

import blending

Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Rng = np.random.Generator
Edit = Callable[[Rgb, Rgb, Mask, Rng], Rgb]


def region(side: int, rng: Rng) -> Mask:
    """A blob, polygon or brush stroke of 1.5 to 40 % of the piece."""
    while True:
        canvas = np.zeros((side, side), np.uint8)
        centre, size = rng.uniform(0.1, 0.9, 2) * side, rng.uniform(0.08, 0.36) * side
        kind = rng.random()
        if kind < 0.35:
            axes = tuple(int(v) for v in size * rng.uniform(0.5, 1.2, 2))
            cv2.ellipse(canvas, tuple(int(v) for v in centre), axes, rng.uniform(0, 180), 0, 360, 1, -1)
        elif kind < 0.8:
            angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 12))))
            radii = size * rng.uniform(0.5, 1.3, len(angles))
            points = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]
            cv2.fillPoly(canvas, [points.astype(np.int32)], 1)
        else:
            points = centre + np.cumsum(rng.normal(0, 0.12 * side, (5, 2)), 0)
            cv2.polylines(canvas, [points.astype(np.int32)], False, 1, int(rng.uniform(0.05, 0.16) * side))
        if rng.random() < 0.5:
            canvas = blending.elastic(canvas, rng, float(rng.uniform(2, 8)), 12)
        if 0.015 <= canvas.mean() <= 0.4:
            return canvas > 0


def pasted(pixels: Rgb, new: Rgb, mask: Mask, rng: Rng, softest: float = 3.0) -> Rgb:
    """``new`` inside the mask, its border hard or feathered."""
    width = float(rng.choice([0.0, rng.uniform(0.5, softest)], p=[0.35, 0.65]))
    alpha = mask.astype(np.float32)
    return blending.paste(pixels, new, cv2.GaussianBlur(alpha, (0, 0), width) if width else alpha)


def moved(pixels: Rgb, rng: Rng, low: float, high: float) -> Rgb:
    """Turned, scaled and shifted, as an editor fits a cut-out."""
    side = pixels.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(-30, 30)), float(rng.uniform(low, high)))
    matrix[:, 2] += rng.uniform(-0.3, 0.3, 2) * side
    method = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
    return cv2.warpAffine(pixels, matrix, (side, side), flags=method, borderMode=cv2.BORDER_REFLECT)


def splice(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """A part of another camera's picture, as it is or with colours brought near."""
    new = blending.match_colour(other, pixels, mask.astype(np.float32), float(rng.uniform(0, 1)))
    return pasted(pixels, new, mask, rng)


def cut_out(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """A part of another picture, resized and turned, blended by Poisson's equation or by feathering."""
    new = moved(other, rng, 0.5, 1.5)
    if rng.random() < 0.5:
        ys, xs = np.nonzero(_inner(mask))
        if len(ys) > 64:
            centre = (int(xs.min() + xs.max()) // 2, int(ys.min() + ys.max()) // 2)
            hole = np.where(_inner(mask), 255, 0).astype(np.uint8)
            return np.asarray(cv2.seamlessClone(new, pixels, hole, centre, cv2.NORMAL_CLONE), np.uint8)
    new = blending.match_colour(new, pixels, mask.astype(np.float32), float(rng.uniform(0.5, 1)))
    return pasted(pixels, new, mask, rng, 6)


def _inner(mask: Mask) -> Mask:
    inner = mask.copy()
    inner[:3] = inner[-3:] = False
    inner[:, :3] = inner[:, -3:] = False
    return inner


def cloned_turned(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """A part of the same picture, turned and scaled."""
    return pasted(pixels, moved(pixels, rng, 0.6, 1.6), mask, rng)


def telea(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """OpenCV's in-painting after Telea 2004, with or without grain."""
    return _filled(pixels, mask, rng, cv2.INPAINT_TELEA)


def _filled(pixels: Rgb, mask: Mask, rng: Rng, method: int) -> Rgb:
    hole = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    new = cv2.inpaint(pixels, hole, float(rng.integers(3, 8)), method)
    if rng.random() < 0.4:
        new = np.clip(new + rng.normal(0, rng.uniform(1, 4), new.shape), 0, 255).astype(np.uint8)
    return pasted(pixels, new, mask, rng)


def resampled(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """The region rebuilt from a smaller version, softer or sharpened again, as a low-resolution model leaves it."""
    return pasted(pixels, blending.frequency_shift(pixels, rng), mask, rng, 6)


def smoothed(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """Skin smoothing: bilateral or median, mixed in, sometimes with grain."""
    if rng.random() < 0.6:
        new = cv2.bilateralFilter(pixels, 7, float(rng.uniform(15, 60)), float(rng.uniform(2, 6)))
    else:
        new = cv2.medianBlur(pixels, int(rng.choice([3, 5, 7])))
    new = cv2.addWeighted(new, strength := float(rng.uniform(0.6, 1)), pixels, 1 - strength, 0)
    if rng.random() < 0.3:
        new = np.clip(new + rng.normal(0, rng.uniform(1, 3), new.shape), 0, 255).astype(np.uint8)
    return pasted(pixels, new, mask, rng, 8)


def warped(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """Pushed about, as a slimming tool does."""
    return pasted(pixels, blending.elastic(pixels, rng, float(rng.uniform(4, 14)), 14), mask, rng, 6)


def denoised(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """Sharpness, grain or compression of its own: a local brush."""
    draw = rng.random()
    if draw < 0.35:
        new = np.clip(pixels + rng.normal(0, rng.uniform(2, 8), pixels.shape), 0, 255).astype(np.uint8)
    elif draw < 0.7:
        new = blending.compress(np.roll(pixels, tuple(rng.integers(0, 8, 2)), (0, 1)), rng)
    else:
        new = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.6, 2)))
    return pasted(pixels, new, mask, rng)


def copied(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """Copy-move: a part of the same picture, only shifted."""
    shift = rng.integers(pixels.shape[0] // 5, pixels.shape[0] // 2, 2) * rng.choice((-1, 1), 2)
    return pasted(pixels, np.roll(pixels, tuple(int(s) for s in shift), (0, 1)), mask, rng)


def navier_stokes(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """OpenCV's in-painting after Bertalmio 2001."""
    return _filled(pixels, mask, rng, cv2.INPAINT_NS)


def patched(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """Filled from the border inwards with the best fitting pieces of the picture (greedy, after Criminisi 2004)."""
    side, half = 9, 4
    done, hole = pixels.copy(), mask.copy()
    hole[:half] = hole[-half:] = False
    hole[:, :half] = hole[:, -half:] = False
    spots = rng.integers(half, pixels.shape[0] - half, (600, 2))
    spots = spots[[not mask[y - half : y + half + 1, x - half : x + half + 1].any() for y, x in spots]]
    if len(spots) < 8:
        return copied(pixels, other, mask, rng)
    pieces = np.stack([pixels[y - half : y + half + 1, x - half : x + half + 1] for y, x in spots]).astype(np.int32)
    while hole.any():
        border = hole & (cv2.erode(hole.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
        ys, xs = np.nonzero(border if border.any() else hole)
        pick = int(rng.integers(len(ys)))
        window = np.s_[ys[pick] - half : ys[pick] + half + 1, xs[pick] - half : xs[pick] + half + 1]
        known = ~hole[window]
        cost = ((pieces - done[window].astype(np.int32)) ** 2 * known[..., None]).sum((1, 2, 3))
        best = pieces[int(cost.argmin())].astype(np.uint8)
        done[window] = np.where(known[..., None], done[window], best)
        hole[window] = False
    assert side == 2 * half + 1
    return done


def frequency_retouched(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """Body retouch by frequency separation: coarse tones smoothed, fine texture kept or lowered."""
    low = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(3, 6))).astype(np.float32)
    fine = pixels.astype(np.float32) - low
    new = cv2.GaussianBlur(low, (0, 0), float(rng.uniform(6, 12))) + fine * rng.uniform(0.2, 0.7)
    return pasted(pixels, np.clip(new, 0, 255).astype(np.uint8), mask, rng, 8)


def resynthesised(pixels: Rgb, other: Rgb, mask: Mask, rng: Rng) -> Rgb:
    """Through a linear autoencoder: overlapping patches of 8 px from few of the principal components that the patches
    of this picture have, averaged where they overlap.
    """
    side, step, parts = 8, 2, int(rng.integers(12, 49))
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (side, side, 3))[::step, ::step, 0]
    patches = windows.reshape(-1, side * side * 3).astype(np.float32)
    middle = patches.mean(0)
    _, directions = np.linalg.eigh(np.cov((patches - middle).T))
    basis = directions[:, -parts:].astype(np.float32)
    rebuilt = ((patches - middle) @ basis @ basis.T + middle).reshape(*windows.shape[:2], side, side, 3)
    total, count = np.zeros(pixels.shape, np.float32), np.zeros((*pixels.shape[:2], 1), np.float32)
    for y in range(side):
        for x in range(side):
            here = np.s_[y : y + step * rebuilt.shape[0] : step, x : x + step * rebuilt.shape[1] : step]
            total[here] += rebuilt[:, :, y, x]
            count[here] += 1
    new = np.where(count > 0, total / np.maximum(count, 1), pixels)
    return pasted(pixels, np.clip(new.round(), 0, 255).astype(np.uint8), mask, rng, 6)


TRAINED: dict[str, Edit] = {
    "splice": splice, "cut-out": cut_out, "copy-move-turned": cloned_turned, "inpaint-telea": telea,
    "resampled": resampled, "smoothed": smoothed, "warped": warped, "local-brush": denoised,
}  # fmt: skip
LEFT_OUT: dict[str, Edit] = {
    "copy-move": copied, "inpaint-ns": navier_stokes, "inpaint-patch": patched, "body-retouch": frequency_retouched,
    "resynthesised": resynthesised,
}  # fmt: skip
