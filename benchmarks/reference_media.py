"""Edits with known masks, and the ways a suspect picture travels. All take and return uint8 RGB and a mask of what
differs; all draw from the generator they are given.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_detect.reship.visual import jpeg, resize, webp

Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Shipped = tuple[Rgb, Mask]
EDITS = ("inpaint-telea", "inpaint-ns", "splice", "copy-move")
_VISIBLE = 8.0  # mean difference in the region; another place is taken where an edit changes less


def as_jpeg(pixels: Rgb, quality: int) -> Rgb:
    """One JPEG generation."""
    return jpeg(pixels, quality)


def edit(pixels: Rgb, other: Rgb, kind: str, rng: np.random.Generator) -> Shipped:
    """One region of 2 to 15 % replaced, its border blended, at a place where that changes the picture."""
    best: tuple[float, Rgb, Mask] | None = None
    for _ in range(8):
        mask = _ellipse(pixels.shape, rng)
        result = _blend(pixels, _replacement(pixels, other, mask, kind, rng), mask)
        change = float(np.abs(result[mask].astype(np.int16) - pixels[mask]).mean())
        if best is None or change > best[0]:
            best = (change, result, mask)
        if change >= _VISIBLE:
            break
    assert best is not None
    return best[1], best[2]


def _ellipse(shape: tuple[int, ...], rng: np.random.Generator) -> Mask:
    height, width = shape[:2]
    mask = np.zeros((height, width), np.uint8)
    centre = (int(width * rng.uniform(0.3, 0.7)), int(height * rng.uniform(0.3, 0.7)))
    axes = (int(width * rng.uniform(0.08, 0.2)), int(height * rng.uniform(0.08, 0.2)))
    cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)
    return mask > 0


def _blend(pixels: Rgb, new: Rgb, mask: Mask) -> Rgb:
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2)[..., None]
    return np.asarray(np.clip(pixels * (1 - alpha) + new * alpha, 0, 255), np.uint8)


def _replacement(pixels: Rgb, other: Rgb, mask: Mask, kind: str, rng: np.random.Generator) -> Rgb:
    height, width = mask.shape
    if kind == "splice":
        return np.asarray(cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    if kind == "copy-move":
        move = (int(rng.integers(height // 5, height // 2)), int(rng.integers(width // 5, width // 2)))
        return np.roll(pixels, move, (0, 1))
    return inpaint(pixels, mask, cv2.INPAINT_TELEA if kind == "inpaint-telea" else cv2.INPAINT_NS, rng)


def inpaint(pixels: Rgb, mask: Mask, method: int, rng: np.random.Generator) -> Rgb:
    """Filled from the border at a quarter of the size, with noise like a camera's on it."""
    small = cv2.resize(pixels, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    hole = cv2.resize(mask.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    hole = cv2.dilate(hole, np.ones((3, 3), np.uint8))
    filled = cv2.resize(cv2.inpaint(small, hole, 5, method), mask.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(filled + rng.normal(0, 3, filled.shape), 0, 255), np.uint8)


def _sized(mask: Mask, like: Rgb) -> Mask:
    return np.asarray(cv2.resize(mask.astype(np.uint8), like.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)


def _clean(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    return jpeg(pixels, 92), mask


def _jpeg40(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    return jpeg(pixels, 40), mask


def _webp40(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    return webp(pixels, 40), mask


def _quarter(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    small = jpeg(resize(pixels, 0.25), 80)
    return small, _sized(mask, small)


def _crop(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    """30 % of the area, around a place of the edit."""
    height, width = mask.shape
    h, w = int(height * math.sqrt(0.3)), int(width * math.sqrt(0.3))
    ys, xs = np.nonzero(mask) if mask.any() else (np.array([height // 2]), np.array([width // 2]))
    pick = rng.integers(len(ys))
    y = int(np.clip(ys[pick] - h * rng.uniform(0.2, 0.8), 0, height - h))
    x = int(np.clip(xs[pick] - w * rng.uniform(0.2, 0.8), 0, width - w))
    return jpeg(np.ascontiguousarray(pixels[y : y + h, x : x + w]), 85), mask[y : y + h, x : x + w]


def _mirror(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    return jpeg(np.ascontiguousarray(pixels[:, ::-1]), 85), mask[:, ::-1]


def _rotate(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    height, width = mask.shape
    degrees = rng.uniform(5, 40) * rng.choice((-1, 1))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, rng.uniform(0.8, 1))
    turned = cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_CUBIC)
    return jpeg(turned, 85), cv2.warpAffine(mask.astype(np.uint8), turn, (width, height)) > 0


def _filter(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    """One of: sepia, warm and faded, strong contrast and colour, grey, vignette."""
    p, kind = pixels.astype(np.float32), int(rng.integers(5))
    grey = p @ np.array([0.299, 0.587, 0.114], np.float32)
    if kind == 0:
        p = p @ np.array([[0.393, 0.349, 0.272], [0.769, 0.686, 0.534], [0.189, 0.168, 0.131]], np.float32)
    elif kind == 1:
        p = p * (0.85, 0.8, 0.7) + (40, 30, 25)
    elif kind == 2:
        p = 128 + 1.3 * (grey[..., None] + 1.3 * (p - grey[..., None]) - 128)
    elif kind == 3:
        p = np.repeat(grey[..., None], 3, 2)
    else:
        ys, xs = np.mgrid[-1 : 1 : p.shape[0] * 1j, -1 : 1 : p.shape[1] * 1j]
        p = p * (1 - 0.3 * (xs**2 + ys**2))[..., None]
    return jpeg(np.clip(p, 0, 255).astype(np.uint8), 85), mask


def _stickers(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    """Two discs, a banner and a line of text; they differ from the original too."""
    height, width = mask.shape
    drawn, hidden = pixels.copy(), mask.astype(np.uint8)
    for _ in range(2):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        for image, colour in ((drawn, rng.integers(0, 256, 3).tolist()), (hidden, 1)):
            cv2.circle(image, centre, height // 12, colour, -1)
    y = int(rng.uniform(0.7, 0.9) * height)
    for image, colour in ((drawn, (255, 255, 255)), (hidden, 1)):
        cv2.rectangle(image, (width // 10, y), (9 * width // 10, y + height // 12), colour, -1)
    where = (width // 8, y + height // 16)
    cv2.putText(drawn, "when you see it", where, cv2.FONT_HERSHEY_DUPLEX, height / 700, (0, 0, 0), 3)
    return jpeg(drawn, 80), hidden > 0


def _screenshot(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    """On a tall phone screen, at 1080 px wide, with bars and lines of text above and below."""
    shown = cv2.resize(pixels, (1080, round(1080 * pixels.shape[0] / pixels.shape[1])), interpolation=cv2.INTER_LINEAR)
    top, bottom = 380, 620
    canvas = np.full((top + len(shown) + bottom, 1080, 3), 250, np.uint8)
    canvas[top : top + len(shown)] = shown
    cv2.rectangle(canvas, (0, 0), (1080, 90), (30, 30, 30), -1)
    for i, text in enumerate(("12:41", "somebody_91", "Liked by many others", "View all 212 comments")):
        y = (60, 200, top + len(shown) + 120, top + len(shown) + 240)[i]
        cv2.putText(canvas, text, (40, y), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (90, 90, 90), 3)
    truth = np.zeros(canvas.shape[:2], bool)
    truth[top : top + len(shown)] = _sized(mask, shown)
    return canvas, truth


def _refilm(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    """Modelled: a hand-held phone before a screen; perspective, lens, screen lines, blur, glow, noise, JPEG 70."""
    height, width = mask.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inward = rng.uniform(0.03, 0.12, (4, 2)) * ((1, 1), (-1, 1), (-1, -1), (1, -1)) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, (corners + inward).astype(np.float32))
    lines = 1 + 0.04 * np.sin(np.arange(height) * rng.uniform(1.6, 2.2))
    shown = np.clip(pixels * lines[:, None, None], 0, 255).astype(np.uint8)
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)
    lens = np.array([rng.uniform(-0.08, -0.03), 0.01, 0, 0])
    seen, truth = (
        cv2.undistort(cv2.warpPerspective(image, matrix, (width, height)), camera, lens)
        for image in (shown, mask.astype(np.uint8))
    )
    seen = cv2.GaussianBlur(seen, (0, 0), 1.0).astype(np.float32)
    seen = 255 * (np.clip(seen * 0.85 + 14, 0, 255) / 255) ** rng.uniform(0.85, 1.15)
    seen = seen + rng.normal(0, 4, seen.shape)
    return jpeg(np.clip(seen, 0, 255).astype(np.uint8), 70), truth > 0


def _part(pixels: Rgb, mask: Mask, other: Rgb, rng: np.random.Generator) -> Shipped:
    """A part, 30 % of each side, cut out and pasted into a strange picture: all the rest differs."""
    height, width = mask.shape
    scene = np.asarray(cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    h, w = int(0.3 * height), int(0.3 * width)
    y, x = _busiest(pixels, h, w)
    ty, tx = int(rng.integers(height - h)), int(rng.integers(width - w))
    scene[ty : ty + h, tx : tx + w] = pixels[y : y + h, x : x + w]
    truth = np.ones((height, width), bool)
    truth[ty : ty + h, tx : tx + w] = mask[y : y + h, x : x + w]
    return jpeg(scene, 85), truth


def _busiest(pixels: Rgb, h: int, w: int) -> tuple[int, int]:
    """Where a window of that size has most detail: nobody cuts out a piece of sky."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = cv2.boxFilter(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 3)), -1, (w, h))
    inner = detail[h // 2 : -(h // 2) - 1, w // 2 : -(w // 2) - 1]
    y, x = np.unravel_index(int(inner.argmax()), inner.shape)
    return int(y), int(x)


CONDITIONS: dict[str, Callable[[Rgb, Mask, Rgb, np.random.Generator], Shipped]] = {
    "clean": _clean, "jpeg-q40": _jpeg40, "webp-q40": _webp40, "quarter-size": _quarter, "crop-30-percent": _crop,
    "mirrored": _mirror, "rotated": _rotate, "filtered": _filter, "stickers-and-text": _stickers,
    "screenshot": _screenshot, "refilmed": _refilm, "part-in-strange-scene": _part,
}  # fmt: skip


def burst(pixels: Rgb, rng: np.random.Generator) -> tuple[Rgb, Rgb]:
    """Two shots as a burst would give them, imitated by shift, turn, exposure and noise of each one's own."""
    height, width = pixels.shape[:2]
    move = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-0.8, 0.8), 1.0)
    move[:, 2] += rng.uniform(-12, 12, 2)
    moved = cv2.warpAffine(pixels, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    shots = (pixels.astype(np.float32), moved.astype(np.float32) * rng.uniform(0.88, 1.12))
    return tuple(np.clip(s + rng.normal(0, 4, s.shape), 0, 255).astype(np.uint8) for s in shots)  # type: ignore[return-value]


BODY_CONDITIONS = ("clean", "jpeg-q40", "quarter-size", "screenshot")


def body_edit(person: Rgb, number: int) -> Shipped:
    """Clothing of scikit-image's portrait (NASA, public domain; enlarged to 1024 px) in-painted, face untouched."""
    rng = np.random.default_rng([number, 9])
    mask = np.zeros(person.shape[:2], np.uint8)
    centre = (int(rng.uniform(380, 640)), int(rng.uniform(560, 860)))
    axes = (int(rng.uniform(90, 200)), int(rng.uniform(90, 160)))
    cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)
    method = (cv2.INPAINT_TELEA, cv2.INPAINT_NS)[number % 2]
    edited = _blend(person, inpaint(person, mask > 0, method, rng), mask > 0)
    return CONDITIONS[BODY_CONDITIONS[number // 12 % 4]](edited, mask > 0, person, rng)
