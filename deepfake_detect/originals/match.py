"""One suspect file against all originals of an index: candidates, registration, comparison, findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..checkpoints import WeightStore
from ..deadline import Deadline
from ..errors import DeepfakeDetectError, EvidenceChangedError, WeightsMissingError
from ..findings import Abstention, DetectorRecord, Finding, Reason
from ..fuse import Calibration, parse_calibration
from ..ingest import OpenMedia
from ..media import FaceTrack, Frame, JsonValue, MediaFile, Pixels, SamplingPlan
from .answer import Match, finding
from .capture import capture
from .compare import compare
from .features import Features, features, hashes, mirrored
from .index import PDQ_SAME, QUERY_FEATURES, Candidate, OriginalRecord, OriginalsIndex
from .register import REGISTER_FEATURES, REGISTER_SIDE, Registration, at_side, register, size_ratio
from .store import PLAN, Opener

DETECTOR = "original-match"
VERSION = "1.1.0"
CALIBRATION = "calibration/original-match.json"
MIN_CONFIRMED = 10  # matches; chosen by hand; rare pairs without shared content have more, see benchmarks/results
MAX_FRAMES = 8  # of a suspect video
MAX_CANDIDATES = 6  # originals that are registered
MAX_PICTURED = 3  # matches that get pictures
_UNNAMED = "a file supplied as original could not be compared"
LIMITS = (
    "It says that two files share content and where they differ, not which of them came first, nor who made either.",
    "That no original was found does not say that there is none, or that the file is unaltered.",
    "A difference can be harmless: a filter, a sticker, retouching, text, another crop.",
    "Changes finer than compression and resizing leave are not seen; the rim of the original is not compared.",
    "Plain surfaces without detail (sky, walls) give little to find a picture by.",
    "Two shots of one scene seconds apart are told from a copy by their grain, where compression and resizing have left"
    " enough of it; a copy that was given new grain looks the same.",
)


@dataclass(frozen=True, slots=True)
class OriginalsOptions:
    """``supplied_by``: who handed over the originals, as the person running the scan says. ``named``: whether their
    paths and pictures are told; not in a survivor's case.
    """

    supplied_by: str = ""
    named: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """One frame of the suspect, small enough to be kept: pixels at most ``REGISTER_SIDE``, ``factor`` to full size."""

    time: float
    factor: float
    pixels: Pixels = field(repr=False)
    found: Features = field(repr=False)


class Comparer:
    """Compares files with the originals of ``index``. May be shared between threads.

    ``store`` holds the calibration; without one there are no likelihood ratios.
    """

    def __init__(
        self, index: OriginalsIndex, store: WeightStore | None = None, options: OriginalsOptions | None = None
    ) -> None:
        self.index, self.options = index, options or OriginalsOptions()
        self._calibration = _calibration(store or WeightStore())

    @property
    def record(self) -> DetectorRecord:
        """What the run's record says of this comparison."""
        rates = self._calibration.error_rates() if self._calibration else {}
        return DetectorRecord(DETECTOR, VERSION, "cpu", False, "", "built-in", True, (), LIMITS, rates)

    def as_json(self) -> dict[str, JsonValue]:
        """The originals as the run's options record them: how many, who supplied them, and each hash."""
        hashes_ = tuple(sorted(record.sha256 for record in self.index.records))
        return {"count": len(hashes_), "supplied_by": self.options.supplied_by or None, "sha256": hashes_}

    def look(
        self, opened: OpenMedia, tracks: Sequence[FaceTrack], deadline: Deadline, opener: Opener, pictures: bool
    ) -> tuple[tuple[Finding, ...], tuple[Abstention, ...], tuple[str, ...]]:
        """Findings on the originals that share content, strongest first; or an abstention; and sentences on what was
        left out.

        ``tracks``: the faces of the file, so that face and body are told apart; ``opener``: how originals are opened.
        Raises ``IngestError`` for the suspect, ``Expired``.
        """
        media, named = opened.media, self.options.named
        gaps = list(self.index.problems) if named else [_UNNAMED] * bool(self.index.problems)
        same = [r.path if named else "an original" for r in self.index.records if r.sha256 == media.sha256]
        gaps += [f"{path} is the very file under examination and was not compared with itself" for path in same]
        matches: list[Match] = []
        for look, candidate in self._candidates(opened, deadline):
            deadline.check()
            record = self.index.records[candidate.original]
            if record.sha256 == media.sha256:
                continue
            try:
                match = self._match(look, candidate, record, opener)
            except DeepfakeDetectError as error:
                gaps.append(f"{record.path} could not be compared: {error.sentences()}" if named else _UNNAMED)
                continue
            matches += [match] if match is not None else []
        matches.sort(key=lambda m: (-m.registration.confirmed, m.record.path))
        findings = tuple(
            finding(DETECTOR, m, media, tracks, self._ratio(m), self.options.supplied_by, named,
                    pictures and named and rank < MAX_PICTURED)
            for rank, m in enumerate(matches)
        )  # fmt: skip
        return findings, () if findings else (self._nothing(media, len(same)),), tuple(gaps)

    def _nothing(self, media: MediaFile, same: int) -> Abstention:
        count = len(self.index.records) - same
        detail = f"none of the {count} files supplied as originals was found to share content with it"
        return Abstention(DETECTOR, "file", Reason.UNSUPPORTED, detail)

    def _ratio(self, match: Match) -> float | None:
        if match.shot.another_shot:  # neither proposition fits it
            return None
        condition = self._calibration.condition({}) if self._calibration else None
        return condition.llr(float(match.registration.confirmed)) if condition else None

    def _candidates(self, opened: OpenMedia, deadline: Deadline) -> list[tuple[Look, Candidate]]:
        """For each original worth a comparison, the frame of the suspect that supports it most."""
        best: dict[int, tuple[Look, Candidate]] = {}
        for frame in _frames(opened):
            deadline.check()
            look, found = self._search(frame)
            for candidate in found:
                before = best.get(candidate.original)
                if before is None or (before[1].support, -before[1].pdq) < (candidate.support, -candidate.pdq):
                    best[candidate.original] = (look, candidate)
        ranked = sorted(best.values(), key=lambda pair: (-pair[1].support, pair[1].pdq, pair[1].original))
        return ranked[:MAX_CANDIDATES]

    def _search(self, frame: Frame) -> tuple[Look, list[Candidate]]:
        pixels = at_side(frame.pixels)
        found = features(pixels, REGISTER_SIDE, QUERY_FEATURES)
        look = Look(frame.time, frame.width / pixels.shape[1], pixels, found)
        return look, self.index.search(found, mirrored(found), hashes(pixels), MAX_CANDIDATES)

    def _match(self, look: Look, candidate: Candidate, record: OriginalRecord, opener: Opener) -> Match | None:
        with opener(record.path) as opened:
            if opened.media.sha256 != record.sha256:
                raise EvidenceChangedError("it changed after it was indexed", "Supply it again, and keep it read-only.")
            frame = _frame_at(opened, candidate.time)
            media = opened.media
            opened.verify_unchanged()
        original = at_side(frame.pixels)
        placed = self.place(look, candidate, original, features(original, REGISTER_SIDE, REGISTER_FEATURES))
        if placed is None or placed.confirmed < MIN_CONFIRMED:
            return None
        comparison = compare(look.pixels, original, placed)
        scale = original.shape[1] / frame.width
        shot = capture(comparison, placed, scale * look.factor * size_ratio(placed))
        return Match(record, media, look.time, frame.time, look.factor, scale, placed, comparison, shot)

    @staticmethod
    def place(look: Look, candidate: Candidate, original: Pixels, theirs: Features) -> Registration | None:
        """Where the original, at most ``REGISTER_SIDE``, lies in the suspect, confirmed or not."""
        whole = candidate.turned if candidate.pdq <= PDQ_SAME else None
        return register(look.pixels, original, look.found, theirs, whole)


def _calibration(store: WeightStore) -> Calibration | None:
    try:
        return parse_calibration(store.text(CALIBRATION), DETECTOR, "")
    except WeightsMissingError:
        return None


def _frames(opened: OpenMedia) -> Iterator[Frame]:
    plan = SamplingPlan(max_frames=MAX_FRAMES, max_audio_seconds=PLAN.max_audio_seconds)
    return (item for item in opened.decode(plan) if isinstance(item, Frame))


def _frame_at(opened: OpenMedia, time: float) -> Frame:
    """The frame that the index was made from; decoding the same plan again gives the same times."""
    nearest: Frame | None = None
    for item in opened.decode(PLAN):
        if isinstance(item, Frame) and (nearest is None or abs(item.time - time) < abs(nearest.time - time)):
            nearest = item
    if nearest is None:
        raise EvidenceChangedError("it gave no picture when it was opened again", "Supply it again.")
    return nearest
