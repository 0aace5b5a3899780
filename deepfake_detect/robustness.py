"""Delivery robustness: the strongest lines of a file scored again after a few fixed re-shippings.

What a messenger, a phone line or a screenshot leaves of the media can move a score. The spread is kept with each line,
and ``fuse.decide`` gives no label that rests on a line which turns round. It works on samples that were gathered
already, so that a run can do it later, for chosen files only. Few pieces of a sample are scored: at most two faces of
a person, two native pieces of a picture, each also as it was received, so that like is compared with like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from .deadline import Deadline
from .detect import Outcome, Refusal, Score
from .findings import AS_RECEIVED, Delivery, Finding, Reason
from .gather import Gathered
from .judge import sample_span, subject_of
from .loading import LoadedDetector
from .media import FaceCrop, FaceTrack, NativeCrop, Picture, Pixels, SpeechWindow
from .reship import visual
from .reship.audio import CHANNELS

FACES = {False: ("half-jpeg75", "messenger480", "screenshot"), True: ("h264-crf32", "messenger480", "screenshot")}
# A piece of 224 px is too small to be scored after `messenger480`.
PIECES = {False: ("half-jpeg75", "webp70", "screenshot"), True: ("half-jpeg75", "h264-crf32", "screenshot")}
"""Names of re-shippings for still (False) and moving (True) pictures."""
SOUND = ("mp3_64k", "opus", "8khz")
MAX_LINES = 2  # of one detector: the strongest ones, since these can decide
MAX_PIECES = 2

Reship: TypeAlias = Callable[[Pixels], Pixels]
Ways: TypeAlias = Mapping[str, Callable[[], Any]]


def with_deliveries(
    detectors: Sequence[LoadedDetector], gathered: Gathered, findings: Sequence[Finding], deadline: Deadline
) -> tuple[Finding, ...]:
    """The findings in their order, the strongest of each detector with ``deliveries``. Raises ``Expired``."""
    delivered: dict[int, tuple[Delivery, ...]] = {}
    for loaded in detectors:
        samples = {(subject_of(s), sample_span(s)): s for s in gathered.samples.get(loaded.card.consumes, ())}
        mine = [i for i, f in enumerate(findings) if f.detector == loaded.card.id and f.llr is not None]
        for index in sorted(mine, key=lambda i: -(findings[i].llr or 0.0))[:MAX_LINES]:
            deadline.check()
            sample = samples.get((findings[index].subject, findings[index].span))
            if sample is not None:
                delivered[index] = deliveries(loaded, sample)
    return tuple(replace(f, deliveries=delivered[i]) if i in delivered else f for i, f in enumerate(findings))


def deliveries(loaded: LoadedDetector, sample: Any) -> tuple[Delivery, ...]:
    """One sample as received and after each re-shipping; empty for a kind that has none."""
    variants, failed = {}, []
    for name, way in _ways(sample).items():
        try:
            variants[name] = way()
        except Exception:  # whatever an encoder cannot take costs this line of the table, not the file
            failed.append(Delivery(name, None, None, Reason.FAILED))
    scored = zip(variants, loaded.score(list(variants.values())), strict=True)
    return (*(_delivery(loaded, name, outcome) for name, outcome in scored), *failed)


def _delivery(loaded: LoadedDetector, name: str, outcome: Outcome) -> Delivery:
    if not isinstance(outcome, Score):
        return Delivery(name, None, None, outcome.reason if isinstance(outcome, Refusal) else Reason.UNSUPPORTED)
    condition = loaded.calibration.condition(outcome.quantities) if loaded.calibration else None
    if condition is None:
        return Delivery(name, outcome.value, None, Reason.OUT_OF_DOMAIN)
    return Delivery(name, outcome.value, condition.llr(outcome.value))


def _ways(sample: Any) -> Ways:
    """How to make the sample, reduced to a few pieces, as received and after each re-shipping."""
    if isinstance(sample, FaceTrack):
        return _of_track(sample)
    if isinstance(sample, Picture):
        return _of_picture(sample)
    return _of_window(sample) if isinstance(sample, SpeechWindow) else {}


def _reship(name: str, long_side: int) -> Reship:
    """A re-shipping of a piece of a picture whose long side is ``long_side`` pixels."""
    if name == "messenger480":
        return lambda pixels: visual.messenger480(pixels, long_side)
    return visual.CONDITIONS[name]


def _of_track(track: FaceTrack) -> Ways:
    """The largest faces: small ones are lost first."""
    largest = sorted(track.faces, key=lambda face: -face.face_px)[:MAX_PIECES]
    faces = tuple(sorted(largest, key=lambda face: face.time))
    facts = track.facts
    long_side = max(facts.width or 0, facts.height or 0) or visual.ASSUMED_LONG_SIDE

    def shipped(name: str) -> FaceTrack:
        return replace(track, faces=tuple(_face(face, _reship(name, long_side)) for face in faces))

    ways: dict[str, Callable[[], Any]] = {AS_RECEIVED: lambda: replace(track, faces=faces)}
    moving = facts.seconds is not None and facts.seconds > 0
    return ways | {name: lambda name=name: shipped(name) for name in FACES[moving]}


def _face(face: FaceCrop, way: Reship) -> FaceCrop:
    pixels = way(face.pixels)
    scale = pixels.shape[0] / face.pixels.shape[0]
    return replace(face, pixels=pixels, face_px=face.face_px * scale, landmarks=face.landmarks * np.float32(scale))


def _of_picture(picture: Picture) -> Ways:
    """The most textured pieces: a flat one is not scored. The frames scaled down are left out: what a re-shipping does
    to them is not what it does to the frame.
    """
    pieces = tuple(sorted(picture.crops, key=lambda crop: -float(crop.pixels.std()))[:MAX_PIECES])
    long_side = max(picture.width, picture.height)
    ways: dict[str, Callable[[], Any]] = {AS_RECEIVED: lambda: replace(picture, crops=pieces, overviews=())}
    return ways | {
        name: lambda name=name: _picture(picture, pieces, _reship(name, long_side)) for name in PIECES[picture.moving]
    }


def _picture(picture: Picture, pieces: Sequence[NativeCrop], way: Reship) -> Picture:
    crops = tuple(replace(piece, pixels=way(piece.pixels)) for piece in pieces)
    scale = crops[0].pixels.shape[0] / pieces[0].pixels.shape[0]
    size = round(picture.width * scale), round(picture.height * scale)
    return replace(picture, width=size[0], height=size[1], crops=crops, overviews=())


def _of_window(window: SpeechWindow) -> Ways:
    """Each channel draws what it leaves open (bit rate, mode) from one fixed seed."""

    def shipped(name: str) -> SpeechWindow:
        return replace(window, samples=CHANNELS[name](window.samples, np.random.default_rng(0)))

    ways: dict[str, Callable[[], Any]] = {AS_RECEIVED: lambda: window}
    return ways | {name: lambda name=name: shipped(name) for name in SOUND}
