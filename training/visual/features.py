"""Run the frozen encoder over crops once and keep its features: class token, mean and spread of the patch tokens.

    python training/visual/features.py DATA --task synthetic-image --conditions clean aug1 half-jpeg75

float16 [rows, 12 blocks, 3 (class token, patch mean, patch standard deviation), 768] in CACHE/TASK.CONDITION.npy, in
the order of `corpus.thin(corpus.rows(...), CONDITION)`. The linear layers run in bfloat16 (centred cosine with float32:
0.999).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import crops
import numpy as np
import torch
from corpus import ROOT, TASKS, rows, thin
from safetensors.torch import load_file
from torch import Tensor, nn

from deepfake_detect.detect.networks.clip import ClipEncoder, dequantise

CACHE = ROOT / ".cache" / "visual"
BLOCKS = 12


class Bf16Linear(nn.Module):
    def __init__(self, layer: nn.Linear, back: bool) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight.detach().bfloat16(), layer.bias.detach().bfloat16()
        self.back = back

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.linear(x.bfloat16(), self.weight, self.bias)
        return y.float() if self.back else y


def encoder(weights: Path, fast: bool = True) -> ClipEncoder:
    """All twelve blocks, every block's class token and patch tokens; `fast` runs the linear layers in bfloat16."""
    every = tuple(range(BLOCKS))
    net = ClipEncoder(BLOCKS, every, every)
    net.load_state_dict(dequantise(load_file(weights)))
    for block in net.blocks if fast else ():
        for name in ("q", "k", "v", "out", "fc1", "fc2"):
            setattr(block, name, Bf16Linear(getattr(block, name), name in ("out", "fc2")))
    return net.eval()


def summarise(outputs: dict[str, Tensor]) -> np.ndarray:
    cls, patch = outputs["cls"], outputs["patch"]
    return torch.stack([cls, patch.mean(2), patch.std(2)], 2).clamp(-6e4, 6e4).half().numpy()


def batches(items: Iterable[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    held: list[np.ndarray] = []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held


def prepared(data: Path, task: str, name: str, files: list[str]) -> Iterator[np.ndarray]:
    def one(file: str) -> np.ndarray:
        rgb = crops.condition(crops.centre(crops.read(data / file), crops.STORED), name, file)
        return crops.fit_face(rgb) if task == "face-manipulation" else crops.fit_native(rgb)

    with ThreadPoolExecutor(1) as pool:
        for start in range(0, len(files), 64):
            yield from pool.map(one, files[start : start + 64])


def extract(net: ClipEncoder, pictures: Iterable[np.ndarray], size: int = 8) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate(
            [summarise(net(torch.from_numpy(crops.normalise(batch)))) for batch in batches(pictures, size)]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--task", choices=TASKS, nargs="+", required=True)
    parser.add_argument("--conditions", nargs="+", default=["clean"])
    parser.add_argument("--weights", type=Path, default=CACHE / "clip-full.safetensors")
    args = parser.parse_args()
    torch.set_num_threads(1)
    net = encoder(args.weights)
    for name in args.conditions:
        for task in args.task:
            path, started = CACHE / f"{task}.{name}.npy", time.time()
            if path.exists():
                continue
            files = [row.file for row in thin(rows(args.data, task), name)]
            np.save(path, extract(net, prepared(args.data, task, name, files)))
            print(path.name, len(files), f"{time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
