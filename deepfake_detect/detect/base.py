"""What a detector is: one card, ``load``, ``score`` and, where it can, ``explain``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from ..checkpoints import WeightStore
from ..findings import Evidence, Proposition, Reason
from ..media import ContainerFacts, FaceTrack, JsonValue, MediaFile, Picture, Region, Span, SpeechWindow

S = TypeVar("S", Picture, FaceTrack, SpeechWindow, ContainerFacts, MediaFile)


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """What is known of a detector without loading it.

    ``consumes``: the sample type. ``batch_size``: samples in one forward pass. ``weights``: ids in the weights
    manifest.
    ``content``: whether it judges the content (True) or only reads what the file says of itself (False).
    """

    id: str
    version: str
    title: str
    consumes: type
    batch_size: int
    weights: tuple[str, ...]
    licence: str
    commercial_use: bool
    paper: str
    limits: tuple[str, ...]
    proposition: Proposition | None = None
    content: bool = True


@dataclass(frozen=True, slots=True)
class Score:
    """The model's own number for one sample, higher for synthetic, and what its calibration needs to know.

    ``quantities``: measured conditions of the sample under the names that the calibration file uses (``face_px``,
    ``sharpness``,
    ``sample_rate``, ...). ``timeline``: (time in seconds, raw score) for the parts of the sample; ``timeline_caption``:
    what is drawn there.
    """

    value: float
    quantities: Mapping[str, float] = field(default_factory=dict)
    span: Span | None = None
    region: Region | None = None
    timeline: tuple[tuple[float, float], ...] = ()
    timeline_caption: str = "raw score over time, higher for synthetic"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read, without a score. ``facts`` is typed per detector in the report's schema."""

    facts: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No answer for this sample: a typed reason and a sentence."""

    reason: Reason
    detail: str = ""
    span: Span | None = None


Outcome: TypeAlias = Score | Facts | Refusal


class Detector(ABC, Generic[S]):
    """A detector of synthetic or manipulated media.

    Implementations import torch and onnxruntime inside ``load`` only, keep no state between calls of ``score`` and give
    the same answer for a sample alone and in any batch.
    """

    @property
    @abstractmethod
    def card(self) -> DetectorCard:
        """What is known without loading; a class attribute of this name will do."""

    @abstractmethod
    def load(self, store: WeightStore, device: str) -> str:
        """Load the weights for ``device`` (``cpu``, ``cuda``, ``mps``) and return the device really used.

        Raises ``WeightsError`` when a file is missing, changed or does not fit.
        """

    @abstractmethod
    def score(self, batch: Sequence[S]) -> list[Outcome]:
        """One outcome for each sample, in order."""

    def explain(self, sample: S, score: Score) -> tuple[Evidence, ...]:
        """Maps and the like for one sample and the score that it got; nothing by default."""
        return ()
