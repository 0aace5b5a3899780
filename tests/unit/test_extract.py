"""Crops, tracks and speech windows, on real decoded media."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.extract import (
    NATIVE_SIDE,
    Detection,
    FaceFinder,
    PictureBuilder,
    SpeechFinder,
    TrackBuilder,
    speech_windows,
)
from deepfake_detect.extract.crops import native_crops
from deepfake_detect.extract.faces import STILL_SIDE
from deepfake_detect.extract.reservoir import EvenReservoir
from deepfake_detect.extract.tracks import cut_face, face_region
from deepfake_detect.ingest import open_media
from deepfake_detect.media import AudioSegment, ContainerFacts, Frame, SamplingPlan

SAMPLES = Path(__file__).parents[2] / "samples"
FACTS = ContainerFacts(format="test", mime="video/mp4")


def frames_of(name: str, count: int = 8) -> list[Frame]:
    with open_media(SAMPLES / name) as opened:
        return [item for item in opened.decode(SamplingPlan(max_frames=count)) if isinstance(item, Frame)]


def sound_of(name: str) -> np.ndarray:
    with open_media(SAMPLES / name) as opened:
        return np.concatenate([i.samples for i in opened.decode(SamplingPlan()) if isinstance(i, AudioSegment)])


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder(WeightStore())


@pytest.fixture(scope="module")
def portrait() -> Frame:
    return frames_of("portrait.jpg")[0]


def detection(left: float, top: float, side: float) -> Detection:
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    return Detection((left, top, left + side, top + side), 0.99, points * side + np.array([left, top], np.float32))


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 16, 17, 1000])
def test_a_reservoir_is_bounded_and_even(count: int) -> None:
    reservoir: EvenReservoir[int] = EvenReservoir(8)
    for i in range(count):
        reservoir.offer(i)
        assert len(reservoir) < 16
    kept = reservoir.items()
    assert len(kept) == min(count, 8) or (count > 8 and 4 <= len(kept) <= 8)
    assert list(kept) == sorted(set(kept))
    if count:
        assert kept[0] == 0
        assert kept[-1] >= (count - 1) / 2
    steps = np.diff(kept)
    assert len(steps) == 0 or steps.max() <= 2 * steps.min()


@pytest.mark.parametrize("size", [(1, 1), (100, 40), (224, 224), (225, 224), (3000, 20), (1920, 1080), (700, 700)])
def test_native_crops_are_pixels_of_the_frame(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    frame = Frame(1.5, rng.integers(0, 256, (size[1], size[0], 3), np.uint8))
    crops = native_crops(frame, 3)
    assert 1 <= len(crops) <= 9
    assert len({(c.region.x, c.region.y) for c in crops}) == len(crops)
    for crop in crops:
        r = crop.region
        assert r.width == r.height == min(NATIVE_SIDE, *size)
        assert np.array_equal(crop.pixels, frame.pixels[r.y : r.y + r.height, r.x : r.x + r.width])
        assert crop.time == 1.5


def test_a_long_video_gives_a_bounded_picture() -> None:
    builder = PictureBuilder(FACTS, moving=True)
    for i in range(100):
        builder.add(Frame(float(i), np.zeros((480, 640, 3), np.uint8)))
    picture = builder.build()
    assert picture is not None
    assert (picture.width, picture.height) == (640, 480)
    assert len({c.time for c in picture.crops}) <= 6
    assert PictureBuilder(FACTS, moving=True).build() is None


@pytest.mark.parametrize("box", [(10, 10, 50), (-20, -20, 60), (600, 440, 60), (0, 0, 640), (300, 100, 400)])
def test_a_face_crop_is_square_and_never_padded(box: tuple[float, float, float]) -> None:
    region = face_region(detection(*box), 640, 480)
    assert region.width == region.height <= 480
    assert region.x + region.width <= 640
    assert region.y + region.height <= 480


def test_landmarks_move_with_the_crop(portrait: Frame, finder: FaceFinder) -> None:
    ((found,),) = finder.find([portrait], 1280)
    crop = cut_face(portrait, found)
    left_eye, right_eye, nose, *_ = crop.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] < crop.pixels.shape[0]
    assert crop.face_px == pytest.approx(max(found.box[2] - found.box[0], found.box[3] - found.box[1]))


def test_a_face_alone_and_in_a_batch_is_the_same(portrait: Frame, finder: FaceFinder) -> None:
    black = Frame(0.0, np.zeros_like(portrait.pixels))
    noise = Frame(0.0, np.random.default_rng(1).integers(0, 256, portrait.pixels.shape, np.uint8))
    ((alone,),) = finder.find([portrait], 512)
    batch = finder.find([black, portrait, noise], 512)
    assert batch[0] == []
    assert np.allclose(batch[1][0].box, alone.box, atol=0.5)


def test_one_person_in_a_video_is_one_track(finder: FaceFinder) -> None:
    frames = frames_of("clip.mp4")
    builder = TrackBuilder(FACTS)
    for frame, found in zip(frames, finder.find(frames, 480), strict=True):
        builder.add(frame, found)
    (track,) = builder.build()
    assert track.subject == "person-1"
    assert track.sightings == len(frames) == 8
    times = [face.time for face in track.faces]
    assert times == sorted(times)
    assert track.span.seconds > 3


def two_people(portrait: Frame, shift: int, time: float, swap: bool = False, new_shot: bool = False) -> Frame:
    """The portrait beside its mirror image, moved by ``shift`` pixels; ``swap`` exchanges their places."""
    other = portrait.pixels[:, ::-1]
    pair = (other, portrait.pixels) if swap else (portrait.pixels, other)
    return Frame(time, np.ascontiguousarray(np.roll(np.concatenate(pair, 1), shift, 1)), new_shot)


def build(frames: Sequence[Frame], finder: FaceFinder) -> list[list[float]]:
    """For each track the horizontal places of its faces."""
    builder = TrackBuilder(FACTS)
    for frame in frames:
        builder.add(frame, finder.find([frame], 1024)[0])
    return [[face.region.x for face in track.faces] for track in builder.build()]


def test_two_people_stay_apart_while_they_move(portrait: Frame, finder: FaceFinder) -> None:
    places = build([two_people(portrait, 15 * i, float(i)) for i in range(4)], finder)
    assert len(places) == 2
    assert all(5 <= step <= 25 for track in places for step in np.diff(track))  # 15, and MTCNN's jitter


def test_people_are_found_again_after_a_cut(portrait: Frame, finder: FaceFinder) -> None:
    before, after = two_people(portrait, 0, 0.0), two_people(portrait, 0, 1.0, swap=True, new_shot=True)
    places = build([before, after], finder)
    assert len(places) == 2
    assert all(abs(track[1] - track[0]) > 200 for track in places)


def test_no_more_than_32_people_are_kept() -> None:
    builder = TrackBuilder(FACTS)
    frame = Frame(0.0, np.random.default_rng(2).integers(0, 256, (400, 4000, 3), np.uint8))
    builder.add(frame, [detection(100.0 * i, 100, 60) for i in range(40)])
    assert len(builder.build()) == 32
    assert builder.dropped == 8


def test_speech_is_found_in_speech_only() -> None:
    speech = SpeechFinder(WeightStore())
    rng = np.random.default_rng(0)
    assert (speech.probabilities(sound_of("speech.flac")) >= 0.5).mean() > 0.6
    assert (speech.probabilities(np.zeros(32_000, np.float32)) >= 0.5).mean() == 0
    assert (speech.probabilities(rng.normal(0, 0.1, 32_000).astype(np.float32)) >= 0.5).mean() < 0.05
    assert speech.probabilities(np.zeros(0, np.float32)).shape == (0,)


@pytest.mark.parametrize(
    ("seconds", "spans"),
    [
        (1.9, []),
        (2.5, [(0.0, 2.5)]),
        (4.0, [(0.0, 4.0)]),
        (9.0, [(0.0, 4.0), (4.0, 8.0), (5.0, 9.0)]),
        (12.0, [(0.0, 4.0), (4.0, 8.0), (8.0, 12.0)]),
    ],
)
def test_windows_cover_the_sound(seconds: float, spans: list[tuple[float, float]]) -> None:
    samples = np.zeros(int(seconds * 16_000), np.float32)
    windows = speech_windows(samples, 10.0, np.ones(len(samples) // 512 + 1), FACTS)
    assert [(w.span.start - 10, w.span.end - 10) for w in windows] == [pytest.approx(span) for span in spans]


def test_a_window_needs_two_seconds_of_speech() -> None:
    probabilities = np.zeros(250)  # 8 s
    probabilities[:62] = 1  # 1.98 s in the first window
    probabilities[125:188] = 1  # 2.02 s in the second
    (window,) = speech_windows(np.zeros(128_000, np.float32), 0.0, probabilities, FACTS)
    assert window.span.start == 4.0
    assert window.speech_seconds == pytest.approx(2.016)


def test_no_sound_gives_no_window() -> None:
    assert speech_windows(np.zeros(0, np.float32), 0.0, np.zeros(0), FACTS) == ()


@pytest.mark.parametrize("size", [(1, 1), (39, 400), (64, 20_000)])
def test_pictures_too_small_for_a_face(finder: FaceFinder, size: tuple[int, int]) -> None:
    frames = [Frame(0.0, np.full((*size, 3), 90, np.uint8))] * 2
    assert finder.find(frames, STILL_SIDE) == [[], []]
