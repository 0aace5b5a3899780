"""CLIP ViT-B/16 image tower, cut after the last block in use (torch side of the shared visual encoder).

The weights are int8 with one float32 scale per output channel; they are expanded to float32 once, at load, and
activations stay float32. A picture's features therefore never depend on what else is in the batch.
Architecture: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision".
Import this module only where torch may be imported.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 768
HEADS = 12
PATCH = 16
GRID = 14
EPSILON = 1e-5
# What the shipped encoder returns: 0-based blocks whose class token and whose patch tokens the heads read.
CLS_BLOCKS = (3, 4, 5, 6, 7, 8, 9, 10, 11)
PATCH_BLOCKS = (5, 7, 9)


class Block(nn.Module):
    """One pre-norm transformer block with CLIP's quick GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.norm2 = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.q = nn.Linear(WIDTH, WIDTH)
        self.k = nn.Linear(WIDTH, WIDTH)
        self.v = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        h = self.norm1(x)
        q, k, v = (layer(h).view(batch, tokens, HEADS, -1).transpose(1, 2) for layer in (self.q, self.k, self.v))
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, WIDTH)
        x = x + self.out(h)
        h = self.fc1(self.norm2(x))
        mixed: Tensor = x + self.fc2(h * torch.sigmoid(1.702 * h))
        return mixed


class ClipEncoder(nn.Module):
    """Truncated image tower.

    Args:
        blocks: how many transformer blocks are kept.
        cls_blocks: 0-based blocks whose class token is returned, in this order.
        patch_blocks: 0-based blocks whose 196 patch tokens are returned, in this order.
    """

    def __init__(self, blocks: int, cls_blocks: tuple[int, ...], patch_blocks: tuple[int, ...]) -> None:
        super().__init__()
        self.cls_blocks, self.patch_blocks = cls_blocks, patch_blocks
        self.class_embedding = nn.Parameter(torch.zeros(WIDTH))
        self.position_embedding = nn.Parameter(torch.zeros(GRID * GRID + 1, WIDTH))
        self.patch_embedding = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.pre_norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """[b, 3, 224, 224] normalised float32 -> `cls` [b, len(cls_blocks), 768], `patch` [b, len(patch_blocks), 196,
        768].
        """
        x = self.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1) + self.position_embedding
        x = self.pre_norm(x)
        cls: dict[int, Tensor] = {}
        patch: dict[int, Tensor] = {}
        for index, block in enumerate(self.blocks):
            x = block(x)
            cls[index] = x[:, 0]
            if index in self.patch_blocks:
                patch[index] = x[:, 1:]
        return {
            "cls": torch.stack([cls[i] for i in self.cls_blocks], 1),
            "patch": torch.stack([patch[i] for i in self.patch_blocks], 1),
        }


def dequantise(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """int8 `NAME` [in, out] with `NAME.scale` [out] -> float32 [out, in]; every other tensor unchanged."""
    state: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if name.endswith(".scale"):
            continue
        if value.dtype == torch.int8:
            state[name] = (value.float() * tensors[f"{name}.scale"]).t().contiguous()
        else:
            state[name] = value
    return state


def build_encoder(tensors: Mapping[str, Tensor]) -> ClipEncoder:
    """The shipped encoder from its safetensors tensors. Raises RuntimeError when they do not fit."""
    encoder = ClipEncoder(max(CLS_BLOCKS) + 1, CLS_BLOCKS, PATCH_BLOCKS)
    encoder.load_state_dict(dequantise(tensors))
    return encoder
