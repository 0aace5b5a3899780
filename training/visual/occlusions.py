"""Things in front of a face, imitated by script: a mask, dark glasses, a hand, hair, a telephone, cloth, a sticker, a
mosaic. No picture from the field, and called an imitation. Each comes with the mask of what it covers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from deepfake_detect.reship.visual import jpeg

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float32]
COLOURS = ((235, 240, 245), (150, 190, 215), (25, 25, 30), (200, 60, 70), (60, 110, 80), (240, 205, 70), (120, 80, 150))
HAIR = ((20, 16, 14), (60, 40, 28), (110, 78, 50), (190, 160, 110), (140, 140, 140))


@dataclass(frozen=True, slots=True)
class Face:
    """A crop with MTCNN's five landmarks float32 (5, 2), and a picture without a face to cut texture from.

    Places on the face are told as (across, down): the eyes' middle is (0, 0), the mouth's (0, 1).
    """

    rgb: Rgb = field(repr=False)
    landmarks: Floats = field(repr=False)
    other: Rgb = field(repr=False)

    @property
    def unit(self) -> float:
        return float(np.linalg.norm(self.landmarks[3:].mean(0) - self.landmarks[:2].mean(0)))

    def places(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """[n, 2] on the face -> [n, 2] in pixels."""
        eyes = self.landmarks[:2].mean(0)
        down = self.landmarks[3:].mean(0) - eyes
        across = np.array([down[1], -down[0]])
        return np.asarray(eyes + points[:, :1] * across + points[:, 1:] * down, np.float32)

    def filled(self, points: NDArray[np.float64]) -> Floats:
        """The polygon of these places, 0..1 (h, w), with a soft edge of about a pixel."""
        canvas = np.zeros(self.rgb.shape[:2], np.uint8)
        cv2.fillPoly(canvas, [self.places(points).round().astype(np.int32)], 255, cv2.LINE_AA)
        return _soft(canvas)

    def stroked(self, points: NDArray[np.float64], width: float) -> Floats:
        """The line through these places, ``width`` in the face's unit."""
        canvas = np.zeros(self.rgb.shape[:2], np.uint8)
        line = [self.places(points).round().astype(np.int32)]
        cv2.polylines(canvas, line, False, 255, max(1, round(width * self.unit)), cv2.LINE_AA)
        return _soft(canvas)


def _soft(canvas: Rgb) -> Floats:
    return np.asarray(cv2.GaussianBlur(canvas, (3, 3), 0), np.float32) / 255


def _round(x: float, y: float, wide: float, high: float, squareness: float = 2.0) -> NDArray[np.float64]:
    """A superellipse around (x, y): 2 an ellipse, more a rounded rectangle."""
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    return np.column_stack([x + wide * np.sign(c) * np.abs(c) ** (2 / squareness),
                            y + high * np.sign(s) * np.abs(s) ** (2 / squareness)])  # fmt: skip


def _shaded(
    colour: NDArray[np.float64], shape: tuple[int, ...], rng: np.random.Generator, spread: float = 14
) -> Floats:
    """One colour with a slope of light, broad folds and a little grain; (h, w, 3)."""
    height, width = shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * x / width + np.sin(angle) * y / height) * rng.uniform(0, 50)
    folds = cv2.resize(rng.normal(0, spread, (6, 6)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, rng.uniform(0.5, 4), (height, width))
    return np.asarray(colour + (slope + folds + grain)[..., None], np.float32)


def _some_colour(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.array(COLOURS[int(rng.integers(len(COLOURS)))], float) + rng.normal(0, 12, 3)


def _over(rgb: Rgb, layer: Floats, share: Floats) -> Rgb:
    mixed = rgb * (1 - share[..., None]) + layer * share[..., None]
    return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


def mask(face: Face, rng: np.random.Generator) -> tuple[Rgb, Floats]:
    """A surgical or cloth mask from the bridge of the nose to under the chin, with straps and pleats."""
    top, side, chin = rng.uniform(0.3, 0.5), rng.uniform(0.75, 0.95), rng.uniform(1.65, 1.9)
    outline = [[0, top - 0.08], [side * 0.6, top + 0.08], [side, top + 0.28], [side * 0.9, 1.1], [side * 0.5, chin]]
    points = np.array([*outline, [0, chin + 0.1], *[[-x, y] for x, y in reversed(outline[1:])]])
    share = face.filled(points)
    layer = _shaded(_some_colour(rng), face.rgb.shape, rng)
    for down in np.arange(top + 0.3, chin - 0.2, 0.25):
        layer -= 14 * face.stroked(np.array([[-side, down], [0, down + 0.06], [side, down]]), 0.03)[..., None]
    for sign in (-1, 1):
        strap = face.stroked(np.array([[sign * side * 0.95, top + 0.3], [sign * 1.4, 0.1]]), 0.04)
        share = np.maximum(share, strap)
    return _over(face.rgb, layer, share), share


def glasses(face: Face, rng: np.random.Generator) -> tuple[Rgb, Floats]:
    """Dark glasses."""
    share = np.zeros(face.rgb.shape[:2], np.float32)
    wide, high, square = rng.uniform(0.33, 0.45), rng.uniform(0.25, 0.36), rng.uniform(2, 4.5)
    for sign in (-1, 1):
        share = np.maximum(share, face.filled(_round(sign * 0.46, 0.05, wide, high, square)))
        share = np.maximum(share, face.stroked(np.array([[sign * 0.85, -0.05], [sign * 1.3, -0.1]]), 0.07))
    share = np.maximum(share, face.stroked(np.array([[-0.2, -0.02], [0.2, -0.02]]), 0.07))
    share *= rng.uniform(0.9, 1.0)
    layer = _shaded(np.full(3, rng.uniform(8, 45)) + rng.normal(0, 5, 3), face.rgb.shape, rng, 8)
    return _over(face.rgb, layer, share), share


def hand(face: Face, rng: np.random.Generator) -> tuple[Rgb, Floats]:
    """Four fingers and a palm in the face's own colour, from one side, over mouth, cheek or eyes."""
    x, y = (int(v) for v in face.places(np.array([[rng.choice([-0.45, 0.45]), 0.65]]))[0])
    patch = face.rgb[max(0, y - 6) : y + 7, max(0, x - 6) : x + 7]
    skin = np.median(patch.reshape(-1, 3), 0) if patch.size else np.array([180.0, 140, 120])
    skin = skin * rng.uniform(0.75, 1.1)
    layer, share = _shaded(skin, face.rgb.shape, rng, 6), np.zeros(face.rgb.shape[:2], np.float32)
    sign, middle = rng.choice([-1, 1]), rng.uniform(0.0, 1.2)
    reach, thick, fan = rng.uniform(0.5, 0.9), rng.uniform(0.24, 0.3), rng.uniform(0.7, 1.0)
    palm = face.filled(_round(sign * 1.35, middle + 0.25, 0.75, 0.75, 2.5))
    for i, length in enumerate((0.85, 1.0, 0.97, 0.75)):
        tip = [-sign * reach * length, middle + (i - 1.5) * thick * fan]
        finger = face.stroked(np.array([[sign * 1.2, middle + (i - 1.5) * thick * 0.95], tip]), thick)
        edge = cv2.morphologyEx(finger, cv2.MORPH_GRADIENT, np.ones((3, 3)))
        layer -= 35 * cv2.GaussianBlur(edge, (0, 0), max(0.6, 0.03 * face.unit))[..., None]
        share = np.maximum(share, finger)
    share = np.maximum(share, palm)
    return _over(face.rgb, layer, share), share


def hair(face: Face, rng: np.random.Generator) -> tuple[Rgb, Floats]:
    """Strands of hair that hang over half of the face, or over the eyes."""
    colour = np.array(HAIR[int(rng.integers(len(HAIR)))], float)
    out, share = face.rgb, np.zeros(face.rgb.shape[:2], np.float32)
    left = rng.uniform(-0.9, 0.0)
    width, length = rng.uniform(0.7, 1.0), rng.uniform(0.6, 2.0)
    for _ in range(int(rng.integers(60, 110))):
        x = left + width * rng.random()
        bend = rng.normal(0, 0.12, 3).cumsum()
        line = np.column_stack([x + bend, np.linspace(-1.1, length + rng.normal(0, 0.1), 3)])
        strand = face.stroked(line, rng.uniform(0.02, 0.06))
        out = _over(out, np.full(out.shape, 1, np.float32) * np.float32(colour * rng.uniform(0.6, 1.4)), strand)
        share = np.maximum(share, strand)
    return out, share


def telephone(face: Face, rng: np.random.Generator) -> tuple[Rgb, Floats]:
    """A telephone held before the face, as in a picture of a mirror."""
    x, y = rng.uniform(-0.4, 0.4), rng.uniform(0.2, 1.1)
    share = face.filled(_round(x, y, rng.uniform(0.45, 0.65), rng.uniform(0.8, 1.1), 8))
    layer = _shaded(_some_colour(rng), face.rgb.shape, rng, 6)
    for dy in (0.0, 0.25):
        lens = face.filled(_round(x - 0.22, y - 0.5 + dy, 0.09, 0.09))[..., None]
        layer = layer * (1 - lens) + 20 * lens
    return _over(face.rgb, layer, share), share


def cloth(face: Face, rng: np.random.Generator) -> tuple[Rgb, Floats]:
    """A part of another picture, with an uneven border, over the lower, upper, left or right part of the face."""
    border = np.column_stack([np.linspace(-2, 2, 9), rng.uniform(0.3, 0.75) + rng.normal(0, 0.07, 9)])
    points = np.vstack([border, [[2, 4], [-2, 4]]])
    turn = rng.choice([0, 1, 2, 3])
    if turn:
        angle, pivot = turn * np.pi / 2, np.array([0.0, 0.5])
        points = (points - pivot) @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) + pivot
        points[:, 0] *= 0.9
    share = face.filled(points)
    layer = cv2.resize(face.other, face.rgb.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    return _over(face.rgb, layer, share), share


def sticker(face: Face, rng: np.random.Generator) -> tuple[Rgb, Floats]:
    """A round drawn face over the own one, or over a part of it."""
    x, y, size = rng.uniform(-0.4, 0.4), rng.uniform(0.1, 0.9), rng.uniform(0.5, 0.95)
    share = face.filled(_round(x, y, size, size, rng.choice([2, 6])))
    layer = np.full(face.rgb.shape, 1, np.float32) * np.float32(_some_colour(rng))
    for dx in (-0.35, 0.35):
        eye = face.filled(_round(x + dx * size, y - 0.25 * size, 0.12 * size, 0.16 * size))[..., None]
        layer = layer * (1 - eye) + 25 * eye
    return _over(face.rgb, layer, share), share


def mosaic(face: Face, rng: np.random.Generator) -> tuple[Rgb, Floats]:
    """Squares of one colour, or a strong blur, over the eyes or the whole face, as pictures are made unknown."""
    whole = rng.random() < 0.5
    share = face.filled(_round(0, 0.5 if whole else 0.0, 0.95, 1.2 if whole else 0.35, 5))
    height, width = face.rgb.shape[:2]
    cells = max(2, round(0.22 * face.unit))
    if rng.random() < 0.5:
        layer = cv2.GaussianBlur(face.rgb, (0, 0), 1.2 * cells).astype(np.float32)
    else:
        small = cv2.resize(face.rgb, (width // cells, height // cells), interpolation=cv2.INTER_AREA)
        layer = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.float32)
    return _over(face.rgb, layer, share), share


MAKERS: Mapping[str, Callable[[Face, np.random.Generator], tuple[Rgb, Floats]]] = {
    "mask": mask,
    "dark glasses": glasses,
    "hand": hand,
    "hair": hair,
    "telephone": telephone,
    "cloth": cloth,
    "sticker": sticker,
    "mosaic": mosaic,
}


def occlude(face: Face, kind: str, rng: np.random.Generator) -> tuple[Rgb, Floats]:
    """One of `MAKERS`, saved as JPEG quality 90; and what it covers, 0..1 (h, w)."""
    rgb, share = MAKERS[kind](face, rng)
    return jpeg(rgb, 90), share
