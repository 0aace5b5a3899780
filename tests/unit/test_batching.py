"""Out of memory on an accelerator: smaller batches, the same results.

No machine with one was at hand: the error is torch's own, but raised here, at the networks' boundary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from deepfake_detect.batching import score_all
from deepfake_detect.detect import Detector, DetectorCard, Score
from deepfake_detect.detect.encoder import CHUNK, VisualEncoder
from deepfake_detect.media import Picture


def full(size: int, limit: int) -> None:
    import torch

    if size > limit:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")


class Narrow(Detector[Picture]):
    """Scores numbers; its memory holds ``limit`` of them."""

    card = DetectorCard("narrow", "1", "", Picture, 8, (), "", True, "", ())

    def __init__(self, limit: int) -> None:
        self.limit, self.sizes = limit, list[int]()

    def load(self, store: object, device: str) -> str:
        return device

    def score(self, batch: Sequence[float]) -> list[Score]:  # type: ignore[override]
        full(len(batch), self.limit)
        self.sizes.append(len(batch))
        return [Score(value) for value in batch]


@pytest.mark.parametrize(("limit", "sizes"), [(8, [8, 8, 4]), (3, [2] * 10), (1, [1] * 20)])
def test_a_batch_that_does_not_fit_is_halved(limit: int, sizes: list[int]) -> None:
    detector = Narrow(limit)
    values = [float(i) for i in range(20)]
    assert [outcome.value for outcome in score_all(detector, values) if isinstance(outcome, Score)] == values
    assert detector.sizes == sizes


def test_a_single_sample_that_does_not_fit_is_told() -> None:
    import torch

    with pytest.raises(torch.cuda.OutOfMemoryError):
        score_all(Narrow(0), [1.0])


def test_another_error_is_not_taken_for_it() -> None:
    class Broken(Narrow):
        def score(self, batch: Sequence[float]) -> list[Score]:  # type: ignore[override]
            raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        score_all(Broken(8), [1.0, 2.0])


def test_the_visual_encoder_takes_fewer_pieces_at_once() -> None:
    seen: list[int] = []

    def network(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        pixels = inputs["pixel_values"]
        full(len(pixels), 3)
        seen.append(len(pixels))
        return {"cls": pixels.mean(axis=(2, 3))}

    crops = [np.full((224, 224, 3), 10 * i, np.uint8) for i in range(CHUNK + 1)]
    (out,) = VisualEncoder(network)(crops).values()  # type: ignore[arg-type]
    assert max(seen) == 2
    assert out.shape == (CHUNK + 1, 3)
    assert (np.diff(out[:, 0]) > 0).all()
