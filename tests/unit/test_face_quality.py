"""The gate of faces: pose, blur, compression and covering are measured; out of the measured range it is said which."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_detect.detect.face_quality import NAMES, covered, face_quality, inner_patches, pose
from deepfake_detect.detect.quality import flat_share
from deepfake_detect.findings import Reason
from deepfake_detect.fuse import Calibration, parse_calibration, uncovered
from deepfake_detect.report.language import Language, translator
from deepfake_detect.report.messages import known, said

ROOT = Path(__file__).parents[2]
FRONTAL = np.array([[80, 100], [140, 100], [110, 135], [90, 170], [130, 170]], np.float32)


def turned(degrees: float) -> np.ndarray:
    """The landmarks of a frontal face turned in the picture's plane."""
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((FRONTAL - 120) @ matrix.T + 120).astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 20, -35, 90, 170])
def test_the_tilt_is_the_angle_and_touches_nothing_else(degrees: float) -> None:
    found = pose(turned(degrees))
    assert found["tilt"] == pytest.approx(abs(degrees), abs=0.01)
    assert (found["turn"], found["nod"]) == (pytest.approx(0, abs=1e-4), pytest.approx(0.5, abs=1e-4))


def test_a_nose_to_the_side_is_a_turn_and_one_up_a_nod() -> None:
    side, up = FRONTAL.copy(), FRONTAL.copy()
    side[2, 0] += 35
    up[2, 1] -= 21
    assert pose(side)["turn"] == pytest.approx(0.5) and pose(side)["nod"] == pytest.approx(0.5)
    assert pose(up)["nod"] == pytest.approx(0.2)
    assert all(np.isfinite(value) for value in pose(np.zeros((5, 2), np.float32)).values())


def portrait(quality: int | None = None) -> np.ndarray:
    picture = Image.open(ROOT / "deepfake_detect" / "vectors" / "portrait.jpg").convert("RGB").resize((200, 200))
    if quality:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=quality)
        picture = Image.open(stream)
    return np.asarray(picture, np.uint8)


@pytest.fixture(scope="module")
def shipped() -> Calibration:
    raw = (ROOT / "weights" / "calibration" / "face-manipulation.json").read_text(encoding="utf-8")
    return parse_calibration(raw, "face-manipulation", json.loads(raw)["weights"]["sha256"])


def test_an_ordinary_face_is_inside_and_a_ruined_one_is_not(shipped: Calibration) -> None:
    rest = {"face_px": 150.0, "covered": 0.05, "distance": 1.0, "faces": 1.0}
    fine = {**face_quality(portrait(), FRONTAL), **rest}
    assert set(fine) >= set(NAMES) and shipped.condition(fine) is not None
    blocks = {**face_quality(portrait(3), FRONTAL), **rest}
    reason, detail = uncovered(shipped, blocks)
    assert shipped.condition(blocks) is None and reason is Reason.TOO_COMPRESSED and "blockiness" in detail
    blurred = {**face_quality(np.full((200, 200, 3), 128, np.uint8), FRONTAL), **rest}
    assert uncovered(shipped, blurred)[0] is Reason.OUT_OF_DOMAIN
    assert "covered 0.9 (≤ " in uncovered(shipped, fine | {"covered": 0.9})[1]
    assert "tilt 90 (≤ " in uncovered(shipped, fine | {"tilt": 90.0})[1]
    assert uncovered(shipped, fine | {"face_px": 50.0}) == (
        Reason.TOO_SMALL, "outside of what was measured: face_px 50 (≥ 60)")  # fmt: skip


def test_what_lies_outside_is_said_in_the_language_of_the_report(shipped: Calibration) -> None:
    detail = uncovered(shipped, {"face_px": 50.0, "turn": 0.9, "nod": 0.1})[1]
    assert known(detail)
    english, french = said(detail, translator(Language.EN)), said(detail, translator(Language.FR))
    assert "size of the face in pixels 50 (≥ 60)" in english and "turn of the head to the side 0.9" in english
    assert "rotation de la tête" in french and "outside" not in french


def test_an_unknown_quantity_or_several_conditions_are_told_as_measured(shipped: Calibration) -> None:
    assert uncovered(shipped, {"face_px": 90.0})[1] == "no calibrated condition covers this sample (face_px 90)"


def test_the_inner_face_reaches_from_the_brows_to_the_chin() -> None:
    inner = inner_patches(FRONTAL)
    assert (
        inner[100 // 16, 80 // 16] and inner[190 // 16, 110 // 16] and not inner[:3].any() and not inner[:, 11:].any()
    )
    assert np.array_equal(inner_patches(FRONTAL[[1, 0, 2, 4, 3]]), inner)
    assert inner_patches(np.zeros((5, 2), np.float32)).sum() == 1


def test_only_what_lies_before_the_inner_face_counts_as_covering_it() -> None:
    inner = inner_patches(FRONTAL)
    assert covered(np.where(inner, -50, 50).astype(np.float32), FRONTAL) == pytest.approx(0, abs=1e-6)
    half = np.full((14, 14), -50, np.float32)
    half[135 // 16 :] = 50
    assert covered(half, FRONTAL) == pytest.approx(inner[135 // 16 :].sum() / inner.sum(), abs=1e-6)


def test_a_drawing_is_flat_and_a_photograph_is_not() -> None:
    page = np.full((224, 224, 3), 255, np.uint8)
    page[40:60, 30:190] = 0
    assert flat_share(page) > 0.95 and flat_share(portrait()) < 0.3
    assert flat_share(np.random.default_rng(0).integers(0, 255, (224, 224, 3), np.uint8)) < 0.01
