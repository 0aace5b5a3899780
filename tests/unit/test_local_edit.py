"""Local edits: each classical line sees what it is named after, and pieces are cut on the picture's grid."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detect.detect.classical import METHODS, jpeg_ghosts
from deepfake_detect.detect.local_edit import GHOST_FULL, drawn_ghosts, on_grid, score_of
from deepfake_detect.media import NativeCrop, Region
from deepfake_detect.reship.visual import jpeg

Rgb = NDArray[np.uint8]
SIDE, PART = 224, np.s_[64:160, 72:168]


def scene(seed: int = 0, grain: float = 2.0) -> Rgb:
    """Soft shapes with grain."""
    rng = np.random.default_rng(seed)
    soft = cv2.resize(rng.uniform(40, 210, (14, 14, 3)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft + rng.normal(0, grain, soft.shape), 0, 255).astype(np.uint8)


def with_part(whole: Rgb, part: Rgb) -> Rgb:
    made = whole.copy()
    made[PART] = part[PART]
    return made


def noisier() -> Rgb:
    return with_part(scene(), scene(grain=6.0))


def compressed_before() -> Rgb:
    return jpeg(with_part(scene(grain=4.0), jpeg(scene(grain=4.0), 60)), 95)


def out_of_place() -> Rgb:
    shifted = np.roll(jpeg(scene(3, 4.0), 60), (3, 5), (0, 1))
    return with_part(jpeg(scene(3, 4.0), 60), shifted)


def demosaiced() -> Rgb:
    """Green interpolated on one colour of the checkerboard, but measured everywhere in the part."""
    fine = scene(5, 12.0)
    green = fine[..., 1].astype(np.float32)
    mean = cv2.filter2D(green, -1, np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32))
    odd = np.add.outer(np.arange(SIDE), np.arange(SIDE)) % 2 == 1
    camera = fine.copy()
    camera[..., 1] = np.clip(np.where(odd, mean, green), 0, 255)
    return with_part(camera, fine)


def auc(values: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """How often an altered cell has more than an unaltered one."""
    return float((values[truth][:, None] > values[~truth][None]).mean())


@pytest.mark.parametrize(
    ("method", "make"),
    [("noise-level", noisier), ("jpeg-ghosts", compressed_before), ("grid-misalignment", out_of_place),
     ("demosaicing", demosaiced)],
)  # fmt: skip
def test_a_classical_line_sees_what_it_is_named_after(method: str, make: object) -> None:
    assert callable(make)
    truth = np.zeros((SIDE // 8, SIDE // 8), bool)
    truth[8:20, 9:21] = True
    values = METHODS[method](make())
    assert values.shape == truth.shape and values.dtype == np.float32
    assert auc(values, truth) > 0.8
    assert METHODS[method](np.full((64, 80, 3), 128, np.uint8)).shape == (8, 10)


def test_ghosts_are_drawn_only_where_detail_can_hold_one() -> None:
    half = scene(3, 4.0)
    half[:, : SIDE // 2] = 128
    assert (jpeg_ghosts(half)[:, : SIDE // 16 - 1] > 0.5).any()
    assert not drawn_ghosts(half)[:, : SIDE // 16 - 1].any()
    whole = compressed_before()
    assert np.array_equal(drawn_ghosts(whole), jpeg_ghosts(whole) / GHOST_FULL)


def test_pieces_begin_on_the_grid_of_the_picture() -> None:
    whole = np.arange(400 * 300, dtype=np.uint32).astype(np.uint8).reshape(300, 400, 1).repeat(3, 2)
    region, pixels = on_grid(NativeCrop(0.0, Region(75, 38, 224, 224), whole[38:262, 75:299]))
    assert (region.x, region.y, region.width, region.height) == (80, 40, 216, 216)
    assert np.array_equal(pixels, whole[40:256, 80:296])


def test_the_score_is_that_of_the_highest_cells() -> None:
    logits = np.zeros((28, 28), np.float32)
    logits[3:7, 3:7] = 5
    assert score_of(logits) == 5
    assert score_of(np.full((8, 8), -2, np.float32)) == -2
