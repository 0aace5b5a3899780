"""Heads on frozen features: weighted logistic regression, and the weights that balance generators and sources.

All functions are pure: arrays in, arrays out, seeded. Scores are raw logits, higher for synthetic or manipulated.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import torch
from corpus import Row
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Linear:
    """score = x @ weight + bias on raw (unstandardised) features."""

    weight: Floats = field(repr=False)
    bias: float

    def __call__(self, features: Floats) -> Floats:
        return np.asarray(features @ self.weight + self.bias, np.float32)


def balance(rows: list[Row], power: float = 0.5) -> Floats:
    """Weights that sum to 1: half on the fakes, half on the reals; a family of n crops gets n ** power of its side."""
    sizes = Counter((r.fake, r.family) for r in rows)
    raw = np.array([sizes[r.fake, r.family] ** (power - 1) for r in rows])
    fake = np.array([r.fake for r in rows])
    for side in (fake, ~fake):
        raw[side] /= 2 * raw[side].sum()
    return raw.astype(np.float32)


def fit_logistic(features: Floats, fake: NDArray[np.bool_], weights: Floats, l2: float, steps: int = 60) -> Linear:
    """Weighted logistic regression with L2 on standardised features, by L-BFGS from zero (convex, so no seed)."""
    x = torch.from_numpy(np.ascontiguousarray(features, np.float32))
    w = torch.from_numpy(weights / weights.sum())
    mean = (x * w[:, None]).sum(0)
    std = ((x - mean).square() * w[:, None]).sum(0).sqrt() + 1e-4
    x = (x - mean) / std
    y = torch.from_numpy(fake.astype(np.float32))
    beta = torch.zeros(x.shape[1] + 1, requires_grad=True)
    optimiser = torch.optim.LBFGS([beta], max_iter=steps, history_size=12, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = x @ beta[1:] + beta[0]
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, y, weight=w, reduction="sum")
        value = value + l2 * beta[1:].square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    final = beta.detach()
    weight = final[1:] / std
    return Linear(weight.numpy(), float(final[0] - (weight * mean).sum()))
