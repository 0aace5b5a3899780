"""The voice detector's head: statistics of the encoder's layers and of acoustic frames in half-second pieces, weighed.

Imports torch: import this module inside `load` only. `training/audio/head_graph.py` writes the same as ONNX.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

PIECE = 25  # frames of the encoder, 0.5 s
HOP = 25
ACOUSTIC_RATE = 2  # acoustic frames for one of the encoder


def piece_statistics(x: Tensor, width: int, hop: int) -> Tensor:
    """[b, c, t] -> [b, 3 c, pieces]: mean, deviation and root mean square of the frame-to-frame step in each piece."""
    mean = functional.avg_pool1d(x, width, hop)
    variance = functional.avg_pool1d(x * x, width, hop) - mean * mean
    step = x[..., 1:] - x[..., :-1]
    power = functional.avg_pool1d(step * step, width - 1, hop)
    return torch.cat([mean, torch.sqrt(torch.clamp(variance, min=0.0)), torch.sqrt(power)], dim=1)


class VoiceHead(nn.Module):
    """`layers` [b, n, t, 512], `acoustic` [b, 2 t, 108] -> `frame_scores` [b, pieces], `score` [b] (their mean).

    Scores are logits, higher for synthetic; piece i covers half a second from i x 0.5 s on. t >= 25.
    Raises KeyError if a tensor is missing.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.register_buffer("weight", weights["weight"])
        self.register_buffer("bias", weights["bias"])

    def forward(self, layers: Tensor, acoustic: Tensor) -> dict[str, Tensor]:
        parts = [piece_statistics(layer.transpose(1, 2), PIECE, HOP) for layer in layers.unbind(dim=1)]
        parts.append(
            piece_statistics(acoustic.transpose(1, 2), PIECE * ACOUSTIC_RATE, HOP * ACOUSTIC_RATE),
        )
        scores = self.get_buffer("weight") @ torch.cat(parts, dim=1) + self.get_buffer("bias")
        return {"score": scores.mean(dim=1), "frame_scores": scores}
