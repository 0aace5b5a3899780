"""Train the trunk of the local-edit map on the features that `features.py` left in `.cache/local-edit/`.

    nice -n 15 python training/local_edit/train.py [--minutes 40] [--seed 1]

The learning rate falls with the time that is left, so that a run always ends annealed; `trunk.pt` and the optimiser are
kept every epoch and a run that was cut off goes on. The state that is best on the part `choose` is written as
`best.safetensors` with its figures.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from describe import BLOCK
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

import samples
from deepfake_detect.detect.networks.residual_map import Trunk

BATCH = 32
RATE = 2e-3
POSITIVE = 2.0  # weight of altered cells
WHOLE = 0.3  # weight of the answer on the whole piece
TOP = 16  # cells whose mean logit is the score of a piece


@dataclass(frozen=True, slots=True)
class Cells:
    """Features float16 [n, f, 28, 28], the altered share of each cell, and the kind of each sample."""

    features: Tensor = field(repr=False)
    share: Tensor = field(repr=False)
    kind: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.kind)


def blocks(part: str) -> list[Path]:
    """The files that are whole."""
    return sorted(samples.CACHE.glob(f"{part}.[0-9][0-9][0-9][0-9].npz"))


def load(part: str) -> Cells:
    """All blocks of a part that are there."""
    read = [np.load(path) for path in blocks(part)]
    return Cells(
        torch.from_numpy(np.concatenate([b["features"] for b in read])),
        torch.from_numpy(np.concatenate([b["share"] for b in read])),
        np.concatenate([b["kind"] for b in read]),
    )


def score(logits: Tensor) -> Tensor:
    """Of a piece: the mean of its largest logits."""
    return logits.flatten(1).topk(TOP, 1).values.mean(1)


def loss(logits: Tensor, share: Tensor) -> Tensor:
    """Cell by cell, and on the piece."""
    cells = functional.binary_cross_entropy_with_logits(logits, share, pos_weight=torch.tensor(POSITIVE))
    edited = (share.flatten(1).amax(1) > 0.5).float()
    return cells + WHOLE * functional.binary_cross_entropy_with_logits(score(logits), edited)


def auc(values: np.ndarray, truth: np.ndarray) -> float:
    order = values.argsort(kind="stable").argsort(kind="stable") + 1.0
    positive = int(truth.sum())
    return float((order[truth].sum() - positive * (positive + 1) / 2) / max(positive * (len(truth) - positive), 1))


def measure(trunk: Trunk, cells: Cells) -> dict[str, float]:
    """Mean AUC over the cells of each edited piece, by kind; AUC of the pieces' scores."""
    trunk.eval()
    with torch.inference_mode():
        logits = torch.cat([trunk(part.float()) for part in cells.features.split(64)])
    truth = cells.share.numpy() > 0.5
    by_kind: dict[str, list[float]] = {}
    for i, kind in enumerate(cells.kind):
        if 8 <= truth[i].sum() <= truth[i].size - 8:
            by_kind.setdefault(str(kind), []).append(auc(logits[i].numpy().ravel(), truth[i].ravel()))
    told = {kind: round(float(np.mean(values)), 4) for kind, values in sorted(by_kind.items())}
    whole = auc(score(logits).numpy(), cells.kind != "untouched")
    return {"pixel_auc": round(float(np.mean(list(told.values()))), 4), "piece_auc": round(whole, 4), **told}


def epoch(trunk: Trunk, optimiser: torch.optim.Optimizer, cells: Cells, spent: float, until: float) -> float:
    """One pass, or what time allows; the mean loss. ``spent``: seconds of training so far."""
    trunk.train()
    losses, start = [], time.time()
    for part in torch.randperm(len(cells)).split(BATCH):
        used = spent + time.time() - start
        if used >= until:
            break
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, used / 30 + 0.1) * 0.5 * (1 + math.cos(math.pi * used / until))
        optimiser.zero_grad()
        value = loss(trunk(cells.features[part].float()), cells.share[part].float())
        value.backward()
        torch.nn.utils.clip_grad_norm_(trunk.parameters(), 1.0)
        optimiser.step()
        losses.append(float(value))
    return float(np.mean(losses)) if losses else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    trunk = Trunk()
    optimiser = torch.optim.AdamW(trunk.parameters(), RATE, weight_decay=0.01)
    kept, best, spent = samples.CACHE / f"trunk.{options.seed}.pt", 0.0, 0.0
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        trunk.load_state_dict(state["trunk"])
        optimiser.load_state_dict(state["optimiser"])
        best, spent = state["best"], state["spent"]
    cells, choose = load("train"), load("choose")
    until = 60 * options.minutes
    while spent < until:
        start = time.time()
        if len(cells) < len(blocks("train")) * BLOCK:  # features.py is still at work
            cells = load("train")
        value = epoch(trunk, optimiser, cells, spent, until)
        spent += time.time() - start
        told = measure(trunk, choose)
        print(json.dumps({"seconds": round(spent), "n": len(cells), "loss": round(value, 4), **told}), flush=True)
        if told["pixel_auc"] > best:
            best = told["pixel_auc"]
            tensors = {f"trunk.{k}": v.contiguous() for k, v in trunk.state_dict().items() if "num_batches" not in k}
            save_file(tensors, samples.CACHE / f"best.{options.seed}.safetensors", {"choose": json.dumps(told)})
        state = {"trunk": trunk.state_dict(), "optimiser": optimiser.state_dict(), "best": best, "spent": spent}
        torch.save(state, kept)


if __name__ == "__main__":
    main()
