"""Figures of a detector: AUC with a clustered bootstrap, Cllr, detection at fixed false alarms, bounds of a ratio."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def auc(scores: Floats, fake: Bools) -> float:
    """Probability that a fake scores above a real one, ties counting half."""
    order = np.sort(scores[~fake])
    below = np.searchsorted(order, scores[fake], "left")
    upto = np.searchsorted(order, scores[fake], "right")
    return float((below + upto).mean() / 2 / len(order))


def bootstrap(
    scores: Floats, fake: Bools, clusters: Sequence[str], rounds: int = 300, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the AUC; whole clusters (source pictures or videos) are drawn, fakes and reals apart."""
    rng = np.random.default_rng(seed)
    cluster = np.unique(np.asarray(clusters), return_inverse=True)[1]
    sides = [[np.flatnonzero(side & (cluster == n)) for n in np.unique(cluster[side])] for side in (fake, ~fake)]
    values = []
    for _ in range(rounds):
        drawn = [np.concatenate([group[i] for i in rng.integers(len(group), size=len(group))]) for group in sides]
        index = np.concatenate(drawn)
        values.append(auc(scores[index], fake[index]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def cllr(llr: Floats, fake: Bools) -> float:
    """Log-likelihood-ratio cost (Brummer & du Preez 2006) of log10 ratios; 1 is what a constant ratio of 1 costs."""
    natural = llr * np.log(10)
    return float((np.logaddexp(0, -natural[fake]).mean() + np.logaddexp(0, natural[~fake]).mean()) / 2 / np.log(2))


def detection_at(scores: Floats, fake: Bools, false_alarms: float) -> float:
    """Share of fakes above the threshold that so many reals exceed."""
    reals = np.sort(scores[~fake])[::-1]
    threshold = reals[min(int(false_alarms * len(reals)), len(reals) - 1)]
    return float((scores[fake] > threshold).mean())


def equal_error(scores: Floats, fake: Bools) -> float:
    """Rate where missed fakes equal false alarms."""
    thresholds = np.sort(scores)
    missed = np.searchsorted(np.sort(scores[fake]), thresholds) / fake.sum()
    alarms = 1 - np.searchsorted(np.sort(scores[~fake]), thresholds) / (~fake).sum()
    return float(((missed + alarms) / 2)[np.argmin(np.abs(missed - alarms))])


def elub(llr: Floats, fake: Bools) -> tuple[float, float]:
    """Empirical lower and upper bound of log10 LR (Vergeer et al. 2016).

    Beyond them, with one misleading ratio added on each side, the Bayes error would exceed that of saying nothing.
    """
    grid = np.linspace(-4, 4, 801)
    missed = (np.searchsorted(np.sort(llr[fake]), grid, "right") + 1) / (fake.sum() + 1)
    alarms = ((~fake).sum() - np.searchsorted(np.sort(llr[~fake]), grid, "right") + 1) / ((~fake).sum() + 1)
    worse = np.where(grid > 0, missed + 10**grid * alarms, missed * 10**-grid + alarms) > 1
    above, below = grid[(grid > 0) & worse], grid[(grid < 0) & worse]
    high = float(above.min()) if above.size else 4.0
    low = float(below.max()) if below.size else -4.0
    return min(low, 0.0), max(high, 0.0)
