"""Whisper's encoder, cut after its first blocks, in torch: the same stored bytes that onnxruntime serves.

Weights are int8 with one float32 scale an output channel; activations stay float32, so that an item's output does not
depend on its batch. Imports torch: import this module inside `load` only.
Source: Radford et al., arXiv:2212.04356; layout of the official `whisper-base` (512 wide, 8 heads).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 512
HEADS = 8
BLOCK_MATRICES = ("attention_in", "attention_out", "feed_in", "feed_out")


def dequantise(weights: Mapping[str, Tensor], name: str) -> Tensor:
    """float32 matrix of `name`: int8 `{name}.weight` times float32 `{name}.scale` along the output channel."""
    quantised, scale = weights[f"{name}.weight"], weights[f"{name}.scale"]
    # Matrices are [in, out], convolutions [out, in, kernel].
    shape = (1, -1) if quantised.ndim == 2 else (-1, 1, 1)
    return quantised.to(torch.float32) * scale.reshape(shape)


class EncoderBlock(nn.Module):
    """Pre-norm transformer block: self-attention and a GELU feed-forward; x [b, t, 512] -> [b, t, 512]."""

    def __init__(self, weights: Mapping[str, Tensor], prefix: str) -> None:
        super().__init__()
        for name in BLOCK_MATRICES:
            self.register_buffer(f"{name}_weight", dequantise(weights, f"{prefix}.{name}"))
            self.register_buffer(f"{name}_bias", weights[f"{prefix}.{name}.bias"])
        for norm in ("attention_norm", "feed_norm"):
            self.register_buffer(f"{norm}_weight", weights[f"{prefix}.{norm}.weight"])
            self.register_buffer(f"{norm}_bias", weights[f"{prefix}.{norm}.bias"])

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.get_buffer(f"{name}_weight") + self.get_buffer(f"{name}_bias")

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(
            x, (WIDTH,), self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias"), 1e-5
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, _ = x.shape
        packed = self._linear(self._norm(x, "attention_norm"), "attention_in")
        query, key, value = packed.reshape(batch, steps, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        x = x + self._linear(mixed.transpose(1, 2).reshape(batch, steps, WIDTH), "attention_out")
        hidden = functional.gelu(self._linear(self._norm(x, "feed_norm"), "feed_in"))
        return x + self._linear(hidden, "feed_out")


class WhisperEncoder(nn.Module):
    """`mel` [b, 80, T] (T even, at most 2 x the stored positions) -> `layers` [b, n, T / 2, 512], 50 frames a second.

    `outputs` names the layers that are returned: 0 is the convolutional stem with its positions, k the sum after
    block k. Raises KeyError if a tensor is missing.
    """

    def __init__(self, weights: Mapping[str, Tensor], outputs: tuple[int, ...]) -> None:
        super().__init__()
        self.outputs = outputs
        for conv in ("conv1", "conv2"):
            self.register_buffer(f"{conv}_weight", dequantise(weights, conv))
            self.register_buffer(f"{conv}_bias", weights[f"{conv}.bias"])
        self.register_buffer("positions", weights["positions"])
        self.blocks = nn.ModuleList(EncoderBlock(weights, f"block{index}") for index in range(max(outputs)))

    def forward(self, mel: Tensor) -> dict[str, Tensor]:
        x = functional.gelu(
            functional.conv1d(mel, self.get_buffer("conv1_weight"), self.get_buffer("conv1_bias"), padding=1)
        )
        x = functional.gelu(
            functional.conv1d(x, self.get_buffer("conv2_weight"), self.get_buffer("conv2_bias"), stride=2, padding=1)
        )
        x = x.transpose(1, 2)
        states = [x + self.get_buffer("positions")[: x.shape[1]]]
        for block in self.blocks:
            states.append(block(states[-1]))
        return {"layers": torch.stack([states[index] for index in self.outputs], dim=1)}
