"""What the page keeps goes with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Running

from deepfake_detect.page import place
from deepfake_detect.page.place import open_place


def _gone(folder: Path) -> bool:
    for _ in range(200):
        if not folder.exists():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def _fill(page: Running) -> Path:
    page.enter()
    form = "application/x-www-form-urlencoded"
    page.ask("POST", "/language", b"language=en", Content_Type=form)
    assert page.ask("POST", "/files/add", b"a picture", Content_Type="image/png").status == 200
    assert len(page.files()) == 1
    return page.folder


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_stays_when_the_program_is_ended(start: Callable[[], Running], by: signal.Signals) -> None:
    page = start()
    folder = _fill(page)
    assert page.process is not None
    page.process.send_signal(by)
    page.process.wait(30)
    assert _gone(folder)


def test_closing_the_page_ends_the_program(served: Callable[[], Running], monkeypatch: pytest.MonkeyPatch) -> None:
    from deepfake_detect.page import desk

    monkeypatch.setattr(desk, "_CLOSING", 0.2)
    page = served()
    folder = _fill(page)
    assert page.ask("POST", "/closing").status == 204
    assert _gone(folder)


def test_a_request_after_closing_keeps_the_page(served: Callable[[], Running], monkeypatch: pytest.MonkeyPatch) -> None:
    """Going from one page to the next closes the first."""
    from deepfake_detect.page import desk

    monkeypatch.setattr(desk, "_CLOSING", 0.5)
    page = served()
    folder = _fill(page)
    page.ask("POST", "/closing")
    assert page.ask("POST", "/alive").status == 204
    time.sleep(1)
    assert folder.exists() and page.ask("GET", "/files").status == 200


def test_what_a_power_cut_left_is_removed_at_the_next_start(runtime: Path) -> None:
    code = "import sys, time; from deepfake_detect.page import place; p = place.open_place()"
    code += "; p.new_file('files').write_bytes(b'x'); print(p.folder, p._guardian.pid, flush=True); time.sleep(60)"
    dead = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert dead.stdout is not None
    path, guardian = dead.stdout.readline().split()
    os.kill(int(guardian), signal.SIGKILL)
    dead.kill()
    dead.wait(10)
    assert Path(path).is_dir()
    with open_place() as other:
        assert not Path(path).exists() and other.folder.is_dir()


def test_a_page_that_still_runs_and_what_is_not_ours_stay(runtime: Path) -> None:
    victim = runtime / "victim"
    victim.mkdir()
    (victim / "file").write_bytes(b"x")
    (runtime / f"{place.PREFIX}link").symlink_to(victim)
    (runtime / f"{place.PREFIX}starting").mkdir()
    with open_place() as first, open_place() as second:
        assert first.folder.is_dir() and second.folder.is_dir() and first.folder != second.folder
        assert (runtime / f"{place.PREFIX}starting").is_dir()
    assert (victim / "file").read_bytes() == b"x"
    assert not first.folder.exists() and not second.folder.exists()


def test_memory_comes_first_and_a_full_one_is_passed_over(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    disk = tmp_path_factory.mktemp("disk")
    monkeypatch.setattr(place.tempfile, "tempdir", str(disk))
    monkeypatch.setattr(place, "_ENOUGH", 1)
    with open_place() as kept:
        assert kept.folder.parent == runtime and kept.in_memory and 0 < kept.room <= 2 * 2**30
    monkeypatch.setattr(place, "_ENOUGH", 2**62)
    with open_place() as kept:
        assert kept.folder.parent == disk and not kept.in_memory
