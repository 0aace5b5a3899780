"""Short videos made by script of a still portrait, as it is and blended frame by frame: no video from the field.

The portrait is moved, zoomed and turned smoothly before a camera with a little sensor noise. In the blended version
every frame is blended anew with the parameters of the video (outline, colours, softness, the other face), at landmarks
that jitter from frame to frame as a face finder's do: so the place and the form of the mask flicker, as those of a
swap made frame by frame do. Pixels are uint8 RGB [h, w, 3], landmarks float32 [5, 2] in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import blending
import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Points = NDArray[np.float32]
FRAMES, FPS, SIDE = 24, 12, 320
JITTER = 0.015  # of the landmarks, in distances of the eyes
KINDS = ("self", "cross")
OUTLINES = ("face", "inner")


@dataclass(frozen=True, slots=True)
class Portrait:
    """A still face and where its landmarks lie."""

    rgb: Rgb = field(repr=False)
    landmarks: Points = field(repr=False)


def filmed(still: Portrait, rng: np.random.Generator) -> list[Portrait]:
    """`FRAMES` frames of `SIDE` x `SIDE` pixels; what lies beyond the portrait is mirrored."""
    phase, swing = rng.uniform(0, 2 * np.pi, 4), rng.uniform(0.4, 1.0, 4) * (10, 8, 0.05, 4)
    noise, frames = rng.uniform(1.5, 3.0), []
    for time in np.arange(FRAMES) / FPS:
        x, y, zoom, turn = swing * np.sin(2 * np.pi * 0.4 * time + phase)
        height, width = still.rgb.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1 + zoom)
        matrix[:, 2] += (SIDE - width) / 2 + x, (SIDE - height) / 2 + y
        moved = cv2.warpAffine(
            still.rgb, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
        seen = np.clip(moved + rng.normal(0, noise, moved.shape) + 0.5, 0, 255).astype(np.uint8)
        frames.append(Portrait(seen, (still.landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)))
    return frames


def blended(frames: list[Portrait], kind: str, donor: Portrait, rng: np.random.Generator) -> list[Rgb]:
    """Each frame blended with itself (`self`) or with the donor's face (`cross`)."""
    outline, seed = str(rng.choice(OUTLINES)), int(rng.integers(2**31))
    return [_blend(_jittered(frame, rng), kind, donor, outline, np.random.default_rng(seed)) for frame in frames]


def _jittered(frame: Portrait, rng: np.random.Generator) -> Portrait:
    eyes = float(np.linalg.norm(frame.landmarks[1] - frame.landmarks[0]))
    found = frame.landmarks + rng.normal(0, JITTER * eyes, frame.landmarks.shape)
    return Portrait(frame.rgb, found.astype(np.float32))


def _blend(frame: Portrait, kind: str, donor: Portrait, outline: str, rng: np.random.Generator) -> Rgb:
    if kind == "self":
        return blending.self_blend(frame.rgb, frame.landmarks, rng, outline).pixels
    return blending.cross_blend(frame.rgb, frame.landmarks, donor.rgb, donor.landmarks, rng, outline).pixels
