"""Calibration curves and every clause of the verdict's rule."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from math import log10
from typing import Any

import pytest

from deepfake_detect.errors import WeightsError
from deepfake_detect.findings import Delivery, Finding, Label, Proposition
from deepfake_detect.fuse import STANDARD, STRICT, Line, decide, parse_calibration

FACE = Proposition("this face was manipulated", "this face was not manipulated", Label.MANIPULATED)
IMAGE = Proposition("this picture was generated", "this picture was recorded", Label.SYNTHETIC)


def line(
    llr: float, detector: str = "face", subject: str = "person-1", experimental: bool = False, upper: float = 1.0
) -> Line:
    proposition = FACE if detector == "face" else IMAGE
    finding = Finding(detector, subject, 0.0, llr, proposition, experimental, interval=(llr - 0.5, llr + 0.5))
    return Line(finding, lower=-0.5, upper=upper)


def declared(origin: str, by: str) -> list[dict[str, Any]]:
    return [{"declared_origin": origin, "declared_by": by, "generator": "Some Model"}]


def label_of(lines: list[Line], facts: list[dict[str, Any]] | None = None) -> Label | None:
    verdict = decide(lines, facts or [])
    return verdict.label if verdict else None


def test_nothing_to_decide_on_gives_no_verdict() -> None:
    assert decide([], []) is None


def test_a_proven_line_above_its_threshold_gives_its_label() -> None:
    assert label_of([line(1.2)]) is Label.MANIPULATED
    assert label_of([line(1.2, "image", "file")]) is Label.SYNTHETIC


def test_the_strongest_of_two_lines_names_the_label() -> None:
    assert label_of([line(1.2), line(1.9, "image", "file")]) is Label.SYNTHETIC
    assert label_of([line(1.9), line(1.2, "image", "file")]) is Label.MANIPULATED


def test_between_the_thresholds_is_inconclusive() -> None:
    assert label_of([line(0.3)]) is Label.INCONCLUSIVE


def test_ratios_are_never_added() -> None:
    lines = [line(0.8), line(0.8, "image", "file"), line(0.8, "voice", "voice")]
    verdict = decide(lines, [])
    assert verdict is not None
    assert verdict.label is Label.INCONCLUSIVE
    assert verdict.llr == 0.8


def test_many_lines_of_one_detector_are_corrected_for_their_number() -> None:
    lines = [line(1.5, subject="person-1")] + [line(-1.0, subject=f"person-{i}") for i in range(2, 11)]
    verdict = decide(lines, [])
    assert verdict is not None
    assert verdict.llr == pytest.approx(1.5 - log10(10))
    assert verdict.interval == pytest.approx((1.0 - log10(10), 2.0 - log10(10)))
    assert verdict.label is Label.INCONCLUSIVE


def test_an_experimental_line_alone_never_moves_the_label() -> None:
    verdict = decide([line(5.0, experimental=True)], [])
    assert verdict is not None
    assert verdict.label is Label.INCONCLUSIVE
    assert verdict.llr is None
    assert "experimental" in verdict.reasons[0]


def test_an_experimental_line_keeps_no_manipulation_found_away() -> None:
    assert label_of([line(-1.0), line(5.0, "image", "file", experimental=True)]) is Label.INCONCLUSIVE


def test_an_experimental_line_below_its_threshold_is_no_reason_for_no_manipulation_found() -> None:
    assert label_of([line(-2.0, experimental=True)]) is Label.INCONCLUSIVE


def test_no_manipulation_found_needs_all_proven_lines_below() -> None:
    assert label_of([line(-1.0)]) is Label.NO_MANIPULATION_FOUND
    assert label_of([line(-1.0), line(-1.0, subject="person-2")]) is Label.NO_MANIPULATION_FOUND
    assert label_of([line(-1.0), line(0.0, subject="person-2")]) is Label.INCONCLUSIVE


@pytest.mark.parametrize(("origin", "label"), [("synthetic", Label.SYNTHETIC), ("composite", Label.MANIPULATED)])
def test_a_trusted_declaration_gives_the_label(origin: str, label: Label) -> None:
    assert label_of([], declared(origin, "signed (trusted)")) is label


@pytest.mark.parametrize("by", ["unsigned metadata", "signed (unknown signer)"])
def test_a_declaration_that_anyone_can_write_does_not_decide_alone(by: str) -> None:
    verdict = decide([], declared("synthetic", by))
    assert verdict is not None
    assert verdict.label is Label.INCONCLUSIVE
    assert "anyone can write" in verdict.reasons[0]


def test_an_untrusted_declaration_and_an_experimental_line_decide_together() -> None:
    lines = [line(1.5, "image", "file", experimental=True)]
    assert label_of(lines, declared("synthetic", "unsigned metadata")) is Label.SYNTHETIC


def test_a_camera_declaration_and_absent_provenance_play_no_part() -> None:
    camera = [{"declared_origin": "camera", "declared_by": "unsigned metadata"}]
    for facts in ([], camera, [{"editing_tools": ("GIMP",)}]):
        assert label_of([line(1.5)], facts) is Label.MANIPULATED
        assert label_of([line(-1.0)], facts) is Label.NO_MANIPULATION_FOUND


def test_a_declaration_keeps_no_manipulation_found_away_and_the_conflict_is_shown() -> None:
    verdict = decide([line(-1.0)], declared("synthetic", "unsigned metadata"))
    assert verdict is not None
    assert verdict.label is Label.INCONCLUSIVE
    assert len(verdict.conflicts) == 1


def test_disagreement_is_shown_not_averaged() -> None:
    verdict = decide([line(1.5), line(-1.5, "image", "file")], [])
    assert verdict is not None
    assert verdict.label is Label.MANIPULATED
    assert verdict.llr == 1.5
    assert verdict.conflicts == ("face on person-1 supports manipulated while image on file supports the opposite",)


def test_two_windows_of_a_voice_are_one_reason() -> None:
    verdict = decide([line(2.0, "voice", "voice"), line(1.9, "voice", "voice")], [])
    assert verdict is not None
    assert verdict.reasons == ("voice on voice lies above its threshold",)


def after(one: Line, *ratios: float | None) -> Line:
    """The line with these ratios after re-shippings."""
    found = tuple(Delivery(f"ship-{i}", None, llr) for i, llr in enumerate(ratios))
    return replace(one, finding=replace(one.finding, deliveries=found))


def test_a_label_that_rests_on_a_line_that_turns_round_is_withdrawn() -> None:
    verdict = decide([after(line(1.5), 1.2, -0.6)], [])
    assert verdict is not None
    assert verdict.label is Label.INCONCLUSIVE
    assert verdict.reasons == (
        "face on person-1 turns round after ship-1", "face on person-1 lies above its threshold",
    )  # fmt: skip
    assert verdict.llr == 1.5


def test_a_line_that_only_weakens_keeps_the_label() -> None:
    assert label_of([after(line(1.5), 0.2, None, 1.6)]) is Label.MANIPULATED
    assert label_of([after(line(-1.0), 0.9, None)]) is Label.NO_MANIPULATION_FOUND


def test_a_clean_file_that_looks_made_after_a_re_shipping_is_inconclusive() -> None:
    assert label_of([after(line(-1.0), -0.9, 1.1)]) is Label.INCONCLUSIVE
    # Of ten lines, one above by 0.9 is what chance gives.
    many = [after(line(-1.0), 1.1), *(line(-1.0, subject=f"person-{i}") for i in range(2, 11))]
    assert label_of(many) is Label.NO_MANIPULATION_FOUND


def test_a_turn_counts_for_the_lines_the_label_rests_on() -> None:
    weak = after(line(2.0, "image", "file", experimental=True), -2.0)
    assert label_of([line(1.5), weak]) is Label.MANIPULATED
    assert label_of([weak], declared("synthetic", "unsigned metadata")) is Label.INCONCLUSIVE
    assert label_of([weak], declared("synthetic", "signed (trusted)")) is Label.SYNTHETIC


def test_the_order_of_lines_does_not_matter() -> None:
    lines = [line(1.5), line(1.5, subject="person-2"), line(-1.0, "image", "file"), line(0.2, "voice", "voice", True)]
    verdicts = {repr(decide(list(order), [])) for order in itertools.permutations(lines)}
    assert len(verdicts) == 1


def calibration(**changes: Any) -> str:
    condition = {"name": "clean", "applies": {"face_px": [60, None]}, "knots": [[-2, -3], [0, 0], [2, 3]],
                 "llr_min": -1.5, "llr_max": 1.5, "auc": 0.9}  # fmt: skip
    raw = {"detector": "face", "weights": {"id": "w", "sha256": "ab"}, "conditions": [{**condition, **changes}],
           "thresholds": {"lower": -0.5, "upper": 1.0}, "experimental": False}  # fmt: skip
    return json.dumps(raw)


def test_a_score_becomes_a_bounded_ratio() -> None:
    condition = parse_calibration(calibration(), "face", "ab").conditions[0]
    assert condition.llr(0.5) == pytest.approx(0.75)
    assert condition.llr(2) == 1.5  # the data carry no more
    assert condition.llr(-100) == -1.5


def test_the_curve_never_falls() -> None:
    condition = parse_calibration(calibration(), "face", "ab").conditions[0]
    scores = sorted(random.Random(1).uniform(-4, 4) for _ in range(100))
    ratios = [condition.llr(score) for score in scores]
    assert ratios == sorted(ratios)


def test_a_condition_covers_only_what_was_measured() -> None:
    found = parse_calibration(calibration(), "face", "ab")
    assert found.condition({"face_px": 60}) is not None
    assert found.condition({"face_px": 59.9}) is None
    assert found.condition({}) is None


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "null", calibration(knots=[[0, 0]]), calibration(knots=[[0, 0], [0, 1]]), calibration(knots=[[0, 1],
        [1, 0]]), calibration(llr_min=0.5), calibration(llr_max="x"), calibration(applies={"face_px": [1]}),
    ],
)  # fmt: skip
def test_a_malformed_calibration_is_refused(text: str) -> None:
    with pytest.raises(WeightsError):
        parse_calibration(text, "face", "ab")


def test_a_calibration_of_other_weights_is_refused() -> None:
    with pytest.raises(WeightsError, match="other weights"):
        parse_calibration(calibration(), "face", "cd")
    with pytest.raises(WeightsError, match="other weights"):
        parse_calibration(calibration(), "voice", "ab")


def with_points(**points: Any) -> str:
    return json.dumps({**json.loads(calibration(false_alarm_at_upper=0.04)), "operating_points": points})


def test_the_strict_point_moves_the_upper_threshold_and_tells_its_own_rates() -> None:
    strict = {"upper": 1.2, "false_alarms": {"clean": 0.008}, "detected": {"clean": 0.1}}
    standard = {"upper": 1.0, "false_alarms": {"clean": 0.05}, "detected": {"clean": 0.3}}
    found = parse_calibration(with_points(strict=strict, standard=standard), "face", "ab")
    assert (found.upper, found.false_alarms()) == (1.0, {"clean": 0.05})
    at = found.at(STRICT)
    assert (at.point, at.upper, at.lower, at.false_alarms()) == (STRICT, 1.2, found.lower, {"clean": 0.008})
    assert at.at(STANDARD).upper == 1.0


def test_a_point_that_no_ratio_reaches_flags_nothing() -> None:
    never = {"upper": None, "false_alarms": {"clean": 0.0}, "detected": {"clean": 0.0}}
    found = parse_calibration(with_points(strict=never), "face", "ab").at(STRICT)
    assert found.upper > max(condition.llr(1e9) for condition in found.conditions)


def test_without_a_measured_strict_point_the_standard_one_stays() -> None:
    found = parse_calibration(calibration(false_alarm_at_upper=0.04), "face", "ab").at(STRICT)
    assert (found.point, found.upper, found.false_alarms()) == (STANDARD, 1.0, {"clean": 0.04})
    assert parse_calibration(calibration(), "face", "ab").false_alarms() == {}


@pytest.mark.parametrize(
    "point",
    [
        {"upper": 0.5, "false_alarms": {}}, {"upper": 1.2, "false_alarms": {"clean": 1.2}}, {"upper": 1.2},
        {"upper": "x", "false_alarms": {}}, 3,
    ],
)  # fmt: skip
def test_a_malformed_point_is_refused(point: Any) -> None:
    with pytest.raises(WeightsError):
        parse_calibration(with_points(strict=point), "face", "ab")
