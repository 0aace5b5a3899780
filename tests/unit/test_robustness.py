"""Re-shipped samples: what is scored, what is said of it, and what of a file it may cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from deepfake_detect.deadline import Deadline, Expired
from deepfake_detect.detect import Detector, DetectorCard, Outcome, Refusal, Score
from deepfake_detect.findings import DetectorRecord, Finding, Reason
from deepfake_detect.fuse import Calibration, Condition
from deepfake_detect.gather import Gathered
from deepfake_detect.loading import LoadedDetector
from deepfake_detect.media import (
    ContainerFacts,
    FaceCrop,
    FaceTrack,
    NativeCrop,
    Picture,
    Pixels,
    Region,
    Span,
    SpeechWindow,
)
from deepfake_detect.reship.visual import CONDITIONS
from deepfake_detect.robustness import MAX_LINES, deliveries, with_deliveries

STILL = ContainerFacts("JPEG", "image/jpeg", 1280, 960)
MOVING = ContainerFacts("mov", "video/mp4", 1280, 720, seconds=9.0)


def pixels(side: int, seed: int = 0) -> Pixels:
    """Fine noise, which every re-shipping smooths."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def face(side: int, time: float = 0.0) -> FaceCrop:
    landmarks = np.full((5, 2), side / 2, np.float32)
    return FaceCrop(time, Region(0, 0, side, side), side / 1.35, 0.99, pixels(side), landmarks)


def track(*faces: FaceCrop, facts: ContainerFacts = STILL, subject: str = "person-1") -> FaceTrack:
    return FaceTrack(subject, faces, len(faces), facts)


class Roughness(Detector[Any]):
    """Scores how rough the pixels or samples are; refuses small faces and pieces."""

    def __init__(self, consumes: type) -> None:
        self._card = DetectorCard("rough", "1", "", consumes, 4, (), "", True, "", ())
        self.seen: list[Any] = []

    @property
    def card(self) -> DetectorCard:
        return self._card

    def load(self, store: Any, device: str) -> str:
        return device

    def score(self, batch: Sequence[Any]) -> list[Outcome]:
        self.seen += batch
        return [self._score(sample) for sample in batch]

    def _score(self, sample: Any) -> Outcome:
        if isinstance(sample, SpeechWindow):
            return Score(float(np.abs(np.diff(sample.samples)).mean()), {"size": 1e3})
        parts = sample.faces if isinstance(sample, FaceTrack) else sample.crops
        size = min(part.pixels.shape[0] for part in parts)
        if size < 60:
            return Refusal(Reason.TOO_SMALL)
        return Score(float(np.mean([np.abs(np.diff(p.pixels.astype(float), axis=1)).mean() for p in parts])),
                     {"size": float(size)})  # fmt: skip


def loaded(consumes: type, least: float = 0.0) -> LoadedDetector:
    condition = Condition("all", {"size": (least, None)}, ((0.0, -2.0), (100.0, 2.0)), -2.0, 2.0, {})
    calibration = Calibration("rough", "", (condition,), -0.5, 0.5, False, "")
    detector = Roughness(consumes)
    record = DetectorRecord("rough", "1", "cpu", False, "", "test", True, ())
    return LoadedDetector(detector.card, record, detector, calibration, None)


def names(found: Sequence[Any]) -> set[str]:
    return {delivery.name for delivery in found}


def test_a_face_is_shipped_as_part_of_its_picture() -> None:
    found = {d.name: d for d in deliveries(loaded(FaceTrack), track(face(300)))}
    assert found.keys() == {"as_received", "half-jpeg75", "messenger480", "screenshot"}
    received = found["as_received"].score
    assert received is not None
    assert all(
        d.score is not None and d.score < received and d.llr is not None for n, d in found.items() if n != "as_received"
    )
    moving = deliveries(loaded(FaceTrack), track(face(300), face(310, 1.0), facts=MOVING))
    assert names(moving) == {"as_received", "h264-crf32", "messenger480", "screenshot"}


def test_sizes_follow_the_pixels() -> None:
    detector = loaded(FaceTrack)
    deliveries(detector, track(face(300)))
    seen = detector.detector.seen  # type: ignore[union-attr]
    sides = [sample.faces[0].pixels.shape[0] for sample in seen]
    assert sides == [300, 150, round(300 * 480 / 1280), 240]
    assert [round(s.faces[0].face_px * 1.35) for s in seen] == pytest.approx(sides, abs=1)
    assert [float(s.faces[0].landmarks[0, 0]) * 2 for s in seen] == pytest.approx(sides, abs=1)
    deliveries(picture := loaded(Picture), Picture(1000, 800, False, (piece(224),), STILL))
    assert [s.width for s in picture.detector.seen] == [1000, 500, 1000, 799]  # type: ignore[union-attr]


def piece(side: int, seed: int = 0) -> NativeCrop:
    return NativeCrop(0.0, Region(0, 0, side, side), pixels(side, seed))


def test_few_pieces_are_scored_and_the_telling_ones() -> None:
    flat = NativeCrop(0.0, Region(0, 0, 224, 224), np.zeros((224, 224, 3), np.uint8))
    detector = loaded(Picture)
    deliveries(detector, Picture(1000, 800, False, (flat, piece(224), flat, piece(224, 1), piece(224, 2)), STILL))
    assert all(len(sample.crops) == 2 for sample in detector.detector.seen)  # type: ignore[union-attr]
    assert all(sample.crops[0].pixels.std() > 1 for sample in detector.detector.seen)  # type: ignore[union-attr]
    faces = tuple(face(side, time=i) for i, side in enumerate((90, 300, 100, 280)))
    detector = loaded(FaceTrack)
    deliveries(detector, track(*faces, facts=MOVING))
    assert [f.time for f in detector.detector.seen[0].faces] == [1, 3]  # type: ignore[union-attr]


def test_what_gives_no_answer_any_more_says_why() -> None:
    small = {d.name: d for d in deliveries(loaded(FaceTrack), track(face(100)))}
    assert (small["half-jpeg75"].score, small["half-jpeg75"].reason) == (None, Reason.TOO_SMALL)
    outside = {d.name: d for d in deliveries(loaded(FaceTrack, least=200.0), track(face(300)))}
    assert outside["half-jpeg75"].score is not None
    assert (outside["half-jpeg75"].llr, outside["half-jpeg75"].reason) == (None, Reason.OUT_OF_DOMAIN)


def test_a_voice_goes_through_fixed_channels() -> None:
    sound = (0.3 * np.random.default_rng(0).standard_normal(32_000)).clip(-1, 1).astype(np.float32)
    window = SpeechWindow(Span(0.0, 2.0), 2.0, sound, STILL)
    first, again = (deliveries(loaded(SpeechWindow), window) for _ in range(2))
    assert names(first) == {"as_received", "mp3_64k", "opus", "8khz"}
    assert first == again
    assert len({d.score for d in first}) == 4


def test_an_encoder_that_fails_costs_a_row_not_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Pixels) -> Pixels:
        raise ValueError("boom")

    monkeypatch.setitem(CONDITIONS, "screenshot", broken)
    found = {d.name: d for d in deliveries(loaded(FaceTrack), track(face(300)))}
    assert found["screenshot"].reason is Reason.FAILED
    assert found["half-jpeg75"].score is not None


def test_only_the_strongest_lines_are_tested() -> None:
    tracks = tuple(track(face(120), subject=f"person-{i}") for i in range(1, 6))
    findings = [
        Finding("rough", t.subject, 1.0, llr, None, False, span=t.span)
        for t, llr in zip(tracks, (0.1, 0.9, -1.0, 0.5, None), strict=True)
    ]
    gathered = Gathered({FaceTrack: tracks}, {}, ())
    tested = with_deliveries([loaded(FaceTrack)], gathered, findings, Deadline())
    assert [f.subject for f in tested] == [f.subject for f in findings]
    assert [f.subject for f in tested if f.deliveries] == ["person-2", "person-4"]
    assert MAX_LINES == 2
    with pytest.raises(Expired):
        with_deliveries([loaded(FaceTrack)], gathered, findings, Deadline(0.0))
