"""Our cascade finds what the package finds whose weights it has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.extract import FaceFinder
from deepfake_detect.extract.cascade import STAGES, Cascade
from deepfake_detect.extract.faces import MIN_FACE, _of_package
from deepfake_detect.ingest import open_media
from deepfake_detect.media import Frame, Pixels, SamplingPlan

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    contents = WeightStore().read_all("mtcnn")
    return Cascade({stage: contents[f"mtcnn-{stage}.onnx"] for stage in STAGES}, MIN_FACE)


def frames(name: str, most: int) -> list[Pixels]:
    with open_media(SAMPLES / name) as opened:
        return [i.pixels for i in opened.decode(SamplingPlan(max_frames=most)) if isinstance(i, Frame)]


def crowd() -> Pixels:
    """The portrait several times, at several sizes, on noise."""
    import cv2

    (portrait,) = frames("portrait.jpg", 1)
    picture = np.random.default_rng(0).integers(0, 255, (700, 1200, 3), np.uint8)
    for x, side in ((0, 500), (520, 300), (840, 160), (1040, 110)):
        picture[100 : 100 + side, x : x + side] = cv2.resize(portrait[:900, :900], (side, side))
    return picture


def by_place(boxes: Sequence[Sequence[float]]) -> np.ndarray:
    return np.lexsort(np.asarray(boxes, float).reshape(-1, 5).round(1).T[:2])


def pictures() -> dict[str, list[Pixels]]:
    (portrait,) = frames("portrait.jpg", 1)
    return {
        "portrait": [portrait],
        "clip": frames("clip.mp4", 5),
        "crowd": [crowd()],
        "cut off at the border": [np.ascontiguousarray(portrait[300:, 350:])],
        "nothing": [np.zeros((200, 300, 3), np.uint8)],
        "noise": [np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)],
    }


@pytest.mark.parametrize("name", pictures())
def test_it_finds_what_the_package_finds(cascade: Cascade, name: str) -> None:
    images = pictures()[name]
    expected = _of_package("cpu")(images)
    for (boxes, points), (their_boxes, their_points) in zip(cascade.detect(images), expected, strict=True):
        assert len(boxes) == len(their_boxes)
        if len(boxes):
            mine, theirs = by_place(boxes), by_place(their_boxes)
            np.testing.assert_allclose(boxes[mine], np.asarray(their_boxes, float)[theirs], atol=0.01)
            np.testing.assert_allclose(points[mine], np.asarray(their_points, float)[theirs], atol=0.01)
    assert sum(len(boxes) for boxes, _ in expected) >= {"crowd": 3, "clip": 5, "portrait": 1}.get(name, 0)


def test_one_image_and_a_batch_give_the_same(cascade: Cascade) -> None:
    images = frames("clip.mp4", 4)
    for image, (boxes, points) in zip(images, cascade.detect(images), strict=True):
        ((alone, alone_points),) = cascade.detect([image])
        np.testing.assert_allclose(boxes, alone, atol=1e-3)
        np.testing.assert_allclose(points, alone_points, atol=1e-3)


def test_finding_faces_on_a_cpu_loads_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, numpy; from deepfake_detect.checkpoints import WeightStore\n"
        "from deepfake_detect.extract import FaceFinder; from deepfake_detect.media import Frame\n"
        "FaceFinder(WeightStore()).find([Frame(0.0, numpy.zeros((99, 99, 3), numpy.uint8))], 640)\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert FaceFinder(WeightStore()).record.id == "mtcnn"
