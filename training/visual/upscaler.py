"""A learned up-scaler of other people's making, for the imitation of AI upscaling: UpscalerJS's `esrgan-medium`.

The weights are those of the npm package `@upscalerjs/esrgan-medium` 1.0.0 (MIT; a residual dense network, Zhang et al.
2018, arXiv 1802.08797, trained on DIV2K): unpack it and let the environment variable UPSCALER name its folder
`models/x2`. They are read as a file and never committed; no test and no user needs them. Only the layers that this
network has are read; everything else is an error.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Rgb = NDArray[np.uint8]
VARIABLE = "UPSCALER"


class ResidualDense(nn.Module):
    """Twice the size: float [b, 3, h, w] in 0 to 255 -> [b, 3, 2 h, 2 w]; names as in the published `model.json`."""

    def __init__(self, blocks: int, growth: int, width: int = 64) -> None:
        super().__init__()
        self.blocks = blocks
        self.F_m1, self.F_0 = _conv(3, width, 3), _conv(width, width, 3)
        for i in range(1, blocks + 1):
            self.add_module(f"F_{i}_1", _conv(width, growth, 3))
            self.add_module(f"LFF_{i}", _conv(width + growth, width, 1))
        self.GFF_1, self.GFF_2 = _conv(blocks * width, width, 1), _conv(width, width, 3)
        self.UPN1, self.UPN2, self.UPN3 = _conv(width, 64, 5), _conv(64, 32, 3), _conv(32, 12, 3)
        self.SR = _conv(12, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        first = self.F_m1(x)
        x, passed = self.F_0(first), []
        for i in range(1, self.blocks + 1):
            grown = self.get_submodule(f"F_{i}_1")(x).relu()
            x = x + self.get_submodule(f"LFF_{i}")(torch.cat([x, grown], 1))
            passed.append(x)
        x = first + self.GFF_2(self.GFF_1(torch.cat(passed, 1)))
        x = self.UPN3(self.UPN2(self.UPN1(x).relu()).relu())
        return self.SR(nn.functional.interpolate(x, scale_factor=2, mode="nearest"))


def _conv(inputs: int, outputs: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, side, padding=side // 2)


def tensors(folder: Path) -> dict[str, Tensor]:
    """The weights of a TensorFlow.js layers model, named and laid out as torch has them."""
    out: dict[str, Tensor] = {}
    for group in json.loads((folder / "model.json").read_text(encoding="utf-8"))["weightsManifest"]:
        raw = b"".join((folder / path).read_bytes() for path in group["paths"])
        if len(raw) != 4 * sum(int(np.prod(entry["shape"])) for entry in group["weights"]):
            raise ValueError(f"{folder}: the weights are not as long as model.json says")
        values, place = np.frombuffer(raw, "<f4"), 0
        for entry in group["weights"]:
            if entry["dtype"] != "float32" or "quantization" in entry:
                raise ValueError(f"{folder}: {entry['name']} is no plain float32")
            size = int(np.prod(entry["shape"]))
            value = values[place : place + size].reshape(entry["shape"])
            layer, kind = entry["name"].split("/")
            turned = value.transpose(3, 2, 0, 1) if kind == "kernel" else value
            out[f"{layer}.{'weight' if kind == 'kernel' else kind}"] = torch.from_numpy(turned.copy())
            place += size
    return out


@lru_cache(maxsize=1)
def load(folder: Path) -> ResidualDense:
    """The network of a folder with `model.json`. Raises RuntimeError where a name or a shape is another."""
    found = tensors(folder)
    blocks = sum(name.startswith("LFF_") for name in found) // 2
    net = ResidualDense(blocks, found["F_1_1.bias"].numel())
    net.load_state_dict(found)
    return net.eval()


def upscale(rgb: Rgb) -> Rgb:
    """Twice the size by the network that UPSCALER names. Raises FileNotFoundError where it names none."""
    if not os.environ.get(VARIABLE):
        raise FileNotFoundError(
            f"set {VARIABLE} to the folder with the up-scaler's model.json, see {Path(__file__).name}"
        )
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        x = torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32))[None]
        y = load(Path(os.environ[VARIABLE]))(x)[0].round().clamp(0, 255)
    return np.ascontiguousarray(y.permute(1, 2, 0).to(torch.uint8).numpy())
