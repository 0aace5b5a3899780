"""The voice detector's head, a logistic regression for wide-band and one for narrow-band sound, on pieces and window,
and its time line, a third one on pieces alone.

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


def _pieces(layers: Tensor, acoustic: Tensor) -> Tensor:
    """Statistics of the half seconds, [b, features, pieces]."""
    parts = [piece_statistics(layer.transpose(1, 2), PIECE, HOP) for layer in layers.unbind(dim=1)]
    parts.append(piece_statistics(acoustic.transpose(1, 2), PIECE * ACOUSTIC_RATE, HOP * ACOUSTIC_RATE))
    return torch.cat(parts, dim=1)


class VoiceHead(nn.Module):
    """From `layers` [b, n, t, 512], `acoustic` [b, 2 t, 108], `window` [b, 1522] and `band` [b, 2], which is (1, 0) for
    wide-band and (0, 1) for narrow-band sound, to `frame_scores` [b, pieces] and `score` [b].

    A piece's score is what its own statistics add plus what the whole window adds; `score` is the mean over the pieces.
    Scores are logits, higher for synthetic; piece i covers half a second from i x 0.5 s on. t >= 25.
    Raises KeyError if a tensor is missing.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.register_buffer("piece_weight", weights["piece_weight"])
        self.register_buffer("window_weight", weights["window_weight"])
        self.register_buffer("bias", weights["bias"])

    def forward(self, layers: Tensor, acoustic: Tensor, window: Tensor, band: Tensor) -> dict[str, Tensor]:
        whole = window @ self.get_buffer("window_weight") + self.get_buffer("bias")
        both = self.get_buffer("piece_weight") @ _pieces(layers, acoustic) + whole.unsqueeze(2)
        scores = (both * band.unsqueeze(2)).sum(dim=1)
        return {"score": scores.mean(dim=1), "frame_scores": scores}


class VoiceLine(nn.Module):
    """From `layers` [b, n, t, 512] and `acoustic` [b, 2 t, 108] to `line` [b, pieces]: by how much, as a logit, a half
    second is more like synthetic speech than the mean of its window, once each half second counts half and its
    neighbours a quarter (at the ends itself instead). t >= 25. Raises KeyError if the tensor is missing.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.register_buffer("piece_weight", weights["piece_weight"])

    def forward(self, layers: Tensor, acoustic: Tensor) -> dict[str, Tensor]:
        padded = functional.pad(self.get_buffer("piece_weight") @ _pieces(layers, acoustic), (1, 1), mode="replicate")
        line = functional.avg_pool1d(functional.avg_pool1d(padded, 2, 1), 2, 1).squeeze(1)
        return {"line": line - line.mean(dim=1, keepdim=True)}
