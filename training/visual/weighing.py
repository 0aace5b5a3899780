"""A head that learns how much each block's class token counts, after RINE (Koutlis & Papadopoulos 2024, 2402.19091).

Every block's standardised token goes through one and the same two-layer projection; the projections are summed with
learned weights of blocks, a softmax for each component; a small perceptron gives the logit. Beside the logistic loss,
with softened labels, a supervised contrastive one (Khosla et al. 2020, arXiv 2004.11362) on the sum. Members that
differ in their seed are averaged. Written from the paper; widths and rates were set before the first run.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

TOKEN, WIDTH, MEMBERS = 768, 128, 3
EPOCHS, STEPS, BATCH, RATE, DECAY, DROPOUT = 8, 100, 64, 2e-3, 1e-2, 0.5  # STEPS: at least so many, of few crops
CONTRAST, TEMPERATURE, SMOOTHING = 0.2, 0.1, 0.05
Floats = NDArray[np.float32]


class Member(nn.Module):
    """[n, blocks, 768], standardised -> logit [n] and the weighed sum [n, WIDTH] of unit length."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.project1, self.project2 = nn.Linear(TOKEN, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.importance = nn.Parameter(torch.randn(blocks, WIDTH) * 0.1)
        self.judge1, self.judge2 = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        each = F.relu(self.project2(self.drop(F.relu(self.project1(self.drop(x))))))
        joined = (each * torch.softmax(self.importance, 0)).sum(1)
        logit = self.judge2(self.drop(F.relu(self.judge1(joined))))[:, 0]
        return logit, F.normalize(joined, dim=1)


@dataclass(frozen=True, slots=True)
class Weighed:
    """score = mean of the members' logits on raw (unstandardised) features [n, blocks * 768]."""

    mean: Tensor = field(repr=False)
    scale: Tensor = field(repr=False)
    members: tuple[Member, ...] = field(repr=False)

    def __call__(self, features: Floats) -> Floats:
        x = (torch.from_numpy(features).view(len(features), -1, TOKEN) - self.mean) / self.scale
        with torch.inference_mode():
            return np.mean([member(x)[0].numpy() for member in self.members], 0)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Tensors of `networks.heads.WeighedHead`; those of the members stacked, matrices as [in, out]."""
        out = {"weigh.mean": self.mean, "weigh.scale": self.scale}
        for name in ("project1", "project2", "judge1", "judge2"):
            layers = [getattr(member, name) for member in self.members]
            out[f"weigh.{name}.weight"] = torch.stack([layer.weight.t() for layer in layers])
            out[f"weigh.{name}.bias"] = torch.stack([layer.bias for layer in layers])[:, None]
        out["weigh.share"] = torch.stack([torch.softmax(member.importance, 0) for member in self.members])
        return {name: value.detach().numpy().astype(np.float32) for name, value in out.items()}


def contrast(joined: Tensor, labels: Tensor) -> Tensor:
    """Supervised contrastive loss of a batch."""
    itself = torch.eye(len(labels))
    likeness = joined @ joined.t() / TEMPERATURE - itself * 1e4
    same = (labels[:, None] == labels[None]).float() - itself
    return -((torch.log_softmax(likeness, 1) * same).sum(1) / same.sum(1).clamp(min=1)).mean()


def train(x: Tensor, labels: Tensor, chances: Tensor, seed: int) -> Member:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        member, steps = Member(x.shape[1]).train(), max(len(x) // BATCH * EPOCHS, STEPS)
        optimiser = torch.optim.AdamW(member.parameters(), RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        for _ in range(steps):
            drawn = torch.multinomial(chances, BATCH, replacement=True)
            logit, joined = member(x[drawn])
            soft = labels[drawn] * (1 - 2 * SMOOTHING) + SMOOTHING
            loss = F.binary_cross_entropy_with_logits(logit, soft) + CONTRAST * contrast(joined, labels[drawn])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return member.eval()


def fit_weighing(features: Floats, fake: NDArray[np.bool_], weights: Floats) -> Weighed:
    """Members 0 to MEMBERS - 1 on features [n, blocks * 768]; crops are drawn by `weights`. Seeded."""
    x = torch.from_numpy(np.ascontiguousarray(features, np.float32)).view(len(features), -1, TOKEN)
    mean, scale = x.mean(0), x.std(0) + 1e-3
    x, labels, chances = (x - mean) / scale, torch.from_numpy(fake.astype(np.float32)), torch.from_numpy(weights)
    return Weighed(mean, scale, tuple(train(x, labels, chances.double(), seed) for seed in range(MEMBERS)))
