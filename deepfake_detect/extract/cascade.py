"""MTCNN's cascade (Zhang et al. 2016) over the three networks in onnxruntime: a scan on a CPU needs no torch.

It takes the steps of facenet-pytorch 2.5.3, ``detect_face``, whose weights these are, quirks included (boxes that count
from one, ``Min`` overlap in the end); only its areas are averaged out of integral images, which are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..media import Pixels
from ..quiet_onnx import cpu_session

Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]

STAGES = ("pnet", "rnet", "onet")
THRESHOLDS = (0.6, 0.7, 0.7)
_FACTOR = 0.709
_CELL, _STRIDE = 12, 2  # of the first network, in pixels
_CHUNK = 256  # boxes in one pass of the later networks
_MAX_PIXELS = 2**31 // 255  # whose sum fits into the integral image


class Cascade:
    """``graphs``: the bytes of the ONNX files by stage."""

    def __init__(self, graphs: Mapping[str, bytes], min_face: int) -> None:
        # Without memory patterns: sizes differ from call to call.
        self._sessions = {stage: cpu_session(graphs[stage], enable_mem_pattern=False) for stage in STAGES}
        self._min_face = min_face

    def detect(self, images: Sequence[Pixels]) -> list[tuple[Floats, Floats]]:
        """For each of the images, which have one size: boxes with probability (k, 5), landmarks (k, 5, 2).

        Boxes are left, top, right, bottom in pixels.
        """
        areas = _Areas(images)
        boxes, owner = self._propose(areas)
        boxes, owner = self._refine(areas, boxes, owner)
        boxes, owner, points = self._place(areas, boxes, owner)
        return [(boxes[owner == i], points[owner == i]) for i in range(len(images))]

    def _run(self, stage: str, pixels: Floats) -> dict[str, Floats]:
        session = self._sessions[stage]
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, {"pixels": pixels}), strict=True))

    def _propose(self, areas: _Areas) -> tuple[Floats, Ints]:
        """The first network at every scale; candidates overlap by at most 0.7."""
        found, owners = [], []
        scale = _CELL / self._min_face
        while min(areas.height, areas.width) * scale >= _CELL:
            out = self._run("pnet", areas.scaled(int(areas.height * scale + 1), int(areas.width * scale + 1)))
            candidates, owner = _candidates(out["probability"][:, 1], out["box"], scale)
            keep = _apart(candidates, owner, 0.5)
            found.append(candidates[keep])
            owners.append(owner[keep])
            scale *= _FACTOR
        boxes, owner = np.concatenate(found), np.concatenate(owners)
        keep = _apart(boxes, owner, 0.7)
        boxes, owner = boxes[keep], owner[keep]
        sides = np.tile(boxes[:, 2:4] - boxes[:, :2], 2)
        return _square(np.column_stack([boxes[:, :4] + boxes[:, 5:9] * sides, boxes[:, 4]])), owner

    def _look(self, stage: str, areas: _Areas, boxes: Floats, owner: Ints, side: int) -> tuple[Any, ...]:
        """The boxes that lie in the picture and pass a later network, and what it says of each."""
        corners = areas.inside(boxes)
        there = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
        boxes, owner, corners = boxes[there], owner[there], corners[there]
        parts = [
            self._run(stage, areas.cut(corners[i : i + _CHUNK], owner[i : i + _CHUNK], side))
            for i in range(0, len(boxes), _CHUNK)
        ]
        if not parts:
            return boxes, owner, {}
        out = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        scores = out["probability"][:, 1]
        passed = scores > THRESHOLDS[STAGES.index(stage)]
        return (
            np.column_stack([boxes[:, :4], scores])[passed], owner[passed], {n: a[passed] for n, a in out.items()},
        )  # fmt: skip

    def _refine(self, areas: _Areas, boxes: Floats, owner: Ints) -> tuple[Floats, Ints]:
        boxes, owner, out = self._look("rnet", areas, boxes, owner, 24)
        if not len(boxes):
            return boxes, owner
        keep = _apart(boxes, owner, 0.7)
        return _square(_moved(boxes[keep], out["box"][keep])), owner[keep]

    def _place(self, areas: _Areas, boxes: Floats, owner: Ints) -> tuple[Floats, Ints, Floats]:
        boxes, owner, out = self._look("onet", areas, boxes, owner, 48)
        if not len(boxes):
            return boxes, owner, np.zeros((0, 5, 2), np.float32)
        sides = boxes[:, 2:4] - boxes[:, :2] + 1
        points = out["points"].reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None] + boxes[:, None, :2] - 1
        boxes = _moved(boxes, out["box"])
        keep = _not_within(boxes, owner, 0.7)
        return boxes[keep], owner[keep], points[keep]


class _Areas:
    """Means over rectangles of images of one size, in the range and order of axes that the networks take."""

    def __init__(self, images: Sequence[Pixels]) -> None:
        import cv2

        self.height, self.width = images[0].shape[:2]
        if self.height * self.width > _MAX_PIXELS:
            raise ValueError(f"faces are searched in at most {_MAX_PIXELS:,} pixels")
        self._sums = np.stack([cv2.integral(image) for image in images])  # int32 (n, height + 1, width + 1, 3)

    def scaled(self, height: int, width: int) -> Floats:
        """All images, shrunk."""
        top, bottom = _bins(np.zeros(1, np.int64), np.array([self.height]), height)
        left, right = _bins(np.zeros(1, np.int64), np.array([self.width]), width)
        every = np.arange(len(self._sums))
        return self._means(every, *(np.broadcast_to(a, (len(every), a.shape[1])) for a in (top, bottom, left, right)))

    def inside(self, boxes: Floats) -> Ints:
        """Left, top, right, bottom of the part of each box that lies in the picture."""
        whole = boxes[:, :4].astype(np.int64)
        low = np.maximum(whole[:, :2], 1) - 1
        return np.column_stack([low, np.minimum(whole[:, 2:], [self.width, self.height])])

    def cut(self, corners: Ints, owner: Ints, side: int) -> Floats:
        """Each box as a square of ``side`` pixels."""
        left, top, right, bottom = corners.T
        return self._means(owner, *_bins(top, bottom, side), *_bins(left, right, side))

    def _means(self, owner: Ints, top: Ints, bottom: Ints, left: Ints, right: Ints) -> Floats:
        """(k, rows) and (k, columns) -> float32 (k, 3, rows, columns)."""
        image = owner[:, None, None]

        def corner(y: Ints, x: Ints) -> NDArray[np.int32]:
            return np.asarray(self._sums[image, y[:, :, None], x[:, None, :]])

        sums = corner(bottom, right) - corner(top, right) - corner(bottom, left) + corner(top, left)
        counts = ((bottom - top)[:, :, None] * (right - left)[:, None, :])[..., None]
        means = (sums / counts).astype(np.float32)
        return np.ascontiguousarray(((means - 127.5) * np.float32(0.0078125)).transpose(0, 3, 1, 2))


def _bins(start: Ints, end: Ints, count: int) -> tuple[Ints, Ints]:
    """``count`` stretches from ``start`` to ``end`` (k,), as adaptive average pooling cuts them; (k, count) each."""
    length, i = (end - start)[:, None], np.arange(count)[None]
    return start[:, None] + i * length // count, start[:, None] - (-(i + 1) * length // count)


def _candidates(probability: Floats, shift: Floats, scale: float) -> tuple[Floats, Ints]:
    """Cells of the first network above its threshold: boxes, probability and shift (k, 9), and the image of each."""
    owner, y, x = np.nonzero(probability >= THRESHOLDS[0])
    corner = np.column_stack([x, y]).astype(np.float32) * _STRIDE
    low, high = np.floor((corner + 1) / scale), np.floor((corner + _CELL) / scale)
    return np.column_stack([low, high, probability[owner, y, x], shift[owner, :, y, x]]).astype(np.float32), owner


def _apart(boxes: Floats, owner: Ints, overlap: float) -> Ints:
    """The strongest boxes of each image, strongest first, none sharing more than ``overlap`` of the joint area."""
    import cv2

    if not len(boxes):
        return np.zeros(0, np.int64)
    rectangles = np.column_stack([boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]]).astype(np.float64)
    picked: Any = cv2.dnn.NMSBoxesBatched(rectangles.tolist(), boxes[:, 4].tolist(), owner.tolist(), 0.0, overlap)
    kept = np.asarray(picked, np.int64).reshape(-1)
    return np.asarray(kept[np.argsort(-boxes[kept, 4], kind="stable")])


def _not_within(boxes: Floats, owner: Ints, overlap: float) -> Ints:
    """As ``_apart``, but of the smaller box's area: a part of a face is no second face."""
    kept: list[int] = []
    areas = np.prod(boxes[:, 2:4] - boxes[:, :2] + 1, axis=1)
    for i in np.argsort(-boxes[:, 4], kind="stable"):
        mine = [k for k in kept if owner[k] == owner[i]]
        low, high = np.maximum(boxes[mine, :2], boxes[i, :2]), np.minimum(boxes[mine, 2:4], boxes[i, 2:4])
        shared = np.prod(np.maximum(high - low + 1, 0), axis=1)
        if not (shared > overlap * np.minimum(areas[mine], areas[i])).any():
            kept.append(int(i))
    return np.array(kept, np.int64)


def _moved(boxes: Floats, shift: Floats) -> Floats:
    """Corners moved by shares of the box's sides."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2] + 1, 2)
    return np.column_stack([boxes[:, :4] + shift * sides, boxes[:, 4]])


def _square(boxes: Floats) -> Floats:
    """Each box grown to a square around its middle."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    longest = sides.max(axis=1, keepdims=True)
    low = boxes[:, :2] + sides * 0.5 - longest * 0.5
    return np.column_stack([low, low + longest, boxes[:, 4]]).astype(np.float32)
