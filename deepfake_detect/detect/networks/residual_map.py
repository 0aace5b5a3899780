"""A map of local edits from noise residuals (torch side). Import this module only where torch may be imported.

A fixed front end describes each cell of 8 x 8 pixels: sizes and zero shares of high-pass residuals (the filters of
Fridrich & Kodovsky 2012, "Rich Models for Steganalysis of Digital Images"), differences across each column and row of
the JPEG grid, DCT bands, and the checkerboard that demosaicing leaves. A small fully convolutional network then
compares each cell with its surroundings and with the whole piece. What it learns is where the traces of camera and
compression are not those of the rest.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

CELL = 8
WIDTH = 48
DILATIONS = (1, 2, 4, 1, 2, 4)
LUMA = (0.299, 0.587, 0.114)
_PLANES = (
    ((0, 0, 0), (0, -1, 1), (0, 0, 0)),
    ((0, 0, 0), (0, -1, 0), (0, 1, 0)),
    ((0, 0, 0), (1, -2, 1), (0, 0, 0)),
    ((0, 1, 0), (0, -2, 0), (0, 1, 0)),
    ((1, 0, 0), (0, -2, 0), (0, 0, 1)),
    ((0, 0, 1), (0, -2, 0), (1, 0, 0)),
    ((-1, 2, -1), (2, -4, 2), (-1, 2, -1)),
    ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
)
_SQUARE = ((-1, 2, -2, 2, -1), (2, -6, 8, -6, 2), (-2, 8, -12, 8, -2), (2, -6, 8, -6, 2), (-1, 2, -2, 2, -1))
_COLOUR = (2, 3, 6)  # of _PLANES, on both colour differences


def _filters() -> Tensor:
    """[9, 1, 5, 5], each with a largest weight of 1."""
    small = functional.pad(torch.tensor(_PLANES, dtype=torch.float32), (1, 1, 1, 1))
    every = torch.cat([small, torch.tensor([_SQUARE], dtype=torch.float32)])
    return (every / every.abs().amax((1, 2), keepdim=True)).unsqueeze(1)


def _dct() -> Tensor:
    """[64, 1, 8, 8]: the orthonormal DCT-II basis."""
    n = torch.arange(CELL, dtype=torch.float64)
    basis = torch.cos(math.pi * (2 * n[None] + 1) * n[:, None] / (2 * CELL)) * math.sqrt(2 / CELL)
    basis[0] /= math.sqrt(2)
    return torch.einsum("iy,jx->ijyx", basis, basis).reshape(64, 1, CELL, CELL).float()


def _bands() -> Tensor:
    """[7, 64]: which coefficients are averaged, by the sum of their frequencies; the mean is left out."""
    total = torch.arange(CELL)[:, None] + torch.arange(CELL)[None]
    edges = ((1, 1), (2, 2), (3, 3), (4, 5), (6, 7), (8, 10), (11, 14))
    rows = torch.stack([((total >= low) & (total <= high)).reshape(-1) for low, high in edges]).float()
    return rows / rows.sum(1, keepdim=True)


class Front(nn.Module):
    """[b, 3, h, w] RGB from 0 to 255, sides divisible by 8, to [b, FEATURES, h / 8, w / 8]. Nothing in it is learnt."""

    filters: Tensor
    dct: Tensor
    bands: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, tensor in (("filters", _filters()), ("dct", _dct()), ("bands", _bands())):
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        red, green, blue = pixels[:, :1], pixels[:, 1:2], pixels[:, 2:]
        luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
        residuals = self._residuals(luma, self.filters)
        colour = [self._residuals(plane, self.filters[list(_COLOUR)]) for plane in (red - luma, blue - luma)]
        return torch.cat(
            [
                *self._sizes(residuals),
                *(self._sizes(plane)[0] for plane in colour),
                *self._grid(residuals[:, 2:4].abs()),
                *self._frequencies(luma),
                self._checkerboard(green),
                functional.avg_pool2d(luma, CELL) / 128 - 1,
                functional.avg_pool2d(((luma < 3) | (luma > 252)).float(), CELL),
            ],
            1,
        )

    @staticmethod
    def _residuals(plane: Tensor, filters: Tensor) -> Tensor:
        return functional.conv2d(functional.pad(plane, (2, 2, 2, 2), mode="replicate"), filters)

    @staticmethod
    def _sizes(residuals: Tensor) -> list[Tensor]:
        """Log of the mean size, and the shares of nearly nothing and of little."""
        size = residuals.abs()
        return [
            torch.log(functional.avg_pool2d(size, CELL) + 0.05),
            functional.avg_pool2d((size < 0.51).float(), CELL),
            functional.avg_pool2d((size < 2.01).float(), CELL),
        ]

    @staticmethod
    def _grid(second: Tensor) -> list[Tensor]:
        """The share of the second differences in each of the 8 columns and 8 rows of a cell, over 3 x 3 cells."""
        size = torch.clamp(second, max=20.0)
        across = torch.cat([functional.avg_pool2d(size[:, :1, :, p::CELL], (CELL, 1)) for p in range(CELL)], 1)
        down = torch.cat([functional.avg_pool2d(size[:, 1:, p::CELL], (1, CELL)) for p in range(CELL)], 1)
        smooth = [functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False) for x in (across, down)]
        return [torch.log(x + 0.1) - torch.log(x.mean(1, keepdim=True) + 0.1) for x in smooth]

    def _frequencies(self, luma: Tensor) -> list[Tensor]:
        """Log of the mean size and the share of zeros in seven bands of the DCT on the picture's own grid."""
        size = functional.conv2d(luma - 128, self.dct, stride=CELL).abs()
        weights = self.bands[:, :, None, None]
        return [
            torch.log(functional.conv2d(size, weights) + 0.05),
            functional.conv2d((size < 0.5).float(), weights),
        ]

    @staticmethod
    def _checkerboard(green: Tensor) -> Tensor:
        """Log ratio of green's residual on one colour of the checkerboard to that on the other, over 3 x 3 cells."""
        kernel = torch.tensor([[[[0.0, 0.25, 0.0], [0.25, -1.0, 0.25], [0.0, 0.25, 0.0]]]], device=green.device)
        size = functional.conv2d(functional.pad(green, (1, 1, 1, 1), mode="replicate"), kernel).abs()
        even = size[:, :, ::2, ::2] + size[:, :, 1::2, 1::2]
        odd = size[:, :, ::2, 1::2] + size[:, :, 1::2, ::2]
        pooled = [
            functional.avg_pool2d(functional.avg_pool2d(x, CELL // 2), 3, 1, 1, count_include_pad=False)
            for x in (even, odd)
        ]
        return torch.log(pooled[0] + 0.05) - torch.log(pooled[1] + 0.05)


FEATURES = 9 * 3 + 2 * 3 + 16 + 14 + 1 + 2


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + functional.relu(self.norm(self.conv(x)))


class Trunk(nn.Module):
    """[b, FEATURES, h, w] to logits [b, h, w] that a cell was altered."""

    def __init__(self, features: int = FEATURES, width: int = WIDTH) -> None:
        super().__init__()
        self.scale = nn.BatchNorm2d(features)
        self.enter = nn.Conv2d(3 * features, width, 1)
        self.before = nn.Sequential(*(_Block(width, d) for d in DILATIONS[:3]))
        self.join = nn.Conv2d(3 * width, width, 1)
        self.after = nn.Sequential(*(_Block(width, d) for d in DILATIONS[3:]))
        self.leave = nn.Conv2d(width, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        x = self.scale(features)
        x = self.before(functional.relu(self.enter(self._beside(x))))
        x = self.after(functional.relu(self.join(self._beside(x))))
        logits: Tensor = self.leave(x)
        return logits.squeeze(1)

    @staticmethod
    def _beside(x: Tensor) -> Tensor:
        """Each cell, its difference from the mean of the piece, and that in the piece's own deviations."""
        difference = x - x.mean((2, 3), keepdim=True)
        deviation = torch.sqrt(difference.square().mean((2, 3), keepdim=True) + 1e-3)
        return torch.cat([x, difference, difference / deviation], 1)


class ResidualMap(nn.Module):
    """``pixels`` [b, 3, h, w] RGB from 0 to 255, on the picture's 8 x 8 grid -> ``map`` [b, h / 8, w / 8] (logits)."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.front = Front()
        self.trunk = Trunk()
        self.load_state_dict(tensors)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        return {"map": self.trunk(self.front(pixels))}
