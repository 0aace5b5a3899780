"""Every detector over the samples of one file: calibrated findings, and abstentions with their reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from .deadline import Deadline
from .detect import Facts, Outcome, Refusal, Score
from .explain.images import end_at_chin, evidence_image
from .explain.spectrogram import spectrogram
from .findings import Abstention, Evidence, Finding, Subject
from .fuse import Line, uncovered
from .gather import Gathered
from .loading import LoadedDetector
from .media import FaceTrack, Span, SpeechWindow

MAX_EXPLAINED = 4  # persons whose faces get a map
Explain: TypeAlias = Callable[[], tuple[Evidence, ...]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the detectors say of one file, in a stable order. ``maps``: what draws one, by position in ``findings``."""

    findings: tuple[Finding, ...]
    abstentions: tuple[Abstention, ...]
    maps: Mapping[int, Explain]

    def explained(self, deadline: Deadline) -> tuple[Finding, ...]:
        """The findings with their maps. Raises ``Expired``."""
        findings = list(self.findings)
        for index, explain in self.maps.items():
            deadline.check()
            findings[index] = replace(findings[index], evidence=(*findings[index].evidence, *explain()))
        return tuple(findings)


def judge(detectors: Sequence[LoadedDetector], gathered: Gathered, deadline: Deadline) -> Judgement:
    """Score every sample; nothing is drawn yet. Raises ``Expired``."""
    found: list[tuple[Finding, Explain | None]] = []
    abstentions: list[Abstention] = []
    for loaded in detectors:
        kind = loaded.card.consumes
        if kind in gathered.missing:
            abstentions.append(Abstention(loaded.card.id, "file", *gathered.missing[kind]))
        for index, (sample, outcome) in enumerate(_outcomes(loaded, gathered.samples.get(kind, ()), deadline)):
            result = _result(loaded, sample, outcome)
            if isinstance(result, Abstention):
                abstentions.append(result)
            else:
                drawn = partial(loaded.explain, sample, outcome) if isinstance(outcome, Score) else None
                found.append((result, drawn if index < MAX_EXPLAINED else None))
    found.sort(key=lambda item: (item[0].detector, item[0].subject, item[0].span.start if item[0].span else 0.0))
    maps = {position: explain for position, (_, explain) in enumerate(found) if explain is not None}
    return Judgement(tuple(finding for finding, _ in found), tuple(abstentions), maps)


def _outcomes(loaded: LoadedDetector, samples: Sequence[Any], deadline: Deadline) -> Iterator[tuple[Any, Outcome]]:
    size = loaded.card.batch_size
    for start in range(0, len(samples), size):
        deadline.check()
        batch = samples[start : start + size]
        yield from zip(batch, loaded.score(batch), strict=True)


def subject_of(sample: Any) -> str:
    """Whom a sample shows or whose voice it holds; ``file`` for the whole."""
    if isinstance(sample, FaceTrack):
        return sample.subject
    return "voice" if isinstance(sample, SpeechWindow) else "file"


def sample_span(sample: Any) -> Span | None:
    """The stretch of time that a sample covers; None for the whole file."""
    return sample.span if isinstance(sample, FaceTrack | SpeechWindow) else None


def _result(loaded: LoadedDetector, sample: Any, outcome: Outcome) -> Finding | Abstention:
    detector, subject = loaded.card.id, subject_of(sample)
    if isinstance(outcome, Refusal):
        return Abstention(detector, subject, outcome.reason, outcome.detail, outcome.span or sample_span(sample))
    if isinstance(outcome, Facts):
        return Finding(detector, subject, None, None, None, False, facts=outcome.facts)
    return _scored(loaded, sample, outcome)


def _scored(loaded: LoadedDetector, sample: Any, score: Score) -> Finding | Abstention:
    """A score becomes a finding only through a calibration condition that covers its sample."""
    assert loaded.calibration is not None  # load_detector refuses content detectors without one
    subject, span = subject_of(sample), score.span or sample_span(sample)
    condition = loaded.calibration.condition(score.quantities)
    if condition is None:
        return Abstention(loaded.card.id, subject, *uncovered(loaded.calibration, score.quantities), span)
    return Finding(
        detector=loaded.card.id,
        subject=subject,
        score=score.value,
        llr=condition.llr(score.value),
        proposition=loaded.card.proposition,
        experimental=loaded.calibration.experimental,
        region=score.region,
        span=span,
        condition=condition.name,
        evidence=_timeline(score, condition.score_at(loaded.calibration.upper)),
    )


def _timeline(score: Score, threshold: float | None) -> tuple[Evidence, ...]:
    if len(score.timeline) < 2:
        return ()
    return (Evidence("timeline", score.timeline_caption, values=score.timeline, threshold=threshold),)


def lines(detectors: Sequence[LoadedDetector], findings: Sequence[Finding]) -> list[Line]:
    """The calibrated findings with the thresholds of their detectors."""
    thresholds = {d.card.id: (d.calibration.lower, d.calibration.upper) for d in detectors if d.calibration}
    return [Line(f, *thresholds[f.detector]) for f in findings if f.llr is not None]


def subjects(gathered: Gathered, pictures: bool, judged: Sequence[Line]) -> tuple[Subject, ...]:
    """The persons, with their crops, and the voice, with its spectrogram, if ``pictures``.

    ``judged``: the lines whose stretches are flagged in the spectrogram if they reach their upper threshold.
    """
    people = [Subject(t.subject, "person", t.span, _crops(t) if pictures else ()) for t in gathered.tracks]
    windows = gathered.windows
    if not windows:
        return tuple(people)
    flagged = [
        line.finding.span
        for line in judged
        if line.finding.subject == "voice" and line.finding.span and (line.finding.llr or 0.0) >= line.upper
    ]
    heard = Span(windows[0].span.start, windows[-1].span.end)
    return (*people, Subject("voice", "voice", heard, spectrogram(windows, flagged) if pictures else ()))


def _crops(track: FaceTrack) -> tuple[Evidence, ...]:
    return tuple(
        Evidence("crop", "", Span(f.time, f.time), f.region, image=evidence_image(end_at_chin(f.pixels, f.landmarks)))
        for f in track.faces
    )
