"""Run the frozen encoder over crops once and keep its features: class token, mean and spread of the patch tokens.

    python training/visual/features.py DATA --task synthetic-image --conditions clean aug1 half-jpeg75

With `--bfloat16` the matrix products run in bfloat16 (a third of the time where the processor has AMX), the sums
between them in float32. A head's scores move little by it: 0.03 on the mean and 0.12 at most on 149 clean crops of the
fold sdxl, where their standard deviation is 2.4, and the AUC there is 0.918 either way.

float16 [rows, 12 blocks, 3 (class token, patch mean, patch standard deviation), 768] in CACHE/TASK.CONDITION.npy, in
the order of `corpus.part(DATA, TASK, CONDITION)`. A run that was cut off goes on where it was, and several may
work at once. Faces are read for what covers them in the same run (`cover.py`), so `occlusion_features.py` comes first.
"""

from __future__ import annotations

import argparse
import fcntl
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import crops
import numpy as np
import torch
from corpus import ROOT, TASKS, cache, part
from cover import BLOCK, heads_of
from cover import TASK as FACES
from heads import Linear
from safetensors.torch import load_file
from torch import Tensor

from deepfake_detect.detect.networks.clip import ClipEncoder, dequantise

ENCODER = ROOT / "weights" / "shipped" / "clip-vit-b16.safetensors"
BLOCKS = 12
PART = 48


def encoder(weights: Path, bfloat16: bool = False) -> ClipEncoder:
    """All twelve blocks, every block's class token and patch tokens, in float32 as in a scan."""
    every = tuple(range(BLOCKS))
    net = ClipEncoder(BLOCKS, every, every)
    net.load_state_dict(dequantise(load_file(weights)))
    if bfloat16:
        for layer in net.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.to(torch.bfloat16)
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


def extract(
    net: ClipEncoder, pictures: Iterable[np.ndarray], heads: list[Linear], size: int = 8
) -> dict[str, np.ndarray]:
    """By what a file's name begins with: features, and where there are heads, one a picture, what they read."""
    half = next(net.blocks[0].q.parameters()).dtype == torch.bfloat16
    features: list[np.ndarray] = []
    logits: list[np.ndarray] = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        for batch in batches(pictures, size):
            outputs = net(torch.from_numpy(crops.normalise(batch)))
            features.append(summarise(outputs))
            tokens, own = outputs["patch"][:, BLOCK].float().numpy(), heads[len(logits) :]
            logits += [head(patch) for head, patch in zip(own, tokens, strict=False)]
    cover = {"cover.": np.array(logits, np.float16)} if heads else {}
    return {**cover, "": np.concatenate(features)}


def parts(net: ClipEncoder, data: Path, task: str, name: str, heads: dict[str, Linear]) -> None:
    """Work on the parts of one condition that nobody else works on; whoever sees them complete joins them."""
    rows, folder = part(data, task, name), cache(data) / "parts"
    starts, kinds = range(0, len(rows), PART), (*(["cover."] if heads else []), "")
    paths = {start: folder / f"{task}.{name}.{start}.npy" for start in starts}
    for start, path in paths.items():
        with path.with_suffix(".lock").open("w") as lock:
            if path.exists() or not claimed(lock):
                continue
            here = rows[start : start + PART]
            pictures = prepared(data, task, name, [row.file for row in here])
            made = extract(net, pictures, [heads[row.fold] for row in here] if heads else [])
            for kind in kinds:  # features last: where they are, the part is complete
                ready = path.with_suffix(".writing.npy")
                np.save(ready, made[kind])
                ready.replace(folder / f"{kind}{path.name}")
    whole = cache(data) / f"{task}.{name}.npy"
    if all(path.exists() for path in paths.values()) and not whole.exists():
        for kind in kinds:
            np.save(
                cache(data) / f"{kind}{whole.name}",
                np.concatenate([np.load(folder / f"{kind}{path.name}") for path in paths.values()]),
            )
        print(whole.name, len(rows), flush=True)


def claimed(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def features_of(data: Path, task: str, conditions: list[str], weights: Path = ENCODER, bfloat16: bool = False) -> None:
    """Bring the cache of one task up to these conditions; what is there stays."""
    torch.set_num_threads(1)
    (cache(data) / "parts").mkdir(parents=True, exist_ok=True)
    missing = [name for name in conditions if not (cache(data) / f"{task}.{name}.npy").exists()]
    if not missing:
        return
    net, heads = encoder(weights, bfloat16), heads_of(data) if task == FACES else {}
    for name in missing:
        parts(net, data, task, name, heads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--task", choices=TASKS, nargs="+", required=True)
    parser.add_argument("--conditions", nargs="+", default=["clean"])
    parser.add_argument("--weights", type=Path, default=ENCODER)
    parser.add_argument("--bfloat16", action="store_true")
    args = parser.parse_args()
    for task in args.task:
        features_of(args.data, task, args.conditions, args.weights, args.bfloat16)


if __name__ == "__main__":
    main()
