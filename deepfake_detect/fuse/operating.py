"""Operating points: where a detector's upper threshold lies, and how often genuine samples reach it.

``standard`` is for single files, ``strict`` for folders of many files that are nearly all genuine. Both are measured by
`benchmarks/run.py` on folds that set no threshold, and travel in the calibration file of the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

STANDARD: Final = "standard"
STRICT: Final = "strict"
POINTS: Final = (STANDARD, STRICT)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """``upper``: log10 LR from which a line is flagged. ``false_alarms``: by condition, the share of genuine samples
    that reach it, under the worst delivery measured; a condition that is not named was not measured.
    """

    name: str
    upper: float
    false_alarms: Mapping[str, float] = field(default_factory=dict)


def parse_points(raw: Mapping[str, Any], unreachable: float) -> dict[str, OperatingPoint]:
    """The points of a calibration file. ``unreachable``: a ratio that no condition gives, for a point that none of them
    can reach. A file from before there were points has its ``standard`` one alone, from the rates that it does hold.

    Raises ``KeyError``, ``TypeError`` and ``ValueError`` on a malformed file.
    """
    upper = float(raw["thresholds"]["upper"])
    points = {STANDARD: OperatingPoint(STANDARD, upper, _older_rates(raw["thresholds"], raw["conditions"]))}
    for name, said in raw.get("operating_points", {}).items():
        rates = {str(condition): float(rate) for condition, rate in said["false_alarms"].items()}
        if not all(0 <= rate <= 1 for rate in rates.values()):
            raise ValueError(f"operating point {name}: a rate is no share")
        at = unreachable if said["upper"] is None else float(said["upper"])
        points[name] = OperatingPoint(name, upper if name == STANDARD else at, rates)
    if STRICT in points and points[STRICT].upper < upper:
        raise ValueError("the strict operating point lies below the standard one")
    return points


def _older_rates(thresholds: Mapping[str, Any], conditions: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """By condition, the worst rate that stands with it or with the thresholds."""
    rates = {}
    for condition in conditions:
        named = [condition, *condition.get("re-shipped", {}).values()]
        if "false_alarm_at_upper" not in condition:
            named.append(thresholds)
        keys = ("false_alarm_at_upper", "false_alarms_at_upper")
        found = [float(part[key]) for part in named for key in keys if part.get(key) is not None]
        if found:
            rates[str(condition["name"])] = max(found)
    return rates
