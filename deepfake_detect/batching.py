"""One forward pass at a time: samples in batches, halved when an accelerator runs out of memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .detect import Detector, Outcome


def score_all(detector: Detector[Any], samples: Sequence[Any]) -> list[Outcome]:
    """Score ``samples`` in batches of the card's size, in order.

    On an out-of-memory error of the accelerator the batch is halved; with a single sample left it is raised.
    """
    outcomes: list[Outcome] = []
    size = detector.card.batch_size
    while len(outcomes) < len(samples):
        batch = samples[len(outcomes) : len(outcomes) + size]
        try:
            scored = detector.score(batch)
        except RuntimeError as error:
            if type(error).__name__ != "OutOfMemoryError" or len(batch) == 1:
                raise
            size = max(1, len(batch) // 2)
            continue
        if len(scored) != len(batch):
            raise RuntimeError(f"{detector.card.id} gave {len(scored)} outcomes for {len(batch)} samples")
        outcomes += scored
    return outcomes
