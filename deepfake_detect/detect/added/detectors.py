"""One detector for each kind of sample that added weights can look at."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from ...checkpoints import BROKEN, WeightStore
from ...errors import WeightsError
from ...findings import Label, Proposition, Reason
from ...media import FaceTrack, Picture, SpeechWindow
from ..base import Detector, DetectorCard, Outcome, Refusal, S, Score
from ..quality import detail
from ..sound_quality import dynamics_db, high_band_db
from .predictors import Predictor, build_predictor
from .spec import AddedSpec, parse_spec

BATCH = 4
SMALLEST = 1e-7  # of a probability, before its logarithm
FOREIGN = "added by its user: its error rates come from files that the user chose, and nobody else measured it here"
NUDE = "not measured on nude or nudified bodies"
MADE = Proposition(
    synthetic="the file was made or changed by a machine, as the synthetic files it was calibrated on",
    genuine="the file was recorded, as the real files it was calibrated on",
    label=Label.SYNTHETIC,
)
CHANGED = Proposition(
    synthetic="the face was made or changed by a machine, as in the synthetic files it was calibrated on",
    genuine="the face was recorded, as in the real files it was calibrated on",
    label=Label.MANIPULATED,
)


class Added(Detector[S], Generic[S]):
    """A classifier around foreign weights; its card is that of its ``spec``."""

    consumes: type
    proposition = MADE
    limits: tuple[str, ...] = ()

    def __init__(self, spec: AddedSpec) -> None:
        self._spec = spec
        self._card = DetectorCard(
            id=spec.id,
            version=spec.version,
            title=spec.title or spec.id,
            consumes=self.consumes,
            batch_size=BATCH,
            weights=(spec.id,),
            licence=spec.licence,
            commercial_use=spec.commercial_use,
            paper=spec.paper,
            limits=(FOREIGN, *self.limits, *spec.limits),
            proposition=self.proposition,
        )

    @property
    def card(self) -> DetectorCard:
        """What the card that was added says, with the limits of what the network is shown here."""
        return self._card

    def load(self, store: WeightStore, device: str) -> str:
        entry = store.entry(self._spec.id)
        if entry.spec != self._spec.as_json():
            raise WeightsError(f"weights {entry.id} were changed while they were loaded", "Try again.")
        self._predictor: Predictor
        self._predictor, used = build_predictor(self._spec, store.read_all(entry.id), device)
        return used

    def score(self, batch: Sequence[S]) -> list[Outcome]:
        return [self._score(sample) for sample in batch]

    @abstractmethod
    def _score(self, sample: S) -> Outcome:
        """One outcome."""

    def _scores(self, items: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
        return log_odds(self._predictor(items), self._spec)


class AddedPicture(Added[Picture]):
    """Whole frames, scaled down; the mean over the frames of a video."""

    consumes = Picture
    limits = ("sees the whole picture scaled down to at most 512 pixels", NUDE)

    def _score(self, sample: Picture) -> Outcome:
        if not sample.overviews:
            return Refusal(Reason.UNSUPPORTED, "the whole picture is not at hand, only pieces of it")
        frames = [frame.pixels for frame in sample.overviews]
        scores = self._scores(frames)
        times = [frame.time for frame in sample.overviews]
        return _picture_score(sample, scores, frames, times)


class AddedPieces(Added[Picture]):
    """Square pieces at native resolution; the mean over the pieces."""

    consumes = Picture
    limits = ("sees square pieces at native resolution, not the whole picture", NUDE)

    def _score(self, sample: Picture) -> Outcome:
        pieces = [crop.pixels for crop in sample.crops]
        scores = self._scores(pieces)
        return _picture_score(sample, scores, pieces, [crop.time for crop in sample.crops])


class AddedFace(Added[FaceTrack]):
    """A square around each face; the mean over the faces of a person."""

    consumes = FaceTrack
    proposition = CHANGED
    limits = ("sees square crops of faces that were found here, not as its authors cut them", NUDE)

    def _score(self, sample: FaceTrack) -> Outcome:
        crops = [face.pixels for face in sample.faces]
        scores = self._scores(crops)
        quantities = {
            "face_px": float(np.median([face.face_px for face in sample.faces])),
            "detail": float(np.median([detail(pixels) for pixels in crops])),
        }
        timeline = tuple((face.time, float(score)) for face, score in zip(sample.faces, scores, strict=True))
        return Score(float(scores.mean()), quantities, span=sample.span, timeline=timeline)


class AddedVoice(Added[SpeechWindow]):
    """Windows of speech as they come from the file, at most 4 s."""

    consumes = SpeechWindow
    limits = ("sees windows of at most 4 s", "speakers in the same window are not told apart")

    def _score(self, sample: SpeechWindow) -> Outcome:
        (score,) = self._scores([sample.samples])
        quantities = {"high_band_db": high_band_db(sample.samples), "dynamics_db": dynamics_db(sample.samples)}
        return Score(float(score), quantities)


CLASSES: dict[str, type[AddedPicture] | type[AddedPieces] | type[AddedFace] | type[AddedVoice]] = {
    "picture": AddedPicture,
    "pieces": AddedPieces,
    "face": AddedFace,
    "voice": AddedVoice,
}


def added_detector(spec: str) -> Detector[Any]:
    """The detector of a spec in JSON; its weights are not loaded yet. Raises ``WeightsError``."""
    try:
        raw = dict(json.loads(spec))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"the spec of added weights cannot be read: {error}", BROKEN) from error
    parsed = parse_spec(raw)
    return CLASSES[parsed.looks_at](parsed)


def log_odds(outputs: NDArray[np.float32], spec: AddedSpec) -> NDArray[np.float64]:
    """Outputs (n, labels) -> natural logarithm of the odds (n,) of the labels that mean synthetic."""
    values = outputs.astype(np.float64)
    if spec.output == "probabilities":
        share = np.clip(values, SMALLEST, 1 - SMALLEST)
        values = np.log(share) if len(spec.labels) > 1 else np.log(share / (1 - share))
    if len(spec.labels) == 1:
        return values[:, 0]
    synthetic = np.array([label in spec.synthetic for label in spec.labels])
    either = (np.logaddexp.reduce(values[:, side], axis=1) for side in (synthetic, ~synthetic))
    odds: NDArray[np.float64] = next(either) - next(either)
    return odds


def _picture_score(
    picture: Picture, scores: NDArray[np.float64], seen: Sequence[NDArray[np.uint8]], times: Sequence[float]
) -> Score:
    """The mean, with the mean score of each frame of a moving picture."""
    quantities = {
        "short_side": float(min(picture.width, picture.height)),
        "detail": float(np.median([detail(pixels) for pixels in seen])),
    }
    frames = sorted(set(times)) if picture.moving else []
    timeline = tuple((time, float(scores[np.array(times) == time].mean())) for time in frames)
    return Score(float(scores.mean()), quantities, timeline=timeline)
