"""What counts as the same answer when a case is run again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from make_report import make_report

from deepfake_detect.case.replay import TOLERANCE, _options, compare
from deepfake_detect.findings import Abstention, Finding, Label, Reason, Report
from deepfake_detect.options import ScanOptions

REPORT = make_report()


def with_finding(index: int, finding: Finding) -> Report:
    findings = list(REPORT.findings)
    findings[index] = finding
    return replace(REPORT, findings=tuple(findings))


def test_the_same_answer_has_no_difference() -> None:
    assert compare(REPORT, REPORT) == ((), 0.0)


def test_pictures_time_and_device_are_not_compared() -> None:
    other = replace(
        REPORT,
        findings=tuple(replace(f, evidence=()) for f in REPORT.findings),
        subjects=(),
        run=replace(REPORT.run, id="x", started="x", seconds=1.0, device="cuda", fingerprint="x"),
    )
    assert compare(REPORT, other)[0] == ()


@pytest.mark.parametrize(("gap", "same"), [(TOLERANCE * 0.9, True), (TOLERANCE * 1.1, False), (-1.0, False)])
@pytest.mark.parametrize("field", ["score", "llr"])
def test_numbers_may_differ_by_the_stated_tolerance(field: str, gap: float, same: bool) -> None:
    finding = REPORT.findings[0]
    before = getattr(finding, field)
    differences, largest = compare(REPORT, with_finding(0, replace(finding, **{field: before + gap})))
    assert (not differences) is same
    assert largest == pytest.approx(abs(gap))


def test_everything_else_must_be_equal() -> None:
    scored = REPORT.findings[0]
    assert REPORT.verdict is not None
    fact = next(i for i, finding in enumerate(REPORT.findings) if finding.facts)
    detector = REPORT.run.detectors[0]
    weight = replace(detector.weights[0], sha256="0" * 64)
    others = {
        "label": replace(REPORT, verdict=replace(REPORT.verdict, label=Label.INCONCLUSIVE)),
        "now none": replace(REPORT, verdict=None),
        "only before": replace(REPORT, findings=REPORT.findings[1:]),
        "only now": replace(REPORT, findings=(*REPORT.findings, replace(scored, subject="person-9"))),
        "condition": with_finding(0, replace(scored, condition="another")),
        "score": with_finding(0, replace(scored, score=None)),
        "facts": with_finding(fact, replace(REPORT.findings[fact], facts={"c2pa": {"state": "trusted"}})),
        "abstentions": replace(REPORT, abstentions=(Abstention("x", "file", Reason.FAILED),)),
        "version": replace(REPORT, run=replace(REPORT.run, version="0.0.9")),
        "other weights": replace(
            REPORT,
            run=replace(REPORT.run, detectors=(replace(detector, weights=(weight,)), *REPORT.run.detectors[1:])),
        ),
    }
    for word, other in others.items():
        differences, _ = compare(REPORT, other)
        assert any(word in difference for difference in differences), (word, differences)


def test_two_lines_alike_are_compared_in_their_order() -> None:
    finding = replace(REPORT.findings[0], span=None)
    before = replace(REPORT, findings=(finding, replace(finding, score=9.0)))
    after = replace(REPORT, findings=(finding, replace(finding, score=8.0)))
    assert len(compare(before, after)[0]) == 1 and compare(before, before)[0] == ()


def test_where_an_original_lies_is_no_difference_and_its_share_is() -> None:
    def with_original(path: str, share: float) -> Report:
        facts = {"original": {"path": path, "sha256": "0" * 64, "supplied": "x", "supplied_by": path}, "share": share}
        return replace(REPORT, findings=(Finding("originals", "file", None, None, None, False, facts=facts),))

    before = with_original("/a/x.jpg", 0.5)
    assert compare(before, with_original("/b/x.jpg", 0.51))[0] == ()
    assert compare(before, with_original("/a/x.jpg", 0.6))[0]


def test_the_plan_that_is_run_again_is_the_recorded_one() -> None:
    """A first pass scored nothing again as delivered, so its replay does not either."""
    for options in (ScanOptions(), ScanOptions(robustness=False, operating_point="strict", language="vi")):
        run = replace(REPORT.run, options=options.as_json())
        assert _options(run, None, first_pass=False) == replace(options, pictures=False)
        assert _options(run, None, first_pass=True) == replace(options, pictures=False, robustness=False)


def test_scores_after_re_shippings_are_compared() -> None:
    finding = REPORT.findings[0]
    moved = tuple(replace(d, score=d.score + 1.0 if d.score is not None else None) for d in finding.deliveries)
    differences, largest = compare(REPORT, with_finding(0, replace(finding, deliveries=moved)))
    assert len(differences) == 3 and "score after screenshot" in differences[-1] and largest == pytest.approx(1.0)
    assert len(compare(REPORT, with_finding(0, replace(finding, deliveries=())))[0]) == 3
