"""Making a calibration: curves, bounds and thresholds from scores of media whose origin is known.

The error rates that a calibration carries are cross-fitted: each group of related files is judged by the curves and
thresholds of the other groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError
from ..media import JsonValue
from .calibrate import Condition, Range
from .measure import Bools, Floats, auc, bootstrap, cllr, elub, equal_error
from .operating import POINTS, STANDARD, STRICT
from .points import STRICT_LEAST, point, strict

SCHEMA = 1
LEAST = 30  # files of either label that a condition needs
FOLDS = 5
RATE = 0.04  # share of real (upper threshold) and of synthetic files (lower one) on the wrong side, in any condition
BEYOND = 0.01  # log10 LR
TOO_FEW = f"Give at least {LEAST} real and {LEAST} synthetic files of each condition; more narrow the bounds."


@dataclass(frozen=True, slots=True)
class Row:
    """One scored file: its raw score, its label, its measured quantities, and the group it is related to."""

    score: float
    synthetic: bool
    quantities: Mapping[str, float]
    group: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a calibration consists of, and the cross-fitted rates of each condition. ``unused``: rows that no condition
    holds, because too few files were given for theirs. ``points``: the operating points as they ship; the strict one is
    missing where a condition has fewer than ``STRICT_LEAST`` real rows.
    """

    conditions: tuple[Condition, ...]
    lower: float
    upper: float
    unused: int
    points: Mapping[str, JsonValue]


def platt(score: Floats, fake: Bools, weight: Floats) -> tuple[float, float]:
    """Slope and offset of log10 LR = slope * score + offset; weighted logistic regression at even prior odds.

    Raises ``ValueError`` if the scores do not rise with the label.
    """
    from scipy.optimize import minimize

    sign = np.where(fake, 1.0, -1.0)
    loss = lambda p: float((weight * np.logaddexp(0, -sign * (p[0] * score + p[1]))).sum())  # noqa: E731
    slope, offset = minimize(loss, (1.0, 0.0), method="BFGS").x / np.log(10)
    if slope <= 0:
        raise ValueError("the scores do not rise with the label: no calibration")
    return float(slope), float(offset)


def curve(score: Floats, fake: Bools) -> tuple[tuple[tuple[float, float], ...], float, float]:
    """Knots, lower and upper bound of log10 LR, both labels weighing alike. Raises ``ValueError`` as ``platt``."""
    centre, spread = float(score.mean()), float(score.std())
    if not spread > 0:
        raise ValueError("all scores are the same: no calibration")
    weight = np.where(fake, 0.5 / fake.sum(), 0.5 / (~fake).sum())
    slope, offset = platt((score - centre) / spread, fake, weight)
    slope, offset = slope / spread, offset - slope * centre / spread
    low, high = elub(slope * score + offset, fake)
    ends = (float(score.min()), float(score.max()))
    return tuple((end, slope * end + offset) for end in ends), low, high


def fit(rows: Sequence[Row], splits: Mapping[str, Mapping[str, Range]]) -> Fitted:
    """Fit one curve to the rows of each condition.

    ``splits``: the ranges that define a condition, by its name; the first that covers a row has it. What is worse than
    anything seen is not covered. Raises ``UsageError`` if no
    condition has enough files of both labels, or where scores do not rise with the label.
    """
    parts = _parts(rows, splits)
    if not parts:
        sides = [sum(row.synthetic is side for row in rows) for side in (False, True)]
        raise UsageError(f"too few files could be scored: {sides[0]} real and {sides[1]} synthetic", TOO_FEW)
    held = _cross_fitted(parts)
    conditions = tuple(
        _condition(name, part, _ranges(part, splits[name]), _rates(part, held[name])) for name, part in parts.items()
    )
    ratios = [(_llr(c, parts[c.name]), _labels(parts[c.name])) for c in conditions]
    lower, upper = thresholds(ratios)
    uppers = {STANDARD: upper, **({STRICT: strict(ratios, upper)} if _enough_for_strict(parts) else {})}
    unused = len(rows) - sum(map(len, parts.values()))
    return Fitted(conditions, lower, upper, unused, _points(parts, held, uppers))


def as_json(
    fitted: Fitted, detector: str, weights: Mapping[str, str], reason: str, facts: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """The calibration file of an experimental detector. ``weights``: id and SHA-256. ``facts``: where it came from."""
    conditions = tuple(
        {"name": c.name, "applies": c.applies, "method": "logistic, bounded by ELUB", "knots": c.knots,
         "llr_min": c.llr_min, "llr_max": c.llr_max, **c.measured}
        for c in fitted.conditions
    )  # fmt: skip
    return {
        "schema": SCHEMA,
        "detector": detector,
        "weights": dict(weights),
        **facts,
        "conditions": conditions,
        "thresholds": {"lower": fitted.lower, "upper": fitted.upper},
        "operating_points": dict(fitted.points),
        "experimental": True,
        "experimental_reason": reason,
    }


def thresholds(parts: Sequence[tuple[Floats, Bools]]) -> tuple[float, float]:
    """Lower and upper log10 LR: in no part (ratios, labels) do more than ``RATE`` of real rows reach the upper one, or
    of synthetic ones the lower. Where bounded ratios leave no such threshold it lies beyond them, and nothing does.
    """
    upper = max(_reached_by_few(llr[~fake]) for llr, fake in parts)
    lower = max(_reached_by_few(-llr[fake]) for llr, fake in parts)
    return min(-lower, -BEYOND), max(upper, BEYOND)


def _reached_by_few(ratios: Floats) -> float:
    """The lowest threshold that at most ``RATE`` of ``ratios`` reach."""
    values = np.unique(ratios)
    few = values[(len(ratios) - np.searchsorted(np.sort(ratios), values)) <= RATE * len(ratios)]
    return float(few[0]) if few.size else float(values[-1]) + BEYOND


def _parts(rows: Sequence[Row], splits: Mapping[str, Mapping[str, Range]]) -> dict[str, list[Row]]:
    """The rows of each condition that has enough of both labels, in a fixed order."""
    parts: dict[str, list[Row]] = {name: [] for name in splits}
    for row in sorted(rows, key=lambda r: (r.synthetic, r.group, r.score)):
        named = (name for name, ranges in splits.items() if Condition("", ranges, (), 0, 0, {}).covers(row.quantities))
        if (first := next(named, None)) is not None:
            parts[first].append(row)
    return {
        name: part
        for name, part in parts.items()
        if min(sum(r.synthetic for r in part), sum(not r.synthetic for r in part)) >= LEAST
    }


def _ranges(part: Sequence[Row], split: Mapping[str, Range]) -> dict[str, Range]:
    """From the lowest that was seen of each quantity up to where the condition ends: for all of them, more is better
    quality.
    """
    lowest = {name: min(row.quantities[name] for row in part) for name in part[0].quantities}
    return {name: (low, split.get(name, (None, None))[1]) for name, low in lowest.items()}


def _condition(
    name: str, part: Sequence[Row], applies: Mapping[str, Range], measured: Mapping[str, JsonValue]
) -> Condition:
    try:
        knots, low, high = curve(_scores(part), _labels(part))
    except ValueError as error:
        raise UsageError(f"condition {name}: {error}", "The detector cannot tell these files apart.") from error
    return Condition(name, applies, knots, low, high, measured)


def _llr(condition: Condition, part: Sequence[Row]) -> Floats:
    return np.array([condition.llr(row.score) for row in part], np.float64)


def _folds(rows: Sequence[Row]) -> dict[str, int]:
    """The fold of each group: those of a label are dealt out in turn, in an order that is as good as random."""
    folds: dict[str, int] = {}
    for synthetic in (False, True):
        groups = {row.group for row in rows if row.synthetic is synthetic} - folds.keys()
        ordered = sorted(groups, key=lambda group: hashlib.sha256(group.encode("utf-8", "surrogatepass")).digest())
        folds |= {group: index % FOLDS for index, group in enumerate(ordered)}
    return folds


class _Held:
    """One condition's rows, each judged by curves and thresholds of the folds that it is not in; until then at 1."""

    def __init__(self, rows: int) -> None:
        self.llr = np.zeros(rows)
        self.below = np.zeros(rows, bool)
        self.above = {name: np.zeros(rows, bool) for name in POINTS}

    def judge(self, rows: Bools, ratios: Floats, lower: float, uppers: Mapping[str, float]) -> None:
        self.llr[rows], self.below[rows] = ratios, ratios <= lower
        for name, upper in uppers.items():
            self.above[name][rows] = ratios >= upper


def _cross_fitted(parts: Mapping[str, Sequence[Row]]) -> dict[str, _Held]:
    """Every fold of each condition by what the other folds gave; where these give no rising curve, by ratios of 1.

    Raises ``UsageError`` if the files of a label are all related.
    """
    folds = _folds([row for part in parts.values() for row in part])
    judged = {name: _Held(len(part)) for name, part in parts.items()}
    for fold in range(FOLDS):
        held = {name: np.array([folds[row.group] == fold for row in part]) for name, part in parts.items()}
        conditions = dict(_without(parts, held))
        others = [(_llr(c, parts[n])[~held[n]], _labels(parts[n])[~held[n]]) for n, c in conditions.items()]
        if not others:
            continue
        lower, upper = thresholds(others)
        uppers = {STANDARD: upper, STRICT: strict(others, upper)}
        for name, condition in conditions.items():
            judged[name].judge(held[name], _llr(condition, parts[name])[held[name]], lower, uppers)
    return judged


def _enough_for_strict(parts: Mapping[str, Sequence[Row]]) -> bool:
    return min(sum(not row.synthetic for row in part) for part in parts.values()) >= STRICT_LEAST


def _points(
    parts: Mapping[str, Sequence[Row]], held: Mapping[str, _Held], uppers: Mapping[str, float]
) -> dict[str, JsonValue]:
    fake = {name: _labels(part) for name, part in parts.items()}
    return {
        kind: point(
            upper,
            {name: [part.above[kind][~fake[name]]] for name, part in held.items()},
            {name: [part.above[kind][fake[name]]] for name, part in held.items()},
        )
        for kind, upper in uppers.items()
    }


def _without(parts: Mapping[str, Sequence[Row]], held: Mapping[str, Bools]) -> Iterator[tuple[str, Condition]]:
    """The curve of each condition without the rows that are held out, where these leave one."""
    for name, part in parts.items():
        scores, labels = _scores(part)[~held[name]], _labels(part)[~held[name]]
        if not 0 < labels.sum() < len(labels):
            raise UsageError(f"condition {name}: all files of one label are related", "Give files of more sources.")
        with suppress(ValueError):
            yield name, Condition(name, {}, *curve(scores, labels), {})


def _rates(part: Sequence[Row], held: _Held) -> dict[str, JsonValue]:
    scores, fake, above = _scores(part), _labels(part), held.above[STANDARD]
    low, high = bootstrap(scores, fake, [row.group for row in part])
    return {
        "n_real": int((~fake).sum()),
        "n_synthetic": int(fake.sum()),
        "auc": round(auc(scores, fake), 4),
        "auc_ci95": (round(low, 4), round(high, 4)),
        "eer": round(equal_error(scores, fake), 4),
        "cllr": round(cllr(held.llr, fake), 4),
        "false_alarm_at_upper": round(float(above[~fake].mean()), 4),
        "detection_at_upper": round(float(above[fake].mean()), 4),
        "missed_below_lower": round(float(held.below[fake].mean()), 4),
        "real_below_lower": round(float(held.below[~fake].mean()), 4),
    }


def _scores(part: Sequence[Row]) -> Floats:
    return np.array([row.score for row in part], np.float64)


def _labels(part: Sequence[Row]) -> Bools:
    return np.array([row.synthetic for row in part], bool)
