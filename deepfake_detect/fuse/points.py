"""Making operating points: a threshold, how often it flags what is genuine, and how much it finds, by condition.

Of scores from left-out folds alone; a calibration file carries them as ``operating_points``, which `operating` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..media import JsonValue
from .measure import Bools, Floats

STRICT_ALARMS = 0.01  # wanted of the strict point, on the folds that set it
STRICT_LEAST = 300  # genuine samples of a condition: none flagged of fewer does not rule out 1 % (the rule of three)
GRID = 400


def lowest(rate: Callable[[float], float], least: float, high: float, wanted: float = STRICT_ALARMS) -> float:
    """The lowest log10 LR of a grid from ``least`` to the bound ``high`` at which ``rate`` is as wanted; infinite if
    the bounded ratio carries none.
    """
    return next((float(t) for t in np.linspace(least, high, GRID) if t > 0 and rate(float(t)) <= wanted), np.inf)


def strict(parts: Sequence[tuple[Floats, Bools]], upper: float, wanted: float = STRICT_ALARMS) -> float:
    """The strict log10 LR of several conditions (ratios, whether synthetic): not below ``upper``, and in each no more
    than the ``wanted`` share of what is genuine reaches it.
    """
    genuine = [ratios[~fake] for ratios, fake in parts if not fake.all()]
    highest = max(float(ratios.max()) for ratios, _ in parts if ratios.size)
    return lowest(lambda t: max(float((ratios >= t).mean()) for ratios in genuine), upper, highest, wanted)


def point(upper: float, real: Mapping[str, list[Bools]], fake: Mapping[str, list[Bools]]) -> dict[str, JsonValue]:
    """One operating point as it ships. ``real`` and ``fake``: by condition, for each group (a fold, a degradation)
    whether each entry lay above the threshold that the other folds gave; the false alarms are those of the worst
    group, what is found is the mean over groups. ``upper`` is null where no score reaches the point.
    """
    return {
        "upper": float(np.ceil(upper * 1e4) / 1e4) if np.isfinite(upper) else None,  # never below the standard one
        "false_alarms": {n: round(max(float(g.mean()) for g in groups if g.size), 5) for n, groups in real.items()},
        "detected": {n: round(float(np.mean([g.mean() for g in groups if g.size])), 5) for n, groups in fake.items()},
        "n_real": {name: int(sum(g.size for g in groups)) for name, groups in real.items()},
    }
