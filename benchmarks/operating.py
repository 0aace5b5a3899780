"""Operating points: a threshold, how often it flags what is genuine, and how much it finds, by measured condition.

Of scores from left-out folds alone; a calibration file carries them as ``operating_points``. ``standard`` is the upper
threshold of the file; ``strict`` is for folders of many files, nearly all of them genuine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
STRICT_ALARMS = 0.01  # wanted of the strict point, on the folds that set it
GRID = 400


def lowest(rate: Callable[[float], float], least: float, high: float, wanted: float = STRICT_ALARMS) -> float:
    """The lowest log10 LR of a grid from ``least`` to the bound ``high`` at which ``rate`` is as wanted; infinite if
    the bounded ratio carries none.
    """
    return next((float(t) for t in np.linspace(least, high, GRID) if t > 0 and rate(float(t)) <= wanted), np.inf)


def point(upper: float, real: Mapping[str, list[Bools]], fake: Mapping[str, list[Bools]]) -> dict[str, Any]:
    """One operating point as it ships. ``real`` and ``fake``: by condition, for each group (a fold, a degradation)
    whether each entry lay above the threshold that the other folds gave; the false alarms are those of the worst
    group, what is found is the mean over groups. ``upper`` is null where no score reaches the point.
    """
    return {
        "upper": round(upper, 4) if np.isfinite(upper) else None,
        "false_alarms": {n: round(max(float(g.mean()) for g in groups if g.size), 5) for n, groups in real.items()},
        "detected": {n: round(float(np.mean([g.mean() for g in groups if g.size])), 5) for n, groups in fake.items()},
        "n_real": {name: int(sum(g.size for g in groups)) for name, groups in real.items()},
    }
