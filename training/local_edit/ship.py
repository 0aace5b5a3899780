"""Write the trained map as it ships: safetensors, and the same as an ONNX graph that carries its own weights.

python training/local_edit/ship.py [--seed 1] && python training/pin.py
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

import samples
from deepfake_detect.detect.networks.residual_map import ResidualMap

NAME = "local-edit"


def ship(seed: int, out: Path) -> None:
    """Both files below ``out``."""
    with safe_open(samples.CACHE / f"best.{seed}.safetensors", "pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in list(stored.keys())}
        chosen = stored.metadata()["choose"]
    network = ResidualMap(tensors).eval()
    save_file(tensors, out / f"{NAME}.safetensors", {"format": "pt", "choose": chosen})
    axes = {"pixels": {0: "b", 2: "h", 3: "w"}, "map": {0: "b", 1: "ch", 2: "cw"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.zeros(1, 3, 224, 224),), out / f"{NAME}.onnx", dynamo=False, opset_version=17,
            input_names=["pixels"], output_names=["map"], dynamic_axes=axes,
        )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=samples.ROOT / "weights" / "shipped")
    options = parser.parse_args()
    ship(options.seed, options.out)
