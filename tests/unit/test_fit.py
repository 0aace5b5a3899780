"""A calibration from scores: curve, bounds, thresholds, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from deepfake_detect.errors import UsageError
from deepfake_detect.fuse import parse_calibration
from deepfake_detect.fuse.fit import Row, as_json, curve, fit, thresholds

SPLITS = {"narrow": {"band": (None, 0.0)}, "wide": {"band": (0.0, None)}}


def rows(count: int, gap: float = 3.0, band: float = 1.0, seed: int = 0) -> list[Row]:
    """``count`` real and ``count`` synthetic rows whose scores lie ``gap`` apart, with a standard deviation of 1."""
    rng = np.random.default_rng(seed)
    return [
        Row(float(rng.normal(gap * synthetic)), synthetic, {"band": band + rng.uniform(), "size": 100.0}, f"{i}")
        for synthetic in (False, True)
        for i in range(count)
    ]


def test_the_curve_is_that_of_a_logistic_regression_at_even_odds() -> None:
    made = [*rows(40), *(row for row in rows(80, seed=1) if row.synthetic)]
    score, fake = np.array([r.score for r in made]), np.array([r.synthetic for r in made])
    knots, low, high = curve(50 * score - 400, fake)
    model = LogisticRegression(C=1e6, class_weight="balanced").fit(score[:, None], fake)
    for x, ratio in knots:
        expected = model.decision_function([[(x + 400) / 50]])[0] / np.log(10)
        assert ratio == pytest.approx(expected, abs=0.01)
    assert -4 <= low < 0 < high <= 4


def test_rates_are_those_of_files_that_were_left_out() -> None:
    fitted = fit(rows(400), SPLITS)
    (condition,) = fitted.conditions
    assert condition.name == "wide"
    assert (condition.measured["n_real"], condition.measured["n_synthetic"]) == (400, 400)
    assert float(condition.measured["false_alarm_at_upper"]) == pytest.approx(0.04, abs=0.02)  # type: ignore[arg-type]
    assert float(condition.measured["detection_at_upper"]) == pytest.approx(0.89, abs=0.05)  # type: ignore[arg-type]
    assert float(condition.measured["cllr"]) < 0.4  # type: ignore[arg-type]
    assert fitted.lower < 0 < fitted.upper


def test_scores_without_use_are_refused() -> None:
    with pytest.raises(UsageError, match="do not rise"):
        fit(rows(50, gap=-1.0), SPLITS)
    with pytest.raises(UsageError, match="the same"):
        fit([Row(1.0, s, {"band": 1.0}, str(i)) for s in (False, True) for i in range(40)], SPLITS)


def test_too_few_files_are_refused_and_told() -> None:
    with pytest.raises(UsageError, match="29 real and 29 synthetic") as caught:
        fit(rows(29), SPLITS)
    assert "30" in caught.value.hint


def test_a_condition_without_enough_files_is_left_out_and_never_covers() -> None:
    fitted = fit([*rows(40), *rows(10, band=-5.0)], SPLITS)
    assert [c.name for c in fitted.conditions] == ["wide"]
    assert fitted.unused == 20
    (wide,) = fitted.conditions
    assert wide.covers({"band": 1.5, "size": 100.0})
    assert not wide.covers({"band": -4.5, "size": 100.0})
    assert not wide.covers({"band": 1.5, "size": 99.0}), "smaller than anything seen"
    assert not wide.covers({"band": 1.5}), "unknown"


def test_what_is_written_is_what_a_scan_reads() -> None:
    fitted = fit([*rows(40), *rows(40, band=-5.0)], SPLITS)
    text = json.dumps(as_json(fitted, "x", {"id": "x", "sha256": "ab"}, "because", {"command": "c"}))
    read = parse_calibration(text, "x", "ab")
    assert read.experimental and read.experimental_reason == "because"
    assert [c.name for c in read.conditions] == ["narrow", "wide"]
    assert (read.lower, read.upper) == (fitted.lower, fitted.upper)
    for one, other in zip(read.conditions, fitted.conditions, strict=True):
        assert one.llr(1.0) == pytest.approx(other.llr(1.0))


def test_the_order_of_the_files_does_not_matter() -> None:
    made = rows(40)
    one, other = fit(made, SPLITS), fit(made[::-1], SPLITS)
    assert one == other


def test_related_files_are_left_out_together() -> None:
    """Scores that only tell one source from another look perfect until a source is left out as a whole."""
    rng = np.random.default_rng(0)
    centres = {f"{s}{i}": rng.normal(2.0 * s, 2.0) for s in (False, True) for i in range(12)}
    made = [
        Row(float(centre + rng.normal(scale=0.1)), name.startswith("True"), {"band": 1.0}, name)
        for name, centre in centres.items()
        for _ in range(10)
    ]
    sources = fit(made, SPLITS).conditions[0].measured
    alone = fit([Row(r.score, r.synthetic, r.quantities, str(i)) for i, r in enumerate(made)], SPLITS)
    wide = sources["auc_ci95"], alone.conditions[0].measured["auc_ci95"]
    assert wide[0][1] - wide[0][0] > 2 * (wide[1][1] - wide[1][0])  # type: ignore[operator,index]
    assert sources["cllr"] != alone.conditions[0].measured["cllr"]


def test_files_of_one_source_alone_are_refused() -> None:
    made = [Row(r.score, r.synthetic, r.quantities, "one" if r.synthetic else r.group) for r in rows(40)]
    with pytest.raises(UsageError, match="related"):
        fit(made, SPLITS)


def test_a_threshold_counts_as_a_scan_does_those_that_reach_it() -> None:
    """`fuse.decide` flags a ratio that equals the threshold; bounded ratios are equal often."""
    real = np.array([*np.linspace(-1, 0, 95), *[1.5] * 5])
    fake = np.array([*[-0.5] * 10, *np.linspace(0, 1.5, 90)])
    llr, labels = np.concatenate([real, fake]), np.repeat([False, True], 100)
    lower, upper = thresholds([(llr, labels)])
    assert upper > 1.5 and lower < -0.5, "5 % and 10 % lie on the bounds: nothing may reach a threshold"
    lower, upper = thresholds([(np.concatenate([real[:98], [0.5, 0.6], fake[7:], fake[:7]]), labels)])
    assert (real[:98] >= upper).mean() <= 0.04


def test_a_strict_point_ships_where_enough_genuine_files_were_scored() -> None:
    few, many = (fit([*rows(n), *rows(n, band=-5.0)], SPLITS) for n in (290, 310))
    assert list(few.points) == ["standard"]
    read = parse_calibration(
        json.dumps(as_json(many, "x", {"id": "x", "sha256": "ab"}, "because", {"command": "c"})), "x", "ab"
    )
    standard, strict = read.points["standard"], read.points["strict"]
    assert strict.upper > standard.upper == many.upper
    assert set(strict.false_alarms) == {"narrow", "wide"}
    assert all(0 <= strict.false_alarms[name] <= 0.025 for name in strict.false_alarms)
    assert all(strict.false_alarms[name] < standard.false_alarms[name] for name in strict.false_alarms)
