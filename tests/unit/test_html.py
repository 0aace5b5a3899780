"""The pages: what stands where, what hostile text cannot do, and how they behave in a real browser."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from make_report import HOSTILE, make_clean_report, make_failure, make_hostile_report, make_report

from deepfake_detect.explain.timeline import clock, timeline_svg
from deepfake_detect.findings import Abstention, Failure, Label, Reason, Report
from deepfake_detect.media import Region, Span
from deepfake_detect.report import words
from deepfake_detect.report.html import render_failure, render_report, render_review
from deepfake_detect.report.index import CaseIndex, index_entry, merge, ranked
from deepfake_detect.report.pictures import Cover
from deepfake_detect.report.place import place_svg
from deepfake_detect.report.review import review_pages

TAGS = set(
    re.findall(
        r"\S+",
        """
        html head meta link title style body header nav main section article div p h1 h2 h3 h4 ul li dl dt dd table
        thead tbody tr th td figure figcaption img svg line circle rect text desc a b br bdi code span details summary
        """,
    )
)
ATTRIBUTES = set(
    re.findall(
        r"\S+",
        """
        lang charset http-equiv content name rel href class aria-labelledby aria-label role id src width height alt
        xmlns x1 y1 x2 y2 x y cx cy r fill stroke stroke-width stroke-linecap text-anchor font-size scope open
        data-head stroke-dasharray
        """,
    )
)


def _hostile_failure() -> Failure:
    attack = "".join(HOSTILE)
    return Failure(attack, Reason.FAILED, attack, attack, None)


def _index_page() -> str:
    results: list[Report | Failure] = [
        make_report(),
        make_clean_report(),
        make_failure(),
        _hostile_failure(),
        make_hostile_report(),
    ]
    entries = [index_entry(result, f"{i:064x}") for i, result in enumerate(results)]
    return first_page(CaseIndex(ranked(merge(entries).values())))


def first_page(index: CaseIndex) -> str:
    return render_review(next(review_pages(index)))


def _pages() -> dict[str, str]:
    return {
        "report": render_report(make_report()),
        "clean": render_report(make_clean_report()),
        "hostile": render_report(make_hostile_report()),
        "nothing": render_report(replace(make_report(), findings=(), verdict=None, subjects=())),
        "failure": render_failure(make_failure()),
        "hostile failure": render_failure(_hostile_failure()),
        "index": _index_page(),
        "empty index": first_page(CaseIndex(())),
    }


PAGES = _pages()


class _Outline(HTMLParser):
    """Tags, attributes, headings and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.headings: list[str] = []
        self._stack: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        self._stack.append(tag)
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append(f"{tag} ")

    def handle_endtag(self, tag: str) -> None:
        while self._stack and self._stack.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self._stack:
            return
        self.text += data
        if {"h1", "h2", "h3", "h4"} & set(self._stack):
            self.headings[-1] += data


@pytest.mark.parametrize("name", PAGES)
def test_nothing_but_known_tags_and_attributes(name: str) -> None:
    page = _Outline(PAGES[name])
    assert page.tags <= TAGS, page.tags - TAGS
    assert {attribute for attribute, _ in page.attributes} <= ATTRIBUTES
    for attribute, value in page.attributes:
        if attribute in ("href", "src"):
            assert re.fullmatch(
                r"data:,|data:image/png;base64,[A-Za-z0-9+/=]+|reports/[0-9a-f-]+\.html", value or ""
            ), value


@pytest.mark.parametrize("name", PAGES)
def test_no_page_promises_what_nobody_can_know(name: str) -> None:
    text = re.sub(r"\s+", " ", _Outline(PAGES[name]).text)
    assert "authentic" not in text.lower()
    assert not re.search(r"\d\s*% (fake|real|probab|likel|certain|chance)", text)
    if name not in ("failure", "hostile failure"):
        assert words.WEIGHT_NOT_PROBABILITY in text or name == "nothing"


def test_a_failure_and_a_file_without_verdict_carry_no_label_and_no_number() -> None:
    for name in ("failure", "hostile failure", "nothing"):
        page = _Outline(PAGES[name])
        assert "h1 This file could not be analysed" in page.headings
        assert not any(words._VERDICTS[label].headline in page.text for label in Label)
        assert not re.search(r"ratio [+−]\d", page.text)
    assert "Copy it again from the device." in PAGES["failure"]
    assert PAGES["nothing"].index("The face is 31 pixels wide") < PAGES["nothing"].index("Lines of evidence")


def test_order_of_a_report() -> None:
    headings = [heading for heading in _Outline(PAGES["report"]).headings if heading[:2] in ("h1", "h2")]
    assert headings == [
        "h1 Signs of manipulation were found",
        "h2 What this does not say",
        "h2 Why",
        "h2 Where the evidence disagrees",
        "h2 Lines of evidence",
        "h2 Who and what was examined",
        "h2 What could not be tested, and why",
        "h2 What the file says about itself",
        "h2 Identity of the file",
        "h2 How this report was made",
        "h2 How to read the weight of a finding",
    ]


def test_a_report_says_all_that_was_found_and_all_that_was_not() -> None:
    text = re.sub(r"\s+", " ", _Outline(PAGES["report"]).text)
    report = make_report()
    expected = [
        "moderate support for the proposition that the face of this person was manipulated",
        "0.873",
        "+1.62",
        "95 % interval +1.20 to +1.90",
        "face at least 96 px, lightly compressed",
        "0.094 to 0.131",
        "Not measured.",
        "Where the model looked, not proof of editing.",
        "The face is 31 pixels wide",
        "out_of_domain",
        "The last 0.3 s of the video are damaged",
        "claims of the file",
        "CapCut 11.2",
        report.media.sha256,
        report.media.md5,
        report.media.sha1,
        "h264 High, 1280 × 720",
        "rotated 90°",
        report.run.fingerprint,
        "no network",
        "a1" * 32,
        "e5" * 32,
        "synthetic-voice on voice supports the opposite",
        "quay màn hình.mp4",
    ]
    assert [part for part in expected if part not in text] == []


def test_every_experimental_line_is_marked_and_no_other() -> None:
    page = PAGES["report"]
    lines = re.findall(r'<article class="line">(.*?)</article>', page, re.S)
    marked = {line for line in lines if "experimental</span>" in line}
    assert len(lines) == 4 and len(marked) == 1
    assert "Synthetic voice" in marked.pop()


def test_the_stretches_of_a_voice_are_one_card_with_a_time_line() -> None:
    page = PAGES["report"]
    assert page.count("<h3>Synthetic voice") == 1 and "The strongest of 3 stretches" in page
    text = re.sub(r"\s+", " ", _Outline(page).text)
    assert "−0.70" in text and "3 scores from 1.50 s to 7.50 s; highest -1.2 at 4.50 s" in page
    many = tuple(
        Abstention("synthetic-voice", "voice", Reason.TOO_SHORT, f"number {i} ", Span(i, i)) for i in range(40)
    )
    text = re.sub(r"\s+", " ", _Outline(render_report(replace(make_report(), abstentions=many))).text)
    assert "(and 39 more like it" in text and "Number 12" not in text and "Number 0." in text


def test_a_still_has_no_times() -> None:
    assert not re.search(r"\d\.\d\d s\b", _Outline(PAGES["clean"]).text)


def test_hostile_text_is_shown_escaped() -> None:
    for name in ("hostile", "hostile failure", "index"):
        assert "&lt;script&gt;alert(1)" in PAGES[name]
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x1b\x9b\udcff]", PAGES[name])
        PAGES[name].encode("utf-8")
        assert "{{ 7 * 7 }}" in PAGES[name] and "{{" not in PAGES["report"]


def test_a_picture_that_is_no_png_is_never_embedded() -> None:
    shown = render_report(make_hostile_report(), cover=Cover.NOTHING)
    assert "data:image" not in shown and "Picture kept beside the JSON" in shown
    assert "data:image" not in PAGES["hostile"] and "Whole picture, covered" in PAGES["hostile"]
    assert PAGES["report"].count("data:image/png") == 10
    reread = Report.from_json(make_report().to_json())
    assert "data:image" not in render_report(reread)


def test_the_place_of_a_part_is_drawn_to_scale_without_the_picture() -> None:
    svg = str(place_svg(Region(100, 50, 200, 100), 400, 200, "<b>"))
    assert re.findall(r'<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', svg) == [
        ("1.0", "1.0", "160.0", "80.0"), ("41.0", "21.0", "80.0", "40.0")]  # fmt: skip
    assert "&lt;b&gt;" in svg and "<image" not in svg
    outside = str(place_svg(Region(0, 900, 5000, 50), 400, 800, ""))
    assert 'width="80.0" height="0.0"' in outside
    report = make_report()
    media = replace(report.media, facts=replace(report.media.facts, width=1280, height=720))
    with_place = next(finding for finding in report.findings if finding.region)
    assert "of 1280 by 720" in render_report(replace(report, media=media)) and with_place.llr is not None


def test_a_time_line_stays_in_its_drawing() -> None:
    span = Span(0.0, 10.0)
    for values in (((0.0, 1.0),), ((0.0, 0.0), (5.0, 0.0)), ((3.0, 1e308), (2.0, -1e308)), ((0.0, -3.5), (20.0, 4.0))):
        svg = str(timeline_svg(values, span, "<b>"))
        assert svg.count("<circle") == len(values) and "&lt;b&gt;" in svg and "nan" not in svg and "inf" not in svg
        assert all(0 <= float(x) <= 100 for x in re.findall(r'cx="([^"]+)%"', svg))
        assert all(0 <= float(y) <= 170 for y in re.findall(r'cy="([^"]+)"', svg))
    assert timeline_svg((), span, "x") == ""
    assert timeline_svg(((0.0, 1.0),), Span(0.0, 0.0), "still").count("0.00 s") >= 1
    assert [clock(t) for t in (0, 4.2, 59.999, 64.2, 3664.2)] == [
        "0.00 s",
        "4.20 s",
        "1:00.00",
        "1:04.20",
        "1:01:04.20",
    ]


def _open(browser: Any, path: Path, width: int) -> tuple[Any, list[str]]:
    """The page at ``path`` and everything that it said or asked for."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    noise: list[str] = []
    page.on("console", lambda message: noise.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: noise.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (noise.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: noise.append(f"request: {request.url[:80]}"))
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    own = f"request: {path.as_uri()}"[:89]
    return page, [line for line in noise if line[:89] != own and not line.startswith("request: data:")]


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_silently_offline_and_fits(browser: Any, tmp_path: Path, name: str, width: int) -> None:
    path = tmp_path / "page.html"
    path.write_text(PAGES[name], encoding="utf-8")
    page, noise = _open(browser, path, width)
    assert noise == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0 && i.alt)")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.querySelectorAll('script, iframe, object, embed, form, base').length") == 0
    page.close()


def test_the_watch_above_sees_what_it_is_there_to_see(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    bad = '<img src="http://127.0.0.1:9/x.png"><script>alert(1)</script></main>'
    path.write_text(PAGES["failure"].replace("</main>", bad), encoding="utf-8")
    page, noise = _open(browser, path, 400)
    page.close()
    text = " ".join(noise)
    # The policy blocks both, so the attempt shows as console errors; nothing runs and nothing is sent.
    assert "127.0.0.1:9" in text and "Content Security Policy" in text and "dialog" not in text
    path.write_text("<script>alert(2)</script>", encoding="utf-8")
    page, noise = _open(browser, path, 400)
    page.close()
    assert noise == ["dialog: 2"]
