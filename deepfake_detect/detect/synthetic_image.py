"""Was the picture, or the sampled frame, made by a generator? Judged on pieces at native resolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..checkpoints import WeightStore
from ..findings import Label, Proposition, Reason
from ..media import NativeCrop, Picture
from .base import Detector, DetectorCard, Outcome, Refusal, Score
from .encoder import ENCODER, VisualEncoder, visual_encoder
from .quality import contrast, detail, flat_share
from .runtime import Network, load_network
from .visual_input import fit_native

if TYPE_CHECKING:
    import torch

HEAD = "synthetic-image"
MIN_SIDE = 112  # below the smallest crops measured
MIN_CONTRAST = 6.0  # standard deviation of luma; flatter pieces were avoided in training


class SyntheticImage(Detector[Picture]):
    """A head that weighs several blocks of CLIP ViT-B/16, averaged over the crops of a picture or video."""

    card: ClassVar[DetectorCard] = DetectorCard(
        id=HEAD,
        version="1",
        title="Generated picture",
        consumes=Picture,
        batch_size=4,
        weights=(ENCODER, HEAD),
        licence="encoder MIT; head Apache-2.0, trained on pictures under mixed and partly unstated licences",
        commercial_use=False,
        paper="Koutlis & Papadopoulos 2024, arXiv 2402.19091 (middle blocks of CLIP); trained here, see the card",
        limits=(
            "calibrated on single pieces of 224 px: generators that are not in the data may be missed",
            "not measured on nude or nudified bodies",
            "not measured on drawings, scanned prints, beauty filters, AI upscaling or night modes",
            "retouched and strongly edited photographs can look generated",
        ),
        proposition=Proposition(
            synthetic="the picture was made by a generator like those of the test data",
            genuine="the picture is a photograph or recording like those of the test data",
            label=Label.SYNTHETIC,
        ),
    )

    def load(self, store: WeightStore, device: str) -> str:
        self._encoder: VisualEncoder = visual_encoder(store, device)
        self._head: Network = load_network(store, HEAD, device, _build)
        return device

    def score(self, batch: Sequence[Picture]) -> list[Outcome]:
        return [self._score(picture) for picture in batch]

    def _score(self, picture: Picture) -> Outcome:
        large = [crop for crop in picture.crops if min(crop.pixels.shape[:2]) >= MIN_SIDE]
        if not large:
            return Refusal(Reason.TOO_SMALL, f"no piece of at least {MIN_SIDE} pixels a side")
        crops = [crop for crop in large if contrast(crop.pixels) >= MIN_CONTRAST]
        if not crops:
            return Refusal(Reason.OUT_OF_DOMAIN, "the picture is flat: no texture that could tell")
        fitted = [fit_native(crop.pixels) for crop in crops]
        outputs = self._head(self._encoder(fitted))
        scores = outputs["score"].astype(np.float64)
        quantities = {
            "detail": float(np.median([detail(pixels) for pixels in fitted])),
            "flat": float(np.median([flat_share(pixels) for pixels in fitted])),
            "distance": float(np.median(outputs["distance"])),
            "short_side": float(min(picture.width, picture.height)),
            "pieces": float(len(crops)),
        }
        timeline = _timeline(crops, scores) if picture.moving else ()
        return Score(float(scores.mean()), quantities, region=picture.part, timeline=timeline)


def _timeline(crops: Sequence[NativeCrop], scores: np.ndarray) -> tuple[tuple[float, float], ...]:
    """The mean score of each sampled frame."""
    times = sorted({crop.time for crop in crops})
    return tuple(
        (time, float(np.mean([s for crop, s in zip(crops, scores, strict=True) if crop.time == time])))
        for time in times
    )


def _build(tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    from .networks.heads import WeighedHead

    return WeighedHead(tensors)
