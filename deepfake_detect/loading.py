"""Detectors with their weights, calibration and record, loaded once and shared between files and threads."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .batching import score_all
from .checkpoints import ADDED, WeightStore
from .detect import Detector, DetectorCard, Outcome, Refusal, RegisteredDetector, Score
from .devices import pick_device
from .errors import WeightsError, WeightsMissingError
from .findings import DetectorRecord, Evidence, Reason
from .fuse import STANDARD, Calibration, parse_calibration
from .media import JsonValue

EXPLANATIONS = "calibration/explanations.json"  # written by benchmarks/explanations.py


@dataclass(slots=True)
class LoadedDetector:
    """A detector that is ready, or the refusal that stands in for all of its answers.

    ``score`` may be called by any thread.
    """

    card: DetectorCard
    record: DetectorRecord
    detector: Detector[Any] | None
    calibration: Calibration | None
    refusal: Refusal | None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def score(self, samples: Sequence[Any]) -> list[Outcome]:
        """One outcome for each sample. What a detector raises becomes the reason ``failed``, never a score."""
        if self.detector is None or self.refusal is not None:
            refusal = self.refusal or Refusal(Reason.FAILED)
            return [refusal for _ in samples]
        try:
            with self._lock:
                return score_all(self.detector, samples)
        except Exception as error:  # a foreign detector may raise anything
            return [Refusal(Reason.FAILED, f"{type(error).__name__}: {error}") for _ in samples]

    def explain(self, sample: Any, score: Score) -> tuple[Evidence, ...]:
        """Explanations of one sample that was scored."""
        assert self.detector is not None
        with self._lock:
            return self.detector.explain(sample, score)


def _calibration(card: DetectorCard, store: WeightStore) -> tuple[Calibration | None, str | None]:
    """The calibration of a detector's own weights, and the SHA-256 of its file.

    They are those of the last id on its card: encoders come before heads.
    """
    entry = store.entry(card.weights[-1]) if card.weights else None
    text = store.calibration(entry) if entry else None
    if entry is None or text is None:
        return None, None
    return parse_calibration(text, card.id, entry.sha256), hashlib.sha256(text.encode()).hexdigest()


def _explanations(registered: RegisteredDetector, detector: str, store: WeightStore) -> Mapping[str, JsonValue]:
    """How well a built-in detector's maps and time lines agree with the truth; empty where that was not measured."""
    if registered.origin != "built-in":
        return {}
    found: Mapping[str, JsonValue] = json.loads(store.text(EXPLANATIONS)).get(detector, {})
    return found


def load_detectors(
    selected: Sequence[RegisteredDetector], store: WeightStore, device: str, point: str = STANDARD
) -> tuple[str, tuple[LoadedDetector, ...]]:
    """Load detectors; returns the device chosen and one entry for each.

    ``point``: the operating point; a detector that was not measured there stays at its standard one.
    torch is only asked for its devices when one of them has weights. Missing or refused weights end in a refusal, so
    that the rest of a scan goes on. Raises ``UsageError``.
    """
    made = [(registered, registered.create()) for registered in selected]
    chosen = pick_device(device) if any(detector.card.weights for _, detector in made) else "cpu"
    return chosen, tuple(_load(registered, detector, store, chosen, point) for registered, detector in made)


def _load(
    registered: RegisteredDetector, detector: Detector[Any], store: WeightStore, device: str, point: str
) -> LoadedDetector:
    card = detector.card
    calibration, calibration_sha256, refusal, used = None, None, None, "none"
    try:
        calibration, calibration_sha256 = _calibration(card, store)
        calibration = calibration and calibration.at(point)
        if card.content and calibration is None:
            todo = f"make it with: deepfake-detect calibrate {card.id} --data FOLDER"
            refusal = Refusal(Reason.NOT_CALIBRATED, todo if registered.origin == ADDED else "")
        else:
            used = detector.load(store, device)
    except WeightsMissingError as error:
        refusal = Refusal(Reason.WEIGHTS_MISSING, error.sentences())
    except WeightsError as error:
        refusal = Refusal(Reason.FAILED, error.sentences())
    record = DetectorRecord(
        id=card.id,
        version=card.version,
        device=used,
        experimental=calibration.experimental if calibration else False,
        experimental_reason=calibration.experimental_reason if calibration else "",
        origin=registered.origin,
        commercial_use=card.commercial_use,
        calibration_sha256=calibration_sha256,
        weights=() if refusal else tuple(store.record(id_) for id_ in card.weights),
        limits=card.limits,
        error_rates=calibration.error_rates() if calibration else {},
        thresholds=(calibration.lower, calibration.upper) if calibration else None,
        operating_point=calibration.point if calibration else STANDARD,
        false_alarms=calibration.false_alarms() if calibration else {},
        explanations=_explanations(registered, card.id, store),
    )
    return LoadedDetector(card, record, detector, calibration, refusal)
