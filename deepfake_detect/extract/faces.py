"""Finding faces: MTCNN (Zhang et al. 2016) in batches on downscaled frames."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import WeightStore
from ..findings import WeightRecord
from ..media import Frame, Pixels

VIDEO_SIDE = 640
STILL_SIDE = 1280
MIN_FACE = 40
BATCH = 8
MIN_PROBABILITY = 0.92

# Images of one size -> for each, boxes with probability (k, 5) and landmarks (k, 5, 2), in pixels.
Detect: TypeAlias = Callable[[Sequence[Pixels]], list[tuple[Any, Any]]]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face in frame pixels: ``box`` float (4,) left, top, right, bottom; ``landmarks`` float32 (5, 2).

    ``probability`` 0..1.
    """

    box: tuple[float, float, float, float]
    probability: float
    landmarks: NDArray[np.float32] = field(repr=False)

    @property
    def face_px(self) -> float:
        """The longer side of the box in pixels."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


class FaceFinder:
    """MTCNN with facenet-pytorch's weights: our cascade in onnxruntime on a CPU, the package's own on an accelerator.

    Built only after its files were hashed against the manifest. Raises ``WeightsError`` if they differ.
    """

    def __init__(self, store: WeightStore, device: str = "cpu") -> None:
        contents = store.read_all("mtcnn")
        self.record: WeightRecord = store.record("mtcnn")
        self._lock = threading.Lock()
        self._detect: Detect
        if device == "cpu":
            from .cascade import STAGES, Cascade

            self._detect = Cascade({stage: contents[f"mtcnn-{stage}.onnx"] for stage in STAGES}, MIN_FACE).detect
        else:
            self._detect = _of_package(device)

    def find(self, frames: Sequence[Frame], max_side: int) -> list[list[Detection]]:
        """The faces of each frame, searched at ``max_side`` pixels; faces under 40 px of that size are not seen.

        Frames of one call have one size. Detections are in full-resolution pixels, ordered by size, largest first.
        """
        if not frames:
            return []
        small, scale = _shrink(frames, max_side)
        if min(small[0].shape[:2]) < MIN_FACE:  # MTCNN has no scale to search such a picture at, and raises
            return [[] for _ in frames]
        with self._lock:
            found = self._detect(small)
        return [_detections(boxes, landmarks, scale) for boxes, landmarks in found]


def _of_package(device: str) -> Detect:
    """facenet-pytorch's own cascade."""
    from facenet_pytorch import MTCNN

    mtcnn = MTCNN(keep_all=True, min_face_size=MIN_FACE, device=device, post_process=False)

    def detect(images: Sequence[Pixels]) -> list[tuple[Any, Any]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = zip(*mtcnn.detect(list(images), landmarks=True), strict=True)
        return [
            ((), ()) if boxes is None else (np.column_stack([boxes, probabilities]), landmarks)
            for boxes, probabilities, landmarks in found
        ]

    return detect


def _shrink(frames: Sequence[Frame], max_side: int) -> tuple[list[Pixels], float]:
    import cv2

    scale = min(1.0, max_side / max(frames[0].width, frames[0].height))
    size = (max(1, round(frames[0].width * scale)), max(1, round(frames[0].height * scale)))
    if scale == 1.0:
        return [f.pixels for f in frames], 1.0
    return [np.asarray(cv2.resize(f.pixels, size, interpolation=cv2.INTER_AREA), np.uint8) for f in frames], scale


def _detections(boxes: Any, landmarks: Any, scale: float) -> list[Detection]:
    found = [
        Detection(
            (float(box[0]) / scale, float(box[1]) / scale, float(box[2]) / scale, float(box[3]) / scale),
            float(box[4]),
            (np.asarray(points, np.float32) / np.float32(scale)),
        )
        for box, points in zip(boxes, landmarks, strict=True)
        if box[4] >= MIN_PROBABILITY
    ]
    return sorted(found, key=lambda d: -d.face_px)
