"""Was a part of the picture altered? A map from noise residuals, on pieces at native resolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import WeightStore
from ..explain.images import evidence_image, reddened
from ..findings import Evidence, Label, Proposition, Reason
from ..media import NativeCrop, Picture, Pixels, Region, Span
from .base import Detector, DetectorCard, Outcome, Refusal, Score
from .classical import jpeg_ghosts, textured
from .face_manipulation import overlay
from .runtime import Network, load_network

if TYPE_CHECKING:
    import torch

WEIGHTS = "local-edit"
CELL = 8
MIN_SIDE = 128
TOP = 16  # cells, of the 784 of a whole piece, whose mean logit is the piece's score

GHOST_FULL = 0.5  # distance of a cell's curve from the others', of its whole range, from which it is drawn fully red
_GHOSTS = (
    "JPEG ghosts, a classical line beside the score and no part of it: where compressing again shows another past"
    " (red), on the same piece; plain surfaces are often red in unaltered pictures, too"
)


class LocalEdit(Detector[Picture]):
    """A small convolutional network on fixed noise residuals; the highest score of a picture's pieces."""

    card: ClassVar[DetectorCard] = DetectorCard(
        id="local-edit",
        version="1",
        title="Altered part of a picture",
        consumes=Picture,
        batch_size=4,
        weights=(WEIGHTS,),
        licence="Apache-2.0, trained on photographs under mixed and partly unstated licences",
        commercial_use=False,
        paper="filters of Fridrich & Kodovsky 2012, doi:10.1109/TIFS.2012.2190402; network and edits made here",
        limits=(
            "only pieces of 224 px at native resolution are looked at, at most nine of a still picture: an edit between"
            " them is not seen",
            "trained and measured on edits made by a script, not on those of any person or app",
            "strong compression and resizing after the edit remove what it looks for",
            "a map shows where traces are unlike the rest; borders of different texture can look the same",
            "not measured on nude or nudified bodies",
        ),
        proposition=Proposition(
            synthetic="a part of the picture was altered by edits like those of the test data",
            genuine="no part of the picture was altered, apart from compression and resizing of the whole",
            label=Label.MANIPULATED,
        ),
    )

    def load(self, store: WeightStore, device: str) -> str:
        self._network: Network = load_network(store, WEIGHTS, device, _build)
        return device

    def score(self, batch: Sequence[Picture]) -> list[Outcome]:
        return [self._score(picture) for picture in batch]

    def _score(self, picture: Picture) -> Outcome:
        pieces = _usable(picture)
        if not pieces:
            return Refusal(Reason.TOO_SMALL, f"no piece of at least {MIN_SIDE} pixels a side")
        scores = [score_of(self.map(pixels)) for _, _, pixels in pieces]
        quantities = {"short_side": float(min(picture.width, picture.height)), "pieces": float(len(pieces))}
        best = int(np.argmax(scores))
        return Score(scores[best], quantities, region=pieces[best][1])

    def map(self, pixels: Pixels) -> NDArray[np.float32]:
        """Logits (h / 8, w / 8) that a cell was altered; ``pixels`` (h, w, 3) on the grid, sides divisible by 8."""
        stack = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
        return np.asarray(self._network({"pixels": stack})["map"][0], np.float32)

    def explain(self, sample: Picture, score: Score) -> tuple[Evidence, ...]:
        """The map of the piece that scored highest, and the JPEG ghosts of it.

        Of the classical lines only the ghosts are drawn: the others tell less of where than the middle of the piece
        does (``benchmarks/results/local_edit.md``).
        """
        for crop, region, pixels in _usable(sample):
            if region == score.region:
                heat = evidence_image(overlay(pixels, self.map(pixels)))
                ghosts = evidence_image(reddened(pixels, drawn_ghosts(pixels)))
                caption = "where traces of camera and compression differ (red), on the piece that scored highest"
                span = Span(crop.time, crop.time)
                return (
                    Evidence("map", caption, span, region, image=heat),
                    Evidence("ghosts", _GHOSTS, span, region, image=ghosts),
                )
        return ()


def score_of(logits: NDArray[np.float32]) -> float:
    """Of a piece: the mean of its largest logits, of as large a share as ``TOP`` is of a whole piece."""
    count = max(1, round(logits.size * TOP / 784))
    return float(np.sort(logits, axis=None)[-count:].mean())


def drawn_ghosts(pixels: Pixels) -> NDArray[np.float32]:
    """The JPEG ghosts as they are drawn (h / 8, w / 8): from 1 on fully red, 0 where a cell cannot hold one."""
    return np.asarray(np.where(textured(pixels), jpeg_ghosts(pixels) / GHOST_FULL, 0), np.float32)


def _usable(picture: Picture) -> list[tuple[NativeCrop, Region, Pixels]]:
    found = [(crop, *on_grid(crop)) for crop in picture.crops]
    return [(crop, region, pixels) for crop, region, pixels in found if min(pixels.shape[:2]) >= MIN_SIDE]


def on_grid(crop: NativeCrop) -> tuple[Region, Pixels]:
    """The part of a piece that begins on the picture's 8 x 8 grid, with sides divisible by 8."""
    x, y = -crop.region.x % CELL, -crop.region.y % CELL
    height, width = (
        max(0, length - start) // CELL * CELL for length, start in zip(crop.pixels.shape[:2], (y, x), strict=True)
    )
    part = np.ascontiguousarray(crop.pixels[y : y + height, x : x + width])
    return Region(crop.region.x + x, crop.region.y + y, width, height), part


def _build(tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    from .networks.residual_map import ResidualMap

    return ResidualMap(tensors)
