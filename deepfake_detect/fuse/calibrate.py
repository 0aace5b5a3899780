"""Raw scores to log10 likelihood ratios, by the curve that was measured for the matching condition.

A curve is piecewise linear and monotone over (score, log10 LR) knots and bounded by what its data can carry (the
empirical lower and upper bound of Vergeer et al. 2016, doi:10.1016/j.scijus.2016.06.003).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import WeightsError
from ..findings import language_condition
from ..media import JsonValue
from .operating import STANDARD, OperatingPoint, parse_points

Range = tuple[float | None, float | None]


def within(value: float, range_: Range) -> bool:
    """Whether a value lies in a range whose ends count; None is no end."""
    low, high = range_
    return (low is None or value >= low) and (high is None or value <= high)


@dataclass(frozen=True, slots=True)
class Condition:
    """One measured condition: the ranges it covers, its curve, its bounds and what is known of its errors."""

    name: str
    applies: Mapping[str, Range]
    knots: tuple[tuple[float, float], ...]
    llr_min: float
    llr_max: float
    measured: Mapping[str, JsonValue]

    def covers(self, quantities: Mapping[str, float]) -> bool:
        """Whether every named quantity is known and within its range."""
        return all(name in quantities and within(quantities[name], range_) for name, range_ in self.applies.items())

    def llr(self, score: float) -> float:
        """The bounded log10 likelihood ratio of a raw score."""
        scores, ratios = zip(*self.knots, strict=True)
        return float(np.clip(np.interp(score, scores, ratios), self.llr_min, self.llr_max))

    def score_at(self, llr: float) -> float | None:
        """The lowest raw score whose bounded ratio reaches ``llr``; None if none does, or if every score does."""
        if not self.llr_min < llr <= self.llr_max:
            return None
        for (left, low), (right, high) in pairwise(self.knots):
            if low < llr <= high:
                return left + (llr - low) / (high - low) * (right - left)
        return None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration of one detector: its conditions in order of preference and its two thresholds in log10 LR.

    ``experimental_reason`` is empty unless the detector is experimental. ``languages``: by code, what was measured on
    clean speech in that language alone; empty for detectors that do not hear. ``upper`` is that of ``point``, the name
    of one of ``points``.
    """

    detector: str
    weights_sha256: str
    conditions: tuple[Condition, ...]
    lower: float
    upper: float
    experimental: bool
    experimental_reason: str
    languages: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    points: Mapping[str, OperatingPoint] = field(default_factory=dict)
    point: str = STANDARD

    def at(self, point: str) -> Calibration:
        """The same at another operating point, or as it is where that was not measured."""
        found = self.points.get(point)
        return self if found is None else replace(self, upper=found.upper, point=found.name)

    def false_alarms(self) -> Mapping[str, float]:
        """By condition, the share of genuine samples that reach ``upper``, where it was measured."""
        return self.points[self.point].false_alarms if self.point in self.points else {}

    def condition(self, quantities: Mapping[str, float]) -> Condition | None:
        """The first condition that covers a sample, or None: out of domain."""
        return next((c for c in self.conditions if c.covers(quantities)), None)

    def error_rates(self) -> dict[str, JsonValue]:
        """What was measured, by condition and by language, as the report prints it."""
        spoken = {language_condition(code): dict(measured) for code, measured in self.languages.items()}
        return {**{c.name: dict(c.measured) for c in self.conditions}, **spoken}


_ABOVE = 0.01  # log10 LR: how far over every ratio a threshold lies that none can reach
_CURVE = {"name", "applies", "knots", "llr_min", "llr_max"}


def _parse_condition(raw: Mapping[str, Any], detector: str) -> Condition:
    knots = tuple((float(s), float(r)) for s, r in raw["knots"])
    rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(knots))
    if len(knots) < 2 or not rising or not raw["llr_min"] <= 0 <= raw["llr_max"]:
        raise WeightsError(f"calibration of {detector}: condition {raw['name']} is not a rising, bounded curve")
    applies = {name: (low, high) for name, (low, high) in raw["applies"].items()}
    measured = _freeze_all({key: value for key, value in raw.items() if key not in _CURVE})
    return Condition(raw["name"], applies, knots, float(raw["llr_min"]), float(raw["llr_max"]), measured)


def _freeze_all(values: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {key: _freeze(value) for key, value in values.items()}


def _freeze(value: Any) -> JsonValue:
    if isinstance(value, list):
        return tuple(_freeze(v) for v in value)
    if isinstance(value, dict):
        return _freeze_all(value)
    return value  # type: ignore[no-any-return]


def parse_calibration(text: str, detector: str, weights_sha256: str) -> Calibration:
    """Read a calibration file. Raises ``WeightsError`` if it is malformed, or made for another detector or other
    weights.
    """
    try:
        raw = json.loads(text)
        conditions = tuple(_parse_condition(c, detector) for c in raw["conditions"])
        calibration = Calibration(
            detector=raw["detector"],
            weights_sha256=raw["weights"]["sha256"],
            conditions=conditions,
            lower=float(raw["thresholds"]["lower"]),
            upper=float(raw["thresholds"]["upper"]),
            experimental=bool(raw["experimental"]),
            experimental_reason=str(raw.get("experimental_reason") or ""),
            languages={code: _freeze_all(measured) for code, measured in raw.get("languages", {}).items()},
            points=parse_points(raw, max((c.llr_max for c in conditions), default=0.0) + _ABOVE),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"the calibration of {detector} cannot be read: {error!r}", "Reinstall the package."
        ) from error
    if calibration.detector != detector or calibration.weights_sha256 != weights_sha256:
        raise WeightsError(
            f"the calibration of {detector} was made for {calibration.detector} with other weights",
            "Calibrate again: a curve holds only for the weights it was measured on.",
        )
    if calibration.lower > calibration.upper:
        raise WeightsError(f"calibration of {detector}: the lower threshold lies above the upper one")
    return calibration
