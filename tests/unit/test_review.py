"""The review list: ranked, bounded, told by result, kind, tag and folder, with the flags to expect by chance."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from make_report import make_clean_report, make_failure, make_report

from deepfake_detect.findings import CaseRecord, DriveRecord, Label, Report
from deepfake_detect.report.html import render_report, render_review
from deepfake_detect.report.index import CaseIndex, IndexEntry, failure_name, index_entry, merge, ranked
from deepfake_detect.report.review import MAX_PAGES, PAGE_ROWS, review_pages, summarise
from deepfake_detect.report.selection import PATH


def entry(number: int, **changes: object) -> IndexEntry:
    made = IndexEntry(
        f"{number:064x}", f"{number:064x}", (f"/drive/{number % 3}/{number}.jpg",), "image",
        Label.NO_MANIPULATION_FOUND, -1.0, False, None, "", "f",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def at_rate(report: Report, rate: float, upper: float) -> Report:
    """The report as if every detector had this false alarm rate and this upper threshold."""
    conditions = {finding.condition or "": rate for finding in report.findings}
    detectors = tuple(
        replace(d, false_alarms=conditions, thresholds=(-1.0, upper), operating_point="strict")
        for d in report.run.detectors
    )
    return replace(report, run=replace(report.run, detectors=detectors))


def test_an_entry_tells_its_strongest_line_and_what_chance_would_flag() -> None:
    scored = {f.detector for f in make_report().findings if f.llr is not None}
    low, high = (index_entry(at_rate(make_report(), 0.01, upper), "x") for upper in (-50.0, 50.0))
    assert low.flagged and low.strict
    assert low.by_chance == pytest.approx(0.01 * len(scored))
    assert low.strongest is not None and low.strongest <= max(f.llr for f in make_report().findings if f.llr)
    clean = index_entry(at_rate(make_clean_report(), 0.01, 50.0), "y")
    assert not clean.flagged
    assert high.strongest == low.strongest
    assert index_entry(make_clean_report(), "z").by_chance is None


def test_flagged_files_come_first_by_their_strongest_line() -> None:
    entries = [
        entry(1, strongest=5.0), entry(2, flagged=True, strongest=1.0), entry(3, label=None, failure="failed"),
        entry(4, flagged=True, strongest=2.0), entry(5, strongest=None),
    ]  # fmt: skip
    assert [int(e.name, 16) for e in ranked(entries)] == [4, 2, 1, 5, 3]


def test_the_head_counts_what_was_analysed_flagged_and_expected() -> None:
    entries = [entry(i, flagged=i < 30, by_chance=0.01, tags=("reviewed",) if i < 10 else ()) for i in range(1000)]
    entries.append(entry(1000, label=None, failure="failed"))
    summary = summarise(CaseIndex(ranked(entries), None, known=7))
    assert (summary.analysed, summary.flagged, summary.to_review, summary.known) == (1000, 30, 20, 7)
    assert summary.by_chance == pytest.approx(10.0)
    page = " ".join(render_review(next(review_pages(CaseIndex(ranked(entries), None, known=7)))).split())
    assert "<b>1,000</b> analysed, <b>30</b> flagged, <b>20</b> of these not yet reviewed" in page
    assert "<b>10</b> would be flagged by chance" in page
    assert "<b>7</b> known, left out" in page


def test_without_a_measured_rate_no_number_is_given() -> None:
    page = render_review(next(review_pages(CaseIndex((entry(1),)))))
    assert "is not known" in page and "would be flagged by chance:" not in page


def test_a_hundred_thousand_files_are_many_pages_of_bounded_size() -> None:
    files = ranked(entry(i, flagged=i % 100 == 0, strongest=i / 1e5) for i in range(100_000))
    pages = list(review_pages(CaseIndex(files)))
    assert pages[0].path == "index.html"
    assert max(len(page.rows) for page in pages) <= PAGE_ROWS
    ranking = [page for page in pages if page.title == "all files"]
    assert [row for page in ranking for row in page.rows] == list(files)
    assert len({page.path for page in pages}) == len(pages)
    for page in pages:
        assert all(path in {p.path for p in (pages[0], page)} or path.startswith("list/") for path in page.pages)
    folder = [page for page in pages if page.title == "/drive/1"]
    assert len(folder) == MAX_PAGES and folder[0].cut == 33_333 - MAX_PAGES * PAGE_ROWS
    assert len(render_review(pages[0]).encode()) < 1_000_000


def test_every_link_of_every_page_leads_to_a_page_or_a_report() -> None:
    files = ranked(entry(i, tags=("=x", "<b>") if i % 7 == 0 else (), first_pass=i % 2 == 0) for i in range(1200))
    pages = {page.path: render_review(page) for page in review_pages(CaseIndex(files))}
    for path, text in pages.items():
        for href in re.findall(r'<a href="([^"]+)"', text):
            target = href.removeprefix("../") if "/" in path else href
            assert target in {*pages, PATH} or re.fullmatch(r"reports/[0-9a-f]{64}\.(html|json)", target), href
        assert "<script" not in text
    assert {t.split("-")[0] for t in pages} >= {"list/tag", "list/kind", "list/label", "list/folder", "list/all"}
    assert all("<bdi>&lt;b&gt;</bdi>" in text for text in pages.values())


def test_a_path_that_was_read_leaves_no_failure_in_the_index() -> None:
    failed = replace(make_failure(), path="a.mp4", sha256=None)
    report = replace(make_report(), media=replace(make_report().media, path="a.mp4"))
    name = failure_name("a.mp4")
    entries = [index_entry(failed, name), index_entry(report, report.media.sha256)]
    assert list(merge(entries)) == [report.media.sha256]
    assert list(merge(entries[:1])) == [name]
    assert len(merge(entries[::-1])) == 2  # it can no longer be read: that is told


def test_what_a_manifest_says_is_shown_as_text() -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e=1+1"
    record = DriveRecord("IPED", "ab" * 32, hostile, state="deleted", listed_md5="0" * 32, md5_agrees=False)
    page = render_report(replace(make_report(), case=CaseRecord(drive=(record,)), first_pass=True))
    assert "<img src=x" not in page and "\u202e" not in page and "&lt;img src=x" in page
    assert "NOT that of the bytes" in page and "First pass only" in page
