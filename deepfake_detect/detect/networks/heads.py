"""Heads on the visual encoder's outputs (torch side). Import this module only where torch may be imported.

Those with a score are linear in the class tokens of several blocks (the idea of RINE, Koutlis & Papadopoulos 2024,
arXiv 2402.19091: middle blocks keep low-level traces that the last ones forget) and in the mean and the standard
deviation of patch tokens over the picture; maps are linear in each patch.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .clip import GRID


class ScoreHead(nn.Module):
    """Raw logit of a crop and its distance from what the head was trained on.

    Tensors: ``score.weight`` [features], ``score.bias`` [1]; ``domain.mean`` [768], ``domain.whiten`` [768, k].
    """

    score_weight: Tensor
    score_bias: Tensor
    domain_mean: Tensor
    domain_whiten: Tensor

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name in ("score.weight", "score.bias", "domain.mean", "domain.whiten"):
            self.register_buffer(name.replace(".", "_"), tensors[name].float())

    def forward(self, cls: Tensor, patch: Tensor) -> dict[str, Tensor]:
        """``cls`` [b, n, 768], ``patch`` [b, m, 196, 768] -> ``score`` [b] (logit, higher for synthetic), ``distance``
        [b].
        """
        features = torch.cat([cls.flatten(1), patch.mean(2).flatten(1), patch.std(2).flatten(1)], 1)
        score = features @ self.score_weight + self.score_bias
        whitened = (cls[:, -1] - self.domain_mean) @ self.domain_whiten
        return {"score": score, "distance": whitened.square().mean(1).sqrt()}


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
