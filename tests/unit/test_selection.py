"""The page on which filters combine: in a browser, by keyboard, with hostile names, with nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_review import entry

from deepfake_detect.findings import Label
from deepfake_detect.report.html import render_review, render_selection
from deepfake_detect.report.index import CaseIndex, ranked
from deepfake_detect.report.review import SMALL, review_pages
from deepfake_detect.report.selection import MAX_ROWS, PATH, selection

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e\u2028=1+1&amp;"
FILES = 1200


def files() -> CaseIndex:
    """Every third a video, every fifth manipulated and flagged, every seventh tagged, every 50th reviewed."""
    made = [
        entry(
            i, kind="video" if i % 3 == 0 else "image", flagged=i % 5 == 0, tags=tuple(_tags(i)), llr=2.0,
            label=Label.MANIPULATED if i % 5 == 0 else Label.NO_MANIPULATION_FOUND, first_pass=i % 5 != 0,
        )
        for i in range(FILES)
    ]  # fmt: skip
    made[0] = replace(made[0], paths=(HOSTILE, "/drive/0/copy.jpg"))
    made[1] = replace(made[1], label=None, kind=None, failure="failed", message=HOSTILE)  # type: ignore[arg-type]
    return CaseIndex(ranked(made))


def _tags(i: int) -> Iterator[str]:
    if i % 7 == 0:
        yield HOSTILE
    if i % 50 == 0:
        yield "reviewed"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("case")
    (folder / "list").mkdir()
    made = selection(files())
    assert made is not None
    (folder / PATH).write_text(render_selection(made), encoding="utf-8")
    return folder


@pytest.fixture
def page(browser: Any, case: Path) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1000, "height": 900})
    opened.set_default_timeout(10_000)
    opened.noise = []
    opened.on("console", lambda message: opened.noise.append(message.text))
    opened.on("pageerror", lambda error: opened.noise.append(str(error)))
    opened.on("dialog", lambda dialog: (opened.noise.append(dialog.message), dialog.dismiss()))
    opened.on("request", lambda request: opened.noise.append(request.url))
    opened.goto((case / PATH).as_uri())
    yield opened
    own = (case / PATH).as_uri()
    assert [line for line in opened.noise if not line.startswith((own, "data:"))] == []
    opened.close()


def count(page: Any) -> str:
    return str(page.inner_text("#count"))


def tick(page: Any, name: str) -> None:
    page.locator("label", has_text=name).locator("input").first.check()


def test_filters_of_several_groups_must_all_agree(page: Any) -> None:
    assert count(page) == "1,200 of 1,200 files, 1 to 200 shown"
    tick(page, "video")
    assert count(page).startswith("400 of 1,200")
    page.get_by_label("flagged", exact=False).first.check()
    assert count(page) == "80 of 1,200 files"
    page.fill("#path", "/DRIVE/0/1")
    rows = page.locator("#chosen tbody tr")
    wanted = {i for i in range(FILES) if i % 15 == 0 and str(i).startswith("1")}
    assert rows.count() == len(wanted)
    assert {int(re.findall(r"(\d+)\.jpg", t)[0]) for t in rows.locator("a").all_inner_texts()} == wanted
    tick(page, "</script>")
    assert rows.count() == len({i for i in wanted if i % 7 == 0})
    kept = page.url
    page.click("#clear")
    assert count(page).startswith("1,200 of") and page.url.endswith("#")
    page.goto(kept)  # the address keeps what was chosen
    assert rows.count() == len({i for i in wanted if i % 7 == 0})


def test_values_of_one_group_are_alternatives(page: Any) -> None:
    tick(page, "signs of manipulation")
    tick(page, "not analysed")
    assert count(page).startswith("241 of")


def test_it_works_by_keyboard_alone(page: Any) -> None:
    page.keyboard.press("Tab")  # the link to all files
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "path"
    page.keyboard.type("/drive/2/")
    assert count(page).startswith("400 of")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.parentElement.textContent.includes('video')"):
            break
    page.keyboard.press("Space")
    assert count(page).startswith("0 of")
    page.keyboard.press("Space")
    page.locator("#next").focus()
    page.keyboard.press("Enter")
    assert count(page) == "400 of 1,200 files, 201 to 400 shown"
    assert page.evaluate("document.activeElement.id") == "count"
    assert page.locator("#next").is_disabled() and page.locator("#previous").is_enabled()


def test_hostile_names_stay_text(page: Any) -> None:
    page.fill("#path", "onerror=alert(1)")
    assert count(page) == "1 of 1,200 files"
    shown = page.inner_text("#chosen tbody")
    assert "</script><img src=x onerror=alert(1)>\\u202e" in shown and "\u202e" not in shown
    assert "copy.jpg" in shown
    assert page.evaluate("document.images.length") == 0
    page.click("#clear")
    tick(page, "not analysed")
    assert "onerror" in page.inner_text("#chosen tbody")
    assert page.evaluate("document.images.length + document.querySelectorAll('#tool script').length") == 0


@pytest.mark.parametrize("width", [400, 1400])
def test_it_fits(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_only_its_own_script_may_run(browser: Any, case: Path, tmp_path: Path) -> None:
    text = (case / PATH).read_text(encoding="utf-8")
    path = tmp_path / "changed.html"
    path.write_text(text.replace('"use strict";', '"use strict"; alert(1);'), encoding="utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append("dialog"), dialog.dismiss()))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    page.close()
    assert "dialog" not in said and "Content Security Policy" in " ".join(said)


def test_every_link_of_the_page_leads_to_a_report(page: Any) -> None:
    links = page.eval_on_selector_all("#chosen a", "all => all.map(a => a.getAttribute('href'))")
    assert all(re.fullmatch(r"\.\./reports/[0-9a-f]{64}\.(html|json)", link) for link in links)
    assert {link.rpartition(".")[2] for link in links} == {"html"}, "flagged ones come first"


def test_small_cases_have_no_such_page_and_large_ones_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    few = CaseIndex(tuple(entry(i) for i in range(SMALL)))
    assert selection(few) is None
    assert PATH not in render_review(next(review_pages(few)))
    assert PATH in render_review(next(review_pages(files())))
    monkeypatch.setattr("deepfake_detect.report.selection.MAX_ROWS", 50)
    many = selection(CaseIndex(tuple(entry(i) for i in range(55))))
    assert many is not None and (many.files, many.cut) == (50, 5)
    assert "5 are not" in render_selection(many)
    assert len(json.loads(many.data)["rows"]) == 50 and len(many.data) / 50 * MAX_ROWS < 40_000_000
