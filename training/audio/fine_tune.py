"""Fine-tune the third block of Whisper's encoder with the head, on three folds named beforehand: was it worth it?

    python training/audio/fine_tune.py --data PATH_OF_THE_PACK

Wants the features of `features.py` for the VARIANTS. Starts from the frozen encoder and the head of `head.py`, fitted
on the same clips; the statistics of blocks 1 and 2, of the acoustic frames and of the window stay as they are. A clip
goes through one of the VARIANTS a pass, drawn. Rates and passes were set before the first run. bfloat16 where the
processor has it in matrices. Prints a line a fold, setting and pass.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from features import CACHE, degrade, read
from head import SHIPPED, Bools, Clips, Floats, clip_weights, fit, load_clips, load_variant
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from deepfake_detect.detect.networks.whisper import WhisperEncoder
from deepfake_detect.detect.sound_quality import NARROW_DB
from deepfake_detect.extract.logmel import log_mel
from deepfake_detect.fuse.measure import auc, equal_error

VARIANTS = ("clean",)
FOLDS = ("zeroshot", "codec", "conversion")
RATE = 3e-5
HEAD_RATE = 1e-4
STRENGTH = 3e-3
PASSES = 2
BATCH = 16
FRAME, PIECE, MOST = 320, 25, 200  # samples; encoder frames of half a second and of 4 s
THIRD = slice(3072, 4608)  # what block 3 gives among the features of `head.py`
STATES = CACHE / "block2.npz"


def cache_states(data: Path, clips: Clips) -> None:
    """What block 2 gives, [variants, clips, 200, 512] as float16, and how many whole half seconds a clip has.

    A clip shorter than one is taken to go on as it ends.
    """
    encoder = WhisperEncoder(load_file(SHIPPED / "whisper-base-l3.safetensors"), (2,))
    states = np.zeros((len(VARIANTS), len(clips.file), MOST, 512), np.float16)
    pieces = np.zeros(len(clips.file), np.int64)
    for v, variant in enumerate(VARIANTS):
        for row, name in enumerate(clips.file):
            sound = degrade(read(data, str(name)), str(name), variant)
            sound = sound[: len(sound) // FRAME * FRAME]
            with torch.inference_mode():
                layer = encoder(torch.from_numpy(log_mel(sound - sound.mean()))[None])["layers"][0, 0].numpy()
            layer = np.pad(layer, ((0, max(0, PIECE - len(layer))), (0, 0)), mode="edge")
            pieces[row] = len(layer) // PIECE
            states[v, row, : len(layer)] = layer
        print(f"{variant}: states of {len(clips.file)} clips", flush=True)
    np.savez(STATES, states=states, pieces=pieces)


def statistics(layer: Tensor) -> Tensor:
    """[b, t, 512] of whole half seconds -> [b, 1536]: the means of their statistics, as in `features.py`."""
    pieces = layer.reshape(len(layer), -1, PIECE, layer.shape[-1])
    step = (pieces[:, :, 1:] - pieces[:, :, :-1]).square().mean(dim=2)
    deviation = pieces.var(dim=2, correction=0)
    parts = [pieces.mean(dim=2), (deviation + 1e-8).sqrt(), (step + 1e-8).sqrt()]
    return torch.cat(parts, dim=2).mean(dim=1)


@dataclass(frozen=True, slots=True)
class Material:
    """Everything of all clips: [variants, clips, ...]."""

    states: NDArray[np.float16]
    pieces: NDArray[np.int64]
    """[clips]"""
    features: Floats
    narrow: Bools

    def batches(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """`rows` in batches of equal length, so that attention sees no padding, in their order within a length."""
        for length in np.unique(self.pieces[rows]):
            same = rows[self.pieces[rows] == length]
            yield from (same[start : start + BATCH] for start in range(0, len(same), BATCH))

    def inputs(self, variants: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """States, features and bands of clips of the same length."""
        states = self.states[variants, rows, : self.pieces[rows[0]] * PIECE].astype(np.float32)
        narrow = self.narrow[variants, rows].astype(np.int64)
        return torch.from_numpy(states), torch.from_numpy(self.features[variants, rows]), torch.from_numpy(narrow)


class Tuned(nn.Module):
    """Block 3 and the two heads over standardised features."""

    def __init__(self, head: tuple[Floats, Floats], features: Floats) -> None:
        super().__init__()
        self.block = WhisperEncoder(load_file(SHIPPED / "whisper-base-l3.safetensors"), (3,)).blocks[2]
        for value in self.block.buffers():
            value.requires_grad_()
        self.register_buffer("mean", torch.from_numpy(features.mean(axis=0)))
        self.register_buffer("deviation", torch.from_numpy(features.std(axis=0) + 1e-6))
        weight, bias = (torch.from_numpy(part) for part in head)
        self.weight = nn.Parameter(weight * self.deviation)
        self.bias = nn.Parameter(bias + weight @ self.mean)

    def forward(self, states: Tensor, features: Tensor, narrow: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            layer = self.block(states)
        features = features.clone()
        features[:, THIRD] = statistics(layer.float())
        scaled = (features - self.mean) / self.deviation
        return (scaled * self.weight[narrow]).sum(dim=1) + self.bias[narrow]


def train_pass(
    model: Tuned,
    optimiser: torch.optim.Optimizer,
    data: Material,
    clips: Clips,
    weights: Floats,
    rng: np.random.Generator,
) -> None:
    """Every clip of weight above 0 once, through one variant that is drawn."""
    batches = list(data.batches(rng.permutation(np.flatnonzero(weights > 0))))
    for batch in rng.permutation(len(batches)):
        rows = batches[batch]
        scores = model(*data.inputs(rng.integers(len(VARIANTS), size=len(rows)), rows))
        labels = torch.from_numpy(clips.synthetic[rows].astype(np.float32))
        loss = functional.binary_cross_entropy_with_logits(scores, labels, torch.from_numpy(weights[rows]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@torch.inference_mode()
def measure(model: Tuned, data: Material, clips: Clips, held: Bools, title: str) -> None:
    figures = []
    scores = np.zeros(len(held), np.float32)
    for variant, name in enumerate(VARIANTS):
        for rows in data.batches(np.flatnonzero(held)):
            scores[rows] = model(*data.inputs(np.full(len(rows), variant), rows)).numpy()
        rate = 100 * equal_error(scores[held], clips.synthetic[held])
        figures.append(f"{name} EER {rate:.1f} AUC {auc(scores[held], clips.synthetic[held]):.3f}")
    print(f"{title}: {'; '.join(figures)}", flush=True)


def tune(data: Material, clips: Clips, fold: str) -> None:
    used, held = clips.trains_for(fold), clips.fold == fold
    head = fit([load_variant(name) for name in VARIANTS], clips, used, STRENGTH)
    weights = np.where(used, clip_weights(clips, used), 0).astype(np.float32)
    torch.manual_seed(0)
    rng, start = np.random.default_rng(0), time.process_time()
    model = Tuned(head, data.features[:, used].reshape(-1, data.features.shape[2]))
    groups = [
        {"params": [model.weight, model.bias], "lr": HEAD_RATE},
        {"params": list(model.block.buffers()), "lr": RATE},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.0)
    measure(model, data, clips, held, f"{fold}, frozen")
    for number in range(1, PASSES + 1):
        train_pass(model, optimiser, data, clips, weights, rng)
        measure(model, data, clips, held, f"{fold}, pass {number}, {time.process_time() - start:.0f} s of a core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", nargs="+", default=list(FOLDS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    clips = load_clips(args.data)
    if not STATES.exists():
        cache_states(args.data, clips)
    with np.load(STATES) as stored:
        states, pieces = stored["states"], stored["pieces"]
    features, quality = (np.stack(part) for part in zip(*(load_variant(name) for name in VARIANTS), strict=True))
    data = Material(states, pieces, features, quality[..., 0] < NARROW_DB)
    for fold in args.folds:
        tune(data, clips, fold)


if __name__ == "__main__":
    main()
