"""Linking faces of sampled frames into one track per person, and cutting their crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ..media import ContainerFacts, FaceCrop, FaceTrack, Frame, Region
from .faces import Detection
from .reservoir import EvenReservoir

MARGIN = 1.35
CROPS_PER_TRACK = 8
MAX_TRACKS = 32
MAX_STEP = 1.5  # face widths that a face may move between sampled frames of one shot
MIN_LIKENESS = 0.55  # correlation of aligned thumbnails that links a face across shots
THUMBNAIL = 24

# Where the five landmarks stand in a 24 x 24 thumbnail (the usual 112-pixel ArcFace template, scaled).
_TEMPLATE = np.array([[8.2, 11.1], [15.8, 11.0], [12.0, 15.4], [8.9, 19.8], [15.2, 19.7]], np.float32)


def face_region(detection: Detection, width: int, height: int, margin: float = MARGIN) -> Region:
    """A square of ``margin`` times the face's longer side, moved and, if need be, shrunk to stay inside the frame.

    No padding.
    """
    left, top, right, bottom = detection.box
    side = max(1, min(round(detection.face_px * margin), width, height))
    x = min(max(round((left + right) / 2 - side / 2), 0), width - side)
    y = min(max(round((top + bottom) / 2 - side / 2), 0), height - side)
    return Region(x, y, side, side)


def cut_face(frame: Frame, detection: Detection) -> FaceCrop:
    """The face's square crop at full resolution, with landmarks moved into it."""
    region = face_region(detection, frame.width, frame.height)
    pixels = frame.pixels[region.y : region.y + region.height, region.x : region.x + region.width]
    landmarks = detection.landmarks - np.array([region.x, region.y], np.float32)
    return FaceCrop(
        frame.time, region, detection.face_px, detection.probability, np.ascontiguousarray(pixels), landmarks
    )


def _thumbnail(crop: FaceCrop) -> NDArray[np.float32]:
    """An aligned grey thumbnail (24, 24) with zero mean and unit norm, for telling people apart within one file."""
    import cv2

    grey = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY)
    matrix, _ = cv2.estimateAffinePartial2D(crop.landmarks, _TEMPLATE, method=cv2.LMEDS)
    if matrix is None:
        return np.zeros((THUMBNAIL, THUMBNAIL), np.float32)
    small = cv2.warpAffine(grey, matrix, (THUMBNAIL, THUMBNAIL), flags=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), np.float32)


@dataclass(slots=True)
class _Track:
    crops: EvenReservoir[FaceCrop]
    last: FaceCrop
    thumbnail: NDArray[np.float32]
    shot: int


class TrackBuilder:
    """Fed with the detections of each sampled frame in order of time; gives one track per person, most seen first.

    Within a shot faces are linked by place (at most 1.5 face widths a step), across shots by the likeness of aligned
    thumbnails: a person whose pose changes at a cut can therefore end as two tracks. At most 32 tracks are kept.
    """

    def __init__(self, facts: ContainerFacts) -> None:
        self._facts = facts
        self._tracks: list[_Track] = []
        self._shot = 0
        self.dropped = 0

    def add(self, frame: Frame, detections: Sequence[Detection]) -> None:
        """Link the faces of one frame."""
        self._shot += frame.new_shot
        crops = [cut_face(frame, d) for d in detections]
        thumbnails = [_thumbnail(c) for c in crops]
        linked = self._link(crops, thumbnails)
        for i, (crop, thumbnail) in enumerate(zip(crops, thumbnails, strict=True)):
            if i in linked:
                track = self._tracks[linked[i]]
                track.last, track.thumbnail, track.shot = crop, thumbnail, self._shot
            elif len(self._tracks) < MAX_TRACKS:
                track = _Track(EvenReservoir(CROPS_PER_TRACK), crop, thumbnail, self._shot)
                self._tracks.append(track)
            else:
                self.dropped += 1
                continue
            track.crops.offer(crop)

    def _link(self, crops: Sequence[FaceCrop], thumbnails: Sequence[NDArray[np.float32]]) -> dict[int, int]:
        if not crops or not self._tracks:
            return {}
        cost = np.array(
            [[self._cost(c, t, track) for track in self._tracks] for c, t in zip(crops, thumbnails, strict=True)]
        )
        rows, columns = linear_sum_assignment(np.minimum(cost, 1e6))
        return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if np.isfinite(cost[r, c])}

    def _cost(self, crop: FaceCrop, thumbnail: NDArray[np.float32], track: _Track) -> float:
        likeness = float((thumbnail * track.thumbnail).sum())
        if track.shot == self._shot:
            step = np.hypot(*(np.array(_centre(crop)) - _centre(track.last))) / max(crop.face_px, track.last.face_px)
            ratio = max(crop.face_px, track.last.face_px) / min(crop.face_px, track.last.face_px)
            if step <= MAX_STEP and ratio <= 2:
                return float(step) - likeness
        return 4 - likeness if likeness >= MIN_LIKENESS else float("inf")

    def build(self) -> tuple[FaceTrack, ...]:
        """The tracks, most often seen first (ties: first seen first)."""
        ranked = sorted(self._tracks, key=lambda t: -t.crops.offered)
        return tuple(
            FaceTrack(f"person-{i + 1}", t.crops.items(), t.crops.offered, self._facts) for i, t in enumerate(ranked)
        )


def _centre(crop: FaceCrop) -> tuple[float, float]:
    return crop.region.x + crop.region.width / 2, crop.region.y + crop.region.height / 2
