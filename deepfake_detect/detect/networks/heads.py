"""Heads on the visual encoder's outputs (torch side). Import this module only where torch may be imported.

Those with a score read the class tokens of several blocks (the idea of RINE, Koutlis & Papadopoulos 2024, arXiv
2402.19091: middle blocks keep low-level traces that the last ones forget), weighed by what was learned, or linear in
them and in the mean and the standard deviation of patch tokens over the picture; maps are linear in each patch.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .clip import GRID


class DomainHead(nn.Module):
    """How far a crop is from what a head was trained on. Tensors: ``domain.mean`` [768], ``domain.whiten`` [768, k]."""

    domain_mean: Tensor
    domain_whiten: Tensor

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name in ("domain.mean", "domain.whiten"):
            self.register_buffer(name.replace(".", "_"), tensors[name].float())

    def distance(self, cls: Tensor) -> Tensor:
        """``cls`` [b, n, 768] -> [b]: root mean square of the whitened components of the last block's token."""
        whitened = (cls[:, -1] - self.domain_mean) @ self.domain_whiten
        return whitened.square().mean(1).sqrt()


class ScoreHead(DomainHead):
    """Raw logit of a crop and its distance from what the head was trained on.

    Tensors: those of ``DomainHead``; ``score.weight`` [features], ``score.bias`` [1].
    """

    score_weight: Tensor
    score_bias: Tensor

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__(tensors)
        for name in ("score.weight", "score.bias"):
            self.register_buffer(name.replace(".", "_"), tensors[name].float())

    def forward(self, cls: Tensor, patch: Tensor) -> dict[str, Tensor]:
        """``cls`` [b, n, 768], ``patch`` [b, m, 196, 768] -> ``score`` [b] (logit, higher for synthetic), ``distance``
        [b].
        """
        features = torch.cat([cls.flatten(1), patch.mean(2).flatten(1), patch.std(2).flatten(1)], 1)
        return {"score": features @ self.score_weight + self.score_bias, "distance": self.distance(cls)}


class WeighedHead(DomainHead):
    """The same outputs; blocks are projected alike, summed with learned weights, and judged by a small perceptron.

    k members with their own weights are averaged. Tensors: those of ``DomainHead``; ``weigh.mean`` and ``weigh.scale``
    [n, 768]; ``weigh.project1.weight`` [k, 768, w], ``.project2.weight`` and ``.judge1.weight`` [k, w, w],
    ``.judge2.weight`` [k, w, 1], each with its ``.bias`` [k, 1, w or 1]; ``weigh.share`` [k, n, w], which sums to 1
    over the blocks.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__(tensors)
        layers = ("project1", "project2", "judge1", "judge2")
        for name in ("mean", "scale", "share", *(f"{layer}.{part}" for layer in layers for part in ("weight", "bias"))):
            self.register_buffer(name.replace(".", "_"), tensors[f"weigh.{name}"].float())

    def _layer(self, x: Tensor, name: str) -> Tensor:
        weight, bias = (self.get_buffer(f"{name}_{part}") for part in ("weight", "bias"))
        return x @ weight + bias

    def forward(self, cls: Tensor, patch: Tensor) -> dict[str, Tensor]:
        """As ``ScoreHead.forward``; ``patch`` is not looked at."""
        x = ((cls - self.get_buffer("mean")) / self.get_buffer("scale"))[:, None]
        for name in ("project1", "project2"):
            x = self._layer(x, name).relu()
        joined = (x * self.get_buffer("share")).sum(2, keepdim=True)
        logits = self._layer(self._layer(joined, "judge1").relu(), "judge2")
        return {"score": logits.mean((1, 2, 3)), "distance": self.distance(cls)}


class FaceHead(ScoreHead):
    """A ``ScoreHead`` with a map of what was altered.

    ``map.weight`` [m * 768], ``map.bias`` [1], linear in each patch.
    """

    map_weight: Tensor
    map_bias: Tensor

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__(tensors)
        for name in ("map.weight", "map.bias"):
            self.register_buffer(name.replace(".", "_"), tensors[name].float())

    def forward(self, cls: Tensor, patch: Tensor) -> dict[str, Tensor]:
        """Adds ``map`` [b, 14, 14]: the logit that the patch is foreign."""
        return {**super().forward(cls, patch), "map": _of_patches(patch, self.map_weight, self.map_bias)}


class CoverHead(nn.Module):
    """Which patches of a face something covers. Tensors: ``cover.weight`` [m * 768], ``cover.bias`` [1]."""

    weight: Tensor
    bias: Tensor

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name in ("weight", "bias"):
            self.register_buffer(name, tensors[f"cover.{name}"].float())

    def forward(self, patch: Tensor) -> dict[str, Tensor]:
        """``patch`` [b, m, 196, 768] -> ``cover`` [b, 14, 14]: the logit that the patch is covered."""
        return {"cover": _of_patches(patch, self.weight, self.bias)}


def _of_patches(patch: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``patch`` [b, m, 196, 768] -> [b, 14, 14], linear in each patch's tokens."""
    return (patch.transpose(1, 2).flatten(2) @ weight + bias).view(-1, GRID, GRID)
