"""The whole way through the page in a real browser, as a person goes it."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Running

from deepfake_detect.report.language import Language, translator

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
TITLE = "You are not alone, and you are not to blame"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class Watched:
    """A tab with everything that it said, asked for, and did wrong."""

    def __init__(self, browser: Any, running: Running, width: int) -> None:
        self.running, self.noise = running, []
        self.context = browser.new_context(viewport={"width": width, "height": 800}, accept_downloads=True)
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(60_000)
        self.tab.on("console", lambda message: self.noise.append(f"console: {message.text}"))
        self.tab.on("pageerror", lambda error: self.noise.append(f"error: {error}"))
        self.context.on("request", self._asked)
        self.tab.on("response", self._answered)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.running.origin + "/", "data:")):
            self.noise.append(f"request: {request.url[:80]}")
        if re.search("portrait|clip|speech", f"{request.url} {request.headers}"):
            self.noise.append("the name of a file was sent")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.noise.append(f"{response.status}: {response.url[:80]}")

    def go(self, selector: str) -> None:
        """Click on what leads to another page, and wait for that."""
        with self.tab.expect_navigation():
            self.tab.click(selector)

    def check(self) -> None:
        """No word on the console, nothing asked for elsewhere, no barrier, no picture, nothing to scroll sideways."""
        assert self.noise == []
        assert self.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert self.tab.evaluate("document.querySelectorAll('img, canvas, video, audio, iframe').length") == 0
        self.tab.evaluate(AXE)
        found = self.tab.evaluate(f"axe.run(document, {{runOnly: {LEVELS}}})")
        assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found["violations"]] == []
        assert found["passes"]


def _answer(watched: Watched, files: list[Path], age: str, original: Path | None) -> None:
    """From the first page to the start of the work."""
    tab = watched.tab
    tab.goto(watched.running.address)
    watched.check()
    watched.go("main button[value=en]")
    watched.check()
    tab.set_input_files("#choose", files)
    tab.wait_for_selector(f".given li:nth-child({len(files)})")
    watched.check()
    watched.go("form[action='/files'] button")
    watched.check()
    watched.go(f"button[value={age}]")
    watched.check()
    watched.go("button[value=VN]")
    watched.check()
    if original:
        tab.set_input_files("#choose", [original])
        tab.wait_for_selector(".given li")
        watched.check()
    watched.go("form[action='/original'] button")
    assert tab.url.endswith("/progress")


def test_a_person_goes_the_whole_way(start: Callable[[], Running], browser: Any, tmp_path: Path) -> None:
    running = start()
    watched = Watched(browser, running, 360)
    tab = watched.tab
    speech = tmp_path / "speech.opus"  # a part of the sample is examined sooner
    cut = ["ffmpeg", "-v", "error", "-i", SAMPLES / "speech-espeak.opus", "-t", "3", "-c", "copy", speech]
    subprocess.run(cut, check=True)
    files = [SAMPLES / "portrait-face-altered.jpg", SAMPLES / "clip.mp4", speech]
    _answer(watched, files, "no", SAMPLES / "portrait.jpg")
    watched.check()
    assert "left" in tab.inner_text("#left")
    watched.go("#stop-2")
    assert tab.inner_text("#state-2") == "Stopped" and tab.is_hidden("#stop-2")
    tab.wait_for_url("**/result", timeout=300_000)
    for language in Language:
        watched.go(f"header button[value={language}]")
        assert tab.get_attribute("html", "lang") == language
        _ = translator(language)
        assert tab.inner_text("h1") == _(TITLE)
        text = tab.inner_text("main")
        assert _("It shows the same as the original that was given, and differs from it in places. A crop, a filter or"
                 " text on it can be the reason, too.") in text  # fmt: skip
        assert (
            _("It was stopped before it was fully examined. That says nothing about it.") in text
        )  # the one that was stopped
        assert "111 (24/7)" in text and "portrait.jpg" not in text
        watched.check()
    _kept(watched, tmp_path)
    _forgotten(watched)


def _kept(watched: Watched, folder: Path) -> None:
    """Technical view, print, PDF and case folder."""
    tab = watched.tab
    printed = tab.pdf()
    assert printed.startswith(b"%PDF") and "111 (24/7)" in _text(printed, folder)
    with tab.expect_download() as saved:
        tab.click("nav a[href^='/report.pdf']")
    assert "111 (24/7)" in _text(Path(saved.value.path()).read_bytes(), folder)
    with tab.expect_download() as saved:
        tab.click("nav a[href='/case.zip']")
    content = zipfile.ZipFile(io.BytesIO(Path(saved.value.path()).read_bytes()))
    names = [name for name in content.namelist() if not name.endswith("/")]
    assert "case/bagit.txt" in names and len([n for n in names if n.startswith("case/data/reports/")]) == 6
    everything = b"".join(content.read(name) for name in names)
    assert not any(part in everything for part in (b"portrait-face", b"portrait.jpg", b"clip.mp4", b"\x89PNG"))
    watched.go("nav a[href='/technical']")
    assert tab.inner_text("h1") == translator(Language.VI)("Forensic report on suspect media")
    watched.check()


def _forgotten(watched: Watched) -> None:
    tab, running = watched.tab, watched.running
    assert running.files()
    watched.go("nav a[href='/forget']")
    watched.check()
    watched.go("main button")
    assert tab.inner_text("h1") == translator(Language.VI)("Everything is forgotten")
    assert running.files() == [] and tab.locator("main li").count() == 6
    watched.check()
    tab.goto(running.origin + "/result")
    assert tab.url == running.origin + "/files"
    watched.context.close()


def _text(pdf: bytes, folder: Path) -> str:
    path = folder / "saved.pdf"
    path.write_bytes(pdf)
    return subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout


def test_all_is_stopped_by_keyboard_where_a_child_may_be_shown(start: Callable[[], Running], browser: Any) -> None:
    """Without a mouse; and that a child may be shown stays said."""
    running = start()
    watched = Watched(browser, running, 1280)
    tab = watched.tab
    _answer(watched, [SAMPLES / "portrait.jpg"], "yes", None)
    tab.focus("button[value=all]")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/result", timeout=300_000)
    assert "A child is or may be shown" in tab.inner_text("main")
    assert "StopNCII" not in tab.inner_text("main")  # takes only adults
    watched.check()
    (info,) = running.folder.glob("case/data/info.json")
    assert re.search(r'"minor": true', info.read_text())
    watched.context.close()


def test_what_cannot_be_taken_is_said_and_the_rest_is_taken(served: Callable[[], Running], browser: Any) -> None:
    """A file that is too large, a step back, and a program that has ended."""
    watched = Watched(browser, served(), 360)
    tab = watched.tab
    tab.goto(watched.running.address)
    for language in Language:
        assert translator(language)("Choose your language") in tab.inner_text("h1")
        assert tab.locator(f"footer p[lang={language}]").count() == 1
    watched.go("main button[value=en]")
    small = {"name": "a.png", "mimeType": "image/png", "buffer": b"x"}
    with tab.expect_navigation():
        tab.set_input_files("#choose", [{**small, "buffer": bytes(2_000_001)}, small])
    assert "A file was not taken: it is larger" in tab.inner_text(".status")
    assert tab.locator(".given li").count() == 1
    watched.go("form[action='/files'] button")
    watched.go("main a[href='/files']")
    assert tab.url.endswith("/files")
    watched.check()
    watched.context.set_offline(True)
    tab.set_input_files("#choose", [small])
    tab.wait_for_selector(".status:has-text('The program has ended.')")
    watched.context.close()


def test_that_a_child_may_be_shown_cannot_be_taken_back(served: Callable[[], Running]) -> None:
    page = served()
    page.enter()
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    page.ask("POST", "/language", b"language=en", **form)
    page.ask("POST", "/files/add", b"x", Content_Type="image/png")
    page.ask("POST", "/files", b"", **form)
    assert page.ask("POST", "/age", b"minor=maybe", **form).getheader("Location") == "/age"
    page.ask("POST", "/age", b"minor=yes", **form)
    page.ask("POST", "/age", b"minor=no", **form)
    text = page.ask("GET", "/age").read()
    assert b"You said that somebody may be under 18. That stays." in text and b'value="no"' not in text


def test_steps_cannot_be_jumped_over(served: Callable[[], Running]) -> None:
    page = served()
    page.enter()
    for path in (
        "/files",
        "/age",
        "/country",
        "/original",
        "/progress",
        "/result",
        "/technical",
        "/case.zip",
        "/report.pdf",
    ):
        assert page.ask("GET", path).getheader("Location") == "/language", path
    assert page.ask("POST", "/original", b"").getheader("Location") == "/language"
    assert page.ask("POST", "/files/add", b"x").status == 405


def test_an_installation_that_cannot_test_still_helps(
    served: Callable[[], Running], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without weights there is no result, but what to do and whom to call."""
    import time

    from deepfake_detect.errors import WeightsMissingError

    def broken(**_: object) -> None:
        raise WeightsMissingError("no weights", "Install them.")

    monkeypatch.setattr("deepfake_detect.pipeline.Scanner", broken)
    page = served()
    page.enter()
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    page.ask("POST", "/language", b"language=en", **form)
    page.ask("POST", "/files/add", b"x", Content_Type="image/png")
    for path, body in (("/files", b""), ("/age", b"minor=no"), ("/country", b"country=VN"), ("/original", b"")):
        page.ask("POST", path, body, **form)
    for _ in range(100):
        if page.ask("GET", "/").getheader("Location") == "/result":
            break
        time.sleep(0.1)
    text = page.ask("GET", "/result").read().decode()
    assert "Do not pay." in text and "The tests could not be made on this computer." in text
    assert '<a href="tel:111" rel="noreferrer noopener">111</a> (24/7)' in text
