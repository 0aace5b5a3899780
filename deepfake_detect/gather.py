"""One pass over an opened file: everything that the detectors will look at, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .checkpoints import WeightStore
from .deadline import Deadline
from .extract import FaceFinder, PictureBuilder, SpeechFinder, TrackBuilder, find_picture, speech_windows
from .extract.faces import BATCH, STILL_SIDE, VIDEO_SIDE
from .extract.speech import CHUNK, SPEECH_PROBABILITY
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
    Region,
    Samples,
    SamplingPlan,
    SpeechWindow,
)

MAX_HOLE = 0.25  # seconds of missing sound that windows do not span


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
    """Collects crops and tracks of the part that is looked at; holds at most one batch of full-resolution frames.

    That part is what ``region`` names, or the picture in a screenshot, or the whole.
    """

    def __init__(
        self, media: MediaFile, facts: ContainerFacts, finder: FaceFinder | None, region: Region | None
    ) -> None:
        moving = media.kind is MediaKind.VIDEO or (facts.frames or 1) > 1
        self._finder, self._region, self._moving = finder, region, moving
        self._part: Region | None = None
        self._outside = False
        self._side = VIDEO_SIDE if moving else STILL_SIDE
        self._picture = PictureBuilder(facts, moving)
        self._tracks = TrackBuilder(facts)
        self._waiting: list[Frame] = []
        self.frames = 0

    def add(self, whole: Frame) -> None:
        self.frames += 1
        frame = self._cut(whole)
        if frame is None:
            self._outside = True
            return
        self._picture.add(frame)
        if self._finder is None:
            return
        if self._waiting and self._waiting[0].pixels.shape != frame.pixels.shape:
            self._flush()
        self._waiting.append(frame)
        if len(self._waiting) == BATCH:
            self._flush()

    def _cut(self, whole: Frame) -> Frame | None:
        """The part of a frame that is looked at; None if the region named lies outside."""
        if self._region is not None:
            part = self._region.within(whole.width, whole.height)
            if part is None:
                return None
        else:
            part = None if self._moving else find_picture(whole.pixels)
        if part is None:
            return whole
        self._part = part
        pixels = whole.pixels[part.y : part.y + part.height, part.x : part.x + part.width]
        return replace(whole, pixels=np.ascontiguousarray(pixels))

    def _flush(self) -> None:
        assert self._finder is not None
        for frame, found in zip(self._waiting, self._finder.find(self._waiting, self._side), strict=True):
            self._tracks.add(frame, found)
        self._waiting.clear()

    def finish(self, samples: dict[type, tuple[Any, ...]], missing: dict[type, tuple[Reason, str]]) -> Iterator[str]:
        """Put the picture and the tracks among ``samples``; gives sentences on what was left out."""
        if self._waiting:
            self._flush()
        picture, tracks = self._picture.build(), self._tracks.build()
        if self._part is not None:
            picture, tracks = picture and _placed(picture, self._part), _faces_placed(tracks, self._part)
            yield self._looked_at(self._part)
        samples[Picture] = (picture,) if picture else ()
        samples[FaceTrack] = tracks
        if self._outside and picture is None:
            missing[Picture] = missing[FaceTrack] = (Reason.UNSUPPORTED, "the part named lies outside of the picture")
        elif self.frames and not tracks and self._finder is not None:
            missing[FaceTrack] = (Reason.NO_FACE, f"no face in {self.frames} frame{'s' * (self.frames > 1)}")
        if self._tracks.dropped:
            yield f"{self._tracks.dropped} faces beyond the first 32 persons were left out"

    def _looked_at(self, part: Region) -> str:
        place = f"{part.width} x {part.height} pixels at {part.x}, {part.y}"
        if self._region is not None:
            return f"only the part that was named was looked at: {place}"
        return f"a screenshot: only the picture found in it was looked at: {place}; --region names another part"


def _placed(picture: Picture, part: Region) -> Picture:
    crops = tuple(replace(crop, region=crop.region.moved(part.x, part.y)) for crop in picture.crops)
    return replace(picture, crops=crops, part=part)


def _faces_placed(tracks: Sequence[FaceTrack], part: Region) -> tuple[FaceTrack, ...]:
    return tuple(
        replace(track, faces=tuple(replace(f, region=f.region.moved(part.x, part.y)) for f in track.faces))
        for track in tracks
    )


def _runs(segments: Sequence[AudioSegment]) -> Iterator[tuple[float, Samples]]:
    """Stretches of sound without a hole: the start in seconds, and the samples."""
    run: list[AudioSegment] = []
    end = 0.0
    for segment in segments:
        if run and abs(segment.start - end) > MAX_HOLE:
            yield run[0].start, np.concatenate([s.samples for s in run])
            run = []
        run.append(segment)
        end = segment.start + len(segment.samples) / SAMPLE_RATE
    if run:
        yield run[0].start, np.concatenate([s.samples for s in run])


def _speech(
    segments: Sequence[AudioSegment], finder: SpeechFinder, facts: ContainerFacts
) -> tuple[tuple[SpeechWindow, ...], str]:
    """The speech windows, and a sentence on how much speech there is."""
    windows: list[SpeechWindow] = []
    seconds = 0.0
    for start, samples in _runs(segments):
        probabilities = finder.probabilities(samples)
        seconds += float((probabilities >= SPEECH_PROBABILITY).sum()) * CHUNK / SAMPLE_RATE
        windows += speech_windows(samples, start, probabilities, facts)
    return tuple(windows), f"{seconds:.1f} s of speech found; windows of 4 s with at least 2 s of it are needed"


def gather(
    opened: OpenMedia, plan: SamplingPlan, finders: Finders, deadline: Deadline, region: Region | None = None
) -> Gathered:
    """Decode once and extract. ``region``: the part of the frames to look at, in pixels of the full frame; None: the
    picture in a screenshot, or the whole. Raises ``IngestError`` and ``Expired``.
    """
    media, facts = opened.media, opened.media.facts
    assert facts is not None
    visual = _Visual(media, facts, finders.faces, region)
    segments: list[AudioSegment] = []
    for item in opened.decode(plan):
        deadline.check()
        if isinstance(item, Frame):
            visual.add(item)
        elif finders.speech is not None:
            segments.append(item)
    samples: dict[type, tuple[Any, ...]] = {ContainerFacts: (facts,), MediaFile: (media,)}
    missing: dict[type, tuple[Reason, str]] = {}
    gaps = [*opened.gaps, *visual.finish(samples, missing)]
    deadline.check()
    if finders.speech is not None and segments:
        samples[SpeechWindow], found = _speech(segments, finders.speech, facts)
        if not samples[SpeechWindow]:
            missing[SpeechWindow] = (Reason.TOO_SHORT, found)
    elif finders.speech is not None and media.kind is MediaKind.VIDEO:
        gaps.append("the video has no sound that could be tested")
    return Gathered(samples, missing, tuple(gaps))
