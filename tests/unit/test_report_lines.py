"""The stretches of one line put together for a reader."""

from __future__ import annotations

from dataclasses import replace

from make_report import make_report

from deepfake_detect.findings import Evidence, Finding
from deepfake_detect.media import Span
from deepfake_detect.report.html import render_report
from deepfake_detect.report.lines import group_lines


def stretch(start: float, score: float, threshold: float | None = 1.0) -> Finding:
    """A window of 4 s with a score for each half second."""
    voice = next(f for f in make_report().findings if f.subject == "voice")
    values = tuple((start + 0.25 + 0.5 * i, score + i / 100) for i in range(8))
    line = Evidence("timeline", "raw score over time, higher for synthetic", values=values, threshold=threshold)
    return replace(voice, span=Span(start, start + 4.0), score=score, llr=score, evidence=(line,))


def test_half_seconds_of_all_stretches_become_one_line_without_their_overlap() -> None:
    (line,) = group_lines([stretch(0.0, 1.0), stretch(4.0, 2.0), stretch(5.0, 3.0)])
    (whole,) = line.evidence
    times = [time for time, _ in whole.values]
    assert times == [0.25 + 0.5 * i for i in range(18)]
    assert whole.threshold == 1.0 and dict(whole.values)[7.75] == 2.07 and dict(whole.values)[8.25] == 3.06


def test_thresholds_of_different_conditions_are_not_drawn_as_one() -> None:
    (line,) = group_lines([stretch(0.0, 1.0), stretch(4.0, 2.0, threshold=0.5)])
    assert line.evidence[0].threshold is None


def test_a_single_stretch_keeps_its_own_evidence() -> None:
    alone = stretch(0.0, 1.0)
    assert group_lines([alone])[0].evidence == alone.evidence


def test_stretches_without_parts_are_shown_by_their_middles() -> None:
    (line,) = group_lines([replace(stretch(0.0, 1.0), evidence=()), stretch(4.0, 2.0)])
    assert line.evidence[-1].values == ((2.0, 1.0), (6.0, 2.0))


def test_the_page_shows_the_half_seconds_of_every_stretch() -> None:
    report = make_report()
    others = tuple(f for f in report.findings if f.subject != "voice")
    page = render_report(replace(report, findings=(*others, stretch(0.0, 1.0), stretch(4.0, 2.0))))
    assert "16 scores from" in page
