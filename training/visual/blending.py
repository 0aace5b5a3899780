"""Our own face blends with known masks, written from the ideas in the papers (no code of theirs).

Self-blending (Shiohara & Yamasaki 2022, arXiv 2204.08376): a face is pasted onto itself after slight changes of colour,
frequency content, geometry and compression. Cross-identity blending (the idea of Face X-ray, Li et al. 2020, arXiv
1912.13458): an aligned, colour-matched face of somebody else. Re-synthesis: the region is rebuilt from a small version,
as the output of a low-resolution generator would be. Pixels are uint8 RGB [h, w, 3], landmarks float [5, 2] (eyes,
nose, mouth corners) in pixels, masks float32 [h, w] in [0, 1]: the share of the pixel that is foreign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Mask = NDArray[np.float32]
Rng = np.random.Generator

# Outlines in the frame of a face: origin between the eyes, unit = distance of the eyes, y down to the chin.
_FACE = (
    (-1.05, -0.35),
    (-0.75, -0.75),
    (0.0, -0.9),
    (0.75, -0.75),
    (1.05, -0.35),
    (1.08, 0.45),
    (0.9, 1.1),
    (0.5, 1.62),
    (0.0, 1.8),
    (-0.5, 1.62),
    (-0.9, 1.1),
    (-1.08, 0.45),
)
_INNER = (
    (-0.95, -0.3),
    (0.0, -0.42),
    (0.95, -0.3),
    (0.85, 0.5),
    (0.62, 1.25),
    (0.0, 1.42),
    (-0.62, 1.25),
    (-0.85, 0.5),
)
_MOUTH = ((-0.6, 0.75), (0.0, 0.6), (0.6, 0.75), (0.55, 1.25), (0.0, 1.5), (-0.55, 1.25))
_EYES = ((-0.95, -0.35), (0.0, -0.3), (0.95, -0.35), (0.9, 0.3), (0.0, 0.2), (-0.9, 0.3))
_NOSE = ((-0.2, -0.2), (0.2, -0.2), (0.5, 0.75), (0.0, 0.85), (-0.5, 0.75))
OUTLINES = {"face": _FACE, "inner": _INNER, "mouth": _MOUTH, "eyes": _EYES, "nose": _NOSE}


@dataclass(frozen=True, slots=True)
class Blend:
    """A made face, what is foreign in it, and how it was made."""

    pixels: Rgb = field(repr=False)
    mask: Mask = field(repr=False)
    kind: str
    outline: str


def face_frame(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """2 x 3 matrix from the face's own frame to pixels; the mouth sets the length of the y axis."""
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    across = landmarks[1] - landmarks[0]
    down = (mouth - eyes) / 1.05
    return np.stack([across, down, eyes], 1).astype(np.float32)


def outline_mask(shape: tuple[int, int], landmarks: NDArray[np.float32], outline: str, rng: Rng) -> Mask:
    """A hard mask of a randomly deformed outline."""
    points = np.array(OUTLINES[outline], np.float32)
    points = points * rng.uniform(0.85, 1.08, 2) + rng.normal(0, 0.05, points.shape)
    matrix = face_frame(landmarks)
    pixels = points @ matrix[:, :2].T + matrix[:, 2]
    mask = np.zeros(shape, np.float32)
    hull = cv2.convexHull(pixels.astype(np.float32)).astype(np.int32)
    cv2.fillConvexPoly(mask, hull, 1.0)
    return elastic(mask, rng, float(rng.uniform(2, 6)), 16)


def soften(mask: Mask, rng: Rng) -> Mask:
    """Shrink a little and blur the edge, from almost hard to very wide."""
    width = float(np.exp(rng.uniform(np.log(1.0), np.log(14.0))))
    size = 2 * int(width) + 1
    mask = cv2.erode(mask, np.ones((size, size), np.uint8)) if rng.random() < 0.7 else mask
    return np.clip(cv2.GaussianBlur(mask, (0, 0), width), 0, 1)


def elastic(image: NDArray, rng: Rng, strength: float, smoothness: float) -> NDArray:
    """Smooth random displacement of up to about `strength` pixels."""
    height, width = image.shape[:2]
    fields = [
        cv2.GaussianBlur(rng.uniform(-1, 1, (height, width)).astype(np.float32), (0, 0), smoothness) for _ in range(2)
    ]
    dx, dy = (f / max(float(np.abs(f).max()), 1e-6) * strength for f in fields)
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    return cv2.remap(image, xs + dx, ys + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def colour_shift(rgb: Rgb, rng: Rng, strength: float = 1.0) -> Rgb:
    strength *= float(rng.uniform(0.2, 1.0))
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(-5, 5) * strength) % 180
    hsv[..., 1] *= 1 + rng.uniform(-0.25, 0.25) * strength
    hsv[..., 2] *= 1 + rng.uniform(-0.15, 0.15) * strength
    shifted = cv2.cvtColor(np.clip(hsv, 0, (179.0, 255.0, 255.0)).astype(np.uint8), cv2.COLOR_HSV2RGB)
    offset = rng.uniform(-12, 12, 3) * strength
    gain = 1 + rng.uniform(-0.1, 0.1) * strength
    return np.clip(shifted.astype(np.float32) * gain + offset, 0, 255).astype(np.uint8)


def resample(rgb: Rgb, factor: float, rng: Rng) -> Rgb:
    """Down to `factor` and back up, each with a random kernel."""
    kernels = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_LANCZOS4)
    height, width = rgb.shape[:2]
    small = cv2.resize(
        rgb, (max(8, int(width * factor)), max(8, int(height * factor))), interpolation=int(rng.choice(kernels))
    )
    return cv2.resize(small, (width, height), interpolation=int(rng.choice(kernels[:2] + kernels[3:])))


def frequency_shift(rgb: Rgb, rng: Rng) -> Rgb:
    """Softer (resampled or blurred) or sharper than it was."""
    draw = rng.random()
    if draw < 0.45:
        return resample(rgb, float(rng.uniform(0.35, 0.85)), rng)
    if draw < 0.7:
        return cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.5, 1.6)))
    blurred = cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.8, 2.0)))
    return cv2.addWeighted(rgb, 1 + (amount := float(rng.uniform(0.2, 0.9))), blurred, -amount, 0)


def compress(rgb: Rgb, rng: Rng) -> Rgb:
    """One JPEG generation, so that the region's history differs from its surroundings'."""
    ok, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 96))])
    if not ok:
        raise RuntimeError("cv2 could not encode a JPEG")
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def affine(rgb: Rgb, landmarks: NDArray[np.float32], rng: Rng) -> Rgb:
    """A slight turn, stretch and shift about the face's middle."""
    cx, cy = landmarks.mean(0)
    matrix = cv2.getRotationMatrix2D((float(cx), float(cy)), float(rng.uniform(-3, 3)), float(rng.uniform(0.96, 1.05)))
    matrix[:, 2] += rng.uniform(-0.02, 0.02, 2) * rgb.shape[0]
    return cv2.warpAffine(rgb, matrix, rgb.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def match_colour(donor: Rgb, target: Rgb, mask: Mask, strength: float) -> Rgb:
    """Move the donor's mean and spread in CIELAB inside the mask towards the target's."""
    source, aim = (cv2.cvtColor(p, cv2.COLOR_RGB2LAB).astype(np.float32) for p in (donor, target))
    inside = mask > 0.5
    if inside.sum() < 32:
        return donor
    m0, s0, m1, s1 = source[inside].mean(0), source[inside].std(0) + 1e-3, aim[inside].mean(0), aim[inside].std(0)
    matched = (source - m0) * (s1 / s0) ** strength + m0 + (m1 - m0) * strength
    return cv2.cvtColor(np.clip(matched, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)


def paste(target: Rgb, foreign: Rgb, mask: Mask) -> Rgb:
    mixed = target.astype(np.float32) * (1 - mask[..., None]) + foreign.astype(np.float32) * mask[..., None]
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _outline(rng: Rng) -> str:
    return str(rng.choice(list(OUTLINES), p=[0.45, 0.25, 0.12, 0.12, 0.06]))


def self_blend(rgb: Rgb, landmarks: NDArray[np.float32], rng: Rng, outline: str | None = None) -> Blend:
    """The face on itself; either the pasted face or the surroundings carry the changed statistics."""
    outline = outline or _outline(rng)
    mask = soften(outline_mask(rgb.shape[:2], landmarks, outline, rng), rng)
    changed = rgb
    if rng.random() < 0.8:
        changed = colour_shift(changed, rng)
    if rng.random() < 0.8:
        changed = frequency_shift(changed, rng)
    if rng.random() < 0.3:
        changed = compress(changed, rng)
    inside, outside = (changed, rgb) if rng.random() < 0.7 else (rgb, changed)
    inside = affine(inside, landmarks, rng)
    if rng.random() < 0.5:
        inside = elastic(inside, rng, float(rng.uniform(1, 4)), 12)
    mask = mask * float(rng.choice([0.5, 0.75, 1.0, 1.0, 1.0]))
    return Blend(paste(outside, inside, mask), mask, "self", outline)


def cross_blend(rgb: Rgb, landmarks: NDArray[np.float32], donor: Rgb, donor_landmarks: NDArray[np.float32], rng: Rng,
                outline: str | None = None) -> Blend:  # fmt: skip
    """Somebody else's face, aligned by landmarks, colour-matched, softened and pasted (alpha or Poisson)."""
    outline = outline or _outline(rng)
    matrix, _ = cv2.estimateAffinePartial2D(donor_landmarks, landmarks.astype(np.float32), method=cv2.LMEDS)
    if matrix is None:
        return self_blend(rgb, landmarks, rng, outline)
    foreign = cv2.warpAffine(donor, matrix, rgb.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    hard = outline_mask(rgb.shape[:2], landmarks, outline, rng)
    foreign = match_colour(foreign, rgb, hard, float(rng.uniform(0.6, 1.0)))
    if rng.random() < 0.6:
        foreign = resample(foreign, float(rng.uniform(0.4, 0.9)), rng)
    if rng.random() < 0.3:
        foreign = compress(foreign, rng)
    mask = soften(hard, rng)
    return Blend(paste(rgb, foreign, mask), mask, "cross", outline)


def resynthesise(rgb: Rgb, landmarks: NDArray[np.float32], rng: Rng, outline: str | None = None) -> Blend:
    """The region rebuilt from a small, denoised version and sharpened again: a low-resolution generator's look."""
    outline = outline or _outline(rng)
    rebuilt = resample(rgb, float(rng.uniform(0.25, 0.6)), rng)
    rebuilt = cv2.bilateralFilter(rebuilt, 5, float(rng.uniform(10, 40)), float(rng.uniform(2, 5)))
    amount = float(rng.uniform(0.3, 1.2))
    rebuilt = cv2.addWeighted(rebuilt, 1 + amount, cv2.GaussianBlur(rebuilt, (0, 0), 1.2), -amount, 0)
    return _moved_in(rgb, rebuilt, landmarks, rng, 0.6, "resynthesis", outline)


def _moved_in(rgb: Rgb, rebuilt: Rgb, landmarks: NDArray[np.float32], rng: Rng, moved: float, kind: str,
              outline: str) -> Blend:  # fmt: skip
    """The region of `rebuilt` pasted on its original, half of the time shifted in colour, `moved` of the time bent."""
    if rng.random() < 0.5:
        rebuilt = colour_shift(rebuilt, rng, 0.4)
    if rng.random() < moved:
        rebuilt = elastic(rebuilt, rng, float(rng.uniform(1, 4)), 14)
    mask = soften(outline_mask(rgb.shape[:2], landmarks, outline, rng), rng)
    return Blend(paste(rgb, rebuilt, mask), mask, kind, outline)


def rebuilt_cross(rgb: Rgb, landmarks: NDArray[np.float32], donor: Rgb, donor_landmarks: NDArray[np.float32], rng: Rng,
                  rebuild: Callable[[Rgb], Rgb]) -> Blend:  # fmt: skip
    """Somebody else's face out of an auto-encoder, as face-swapping programs paste it."""
    return replace(cross_blend(rgb, landmarks, rebuild(donor), donor_landmarks, rng), kind="cross-autoencoder")


def rebuilt_blend(rgb: Rgb, landmarks: NDArray[np.float32], rng: Rng, rebuild: Callable[[Rgb], Rgb],
                  outline: str | None = None) -> Blend:  # fmt: skip
    """The region as an auto-encoder gives it back, sometimes moved a little and shifted in colour."""
    outline = outline or _outline(rng)
    return _moved_in(rgb, rebuild(rgb), landmarks, rng, 0.5, "autoencoder", outline)


def grid_mask(mask: Mask, grid: int = 14) -> Mask:
    """The share of each patch that is foreign: float32 [grid, grid]."""
    return cv2.resize(mask, (grid, grid), interpolation=cv2.INTER_AREA)
