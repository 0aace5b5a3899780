"""One forward pass at a time: samples in batches, halved when an accelerator runs out of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .detect import Detector, Outcome
from .detect.memory import in_parts


def score_all(detector: Detector[Any], samples: Sequence[Any]) -> list[Outcome]:
    """Score ``samples`` in batches of the card's size, in order; see ``in_parts``."""

    def score(batch: Sequence[Any]) -> list[Outcome]:
        scored = detector.score(batch)
        if len(scored) != len(batch):
            raise RuntimeError(f"{detector.card.id} gave {len(scored)} outcomes for {len(batch)} samples")
        return scored

    return [outcome for part in in_parts(score, samples, detector.card.batch_size) for outcome in part]
