"""One pass over an opened file: everything that the detectors will look at, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .checkpoints import WeightStore
from .deadline import Deadline
from .extract import FaceFinder, PictureBuilder, SpeechFinder, TrackBuilder, speech_windows
from .extract.faces import BATCH, STILL_SIDE, VIDEO_SIDE
from .findings import Reason, WeightRecord
from .ingest import OpenMedia
from .media import (
    SAMPLE_RATE,
    AudioSegment,
    ContainerFacts,
    FaceTrack,
    Frame,
    MediaFile,
    MediaKind,
    Picture,
    SamplingPlan,
    SpeechWindow,
)


class Finders:
    """Face and speech finding, loaded once. Each is None when no detector needs it."""

    def __init__(self, store: WeightStore, device: str, faces: bool, speech: bool) -> None:
        self.faces = FaceFinder(store, device) if faces else None
        self.speech = SpeechFinder(store) if speech else None

    def records(self) -> tuple[WeightRecord, ...]:
        """The weights that were loaded."""
        return tuple(finder.record for finder in (self.faces, self.speech) if finder is not None)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The samples of one file by what detectors consume, and why a kind of sample is missing."""

    samples: dict[type, tuple[Any, ...]]
    missing: dict[type, tuple[Reason, str]]
    gaps: tuple[str, ...]

    @property
    def tracks(self) -> Sequence[FaceTrack]:
        """The persons found."""
        return self.samples.get(FaceTrack, ())

    @property
    def windows(self) -> Sequence[SpeechWindow]:
        """The stretches of speech found."""
        return self.samples.get(SpeechWindow, ())


class _Visual:
    """Collects crops and tracks; holds at most one batch of full-resolution frames."""

    def __init__(self, media: MediaFile, facts: ContainerFacts, finder: FaceFinder | None) -> None:
        moving = media.kind is MediaKind.VIDEO or (facts.frames or 1) > 1
        self._finder = finder
        self._side = VIDEO_SIDE if moving else STILL_SIDE
        self._picture = PictureBuilder(facts, moving)
        self._tracks = TrackBuilder(facts)
        self._waiting: list[Frame] = []
        self.frames = 0

    def add(self, frame: Frame) -> None:
        self.frames += 1
        self._picture.add(frame)
        if self._finder is None:
            return
        if self._waiting and self._waiting[0].pixels.shape != frame.pixels.shape:
            self._flush()
        self._waiting.append(frame)
        if len(self._waiting) == BATCH:
            self._flush()

    def _flush(self) -> None:
        assert self._finder is not None
        for frame, found in zip(self._waiting, self._finder.find(self._waiting, self._side), strict=True):
            self._tracks.add(frame, found)
        self._waiting.clear()

    def finish(self) -> tuple[Picture | None, tuple[FaceTrack, ...], int]:
        """The picture, the tracks, and how many faces were dropped."""
        if self._waiting:
            self._flush()
        return self._picture.build(), self._tracks.build(), self._tracks.dropped


def _windows(
    segments: Sequence[AudioSegment], finder: SpeechFinder, facts: ContainerFacts
) -> tuple[tuple[SpeechWindow, ...], float]:
    """The speech windows and the seconds of speech in all."""
    samples = np.concatenate([s.samples for s in segments])
    probabilities = finder.probabilities(samples)
    speech = float((probabilities >= 0.5).sum()) * 512 / SAMPLE_RATE
    return speech_windows(samples, segments[0].start, probabilities, facts), min(speech, len(samples) / SAMPLE_RATE)


def gather(opened: OpenMedia, plan: SamplingPlan, finders: Finders, deadline: Deadline) -> Gathered:
    """Decode once and extract. Raises ``IngestError`` and ``Expired``."""
    media = opened.media
    facts = media.facts
    assert facts is not None
    visual = _Visual(media, facts, finders.faces)
    segments: list[AudioSegment] = []
    for item in opened.decode(plan):
        deadline.check()
        if isinstance(item, Frame):
            visual.add(item)
        elif finders.speech is not None:
            segments.append(item)
    samples: dict[type, tuple[Any, ...]] = {ContainerFacts: (facts,), MediaFile: (media,)}
    missing: dict[type, tuple[Reason, str]] = {}
    gaps = list(opened.gaps)
    picture, tracks, dropped = visual.finish()
    samples[Picture] = (picture,) if picture else ()
    samples[FaceTrack] = tracks
    if visual.frames and not tracks and finders.faces is not None:
        missing[FaceTrack] = (Reason.NO_FACE, f"no face in {visual.frames} frame{'s' * (visual.frames > 1)}")
    if dropped:
        gaps.append(f"{dropped} faces beyond the first 32 persons were left out")
    deadline.check()
    if segments and finders.speech is not None:
        samples[SpeechWindow], seconds = _windows(segments, finders.speech, facts)
        if not samples[SpeechWindow]:
            missing[SpeechWindow] = (Reason.TOO_SHORT, f"{seconds:.1f} s of speech found, 2 s within 4 s are needed")
    elif media.kind is MediaKind.VIDEO:
        gaps.append("the video has no sound that could be tested")
    return Gathered(samples, missing, tuple(gaps))
