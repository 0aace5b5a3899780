"""A run that was cut off goes on: no file twice, none missing."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COMMAND = str(Path(sys.executable).with_name("deepfake-detect"))
FILES = 24


def arguments(folder: Path, case: Path, *more: str) -> list[str]:
    return [
        COMMAND,
        "scan",
        str(folder),
        "-o",
        str(case),
        "--detectors",
        "provenance",
        "--format",
        "jsonl",
        "-q",
        *more,
    ]


def run(folder: Path, case: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments(folder, case, *more), capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for i in range(FILES):
        buffer = io.BytesIO()
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(buffer, "PNG")
        (folder / f"{i:03d}.png").write_bytes(buffer.getvalue())
    return folder


def run_ids(case: Path) -> dict[str, str]:
    """The run that made each report of a case."""
    reports = (json.loads(p.read_text(encoding="utf-8")) for p in (case / "data" / "reports").glob("*.json"))
    return {report["media"]["sha256"]: report["run"]["id"] for report in reports}


def test_a_killed_run_goes_on(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    finished: dict[str, str] = {}
    for wanted in (3, 9):
        process = subprocess.Popen(
            arguments(folder, case, "--resume"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if len(list(case.glob("data/reports/*.json"))) >= wanted:
                break
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = run_ids(case)
        assert len(now) >= wanted
        # At most the one file that was being written when the kill came is made again.
        assert sum(now[sha] != finished[sha] for sha in finished) <= 1
        finished = now
    done = run(folder, case, "--resume")
    assert len(done.stdout.splitlines()) == FILES
    last = run_ids(case)
    assert len(last) == FILES
    assert sum(last[sha] != finished[sha] for sha in finished) <= 1
    assert subprocess.run([COMMAND, "verify", str(case), "--no-weights"], check=False).returncode == 0
    again = run(folder, case, "--resume")
    assert len(again.stdout.splitlines()) == FILES
    assert run_ids(case) == last


def test_other_options_need_a_restart(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    run(folder, case)
    other = run(folder, case, "--resume", "--max-frames", "3")
    assert other.returncode == 2
    assert "--restart" in other.stderr
    before = run_ids(case)
    assert run(folder, case, "--restart", "--max-frames", "3").returncode == 1  # provenance finds nothing in these
    assert not set(before.values()) & set(run_ids(case).values())


@pytest.mark.parametrize("options", [["--resume", "--restart"], ["--resume", "--retry-failed"]])
def test_only_one_way_to_go_on(folder: Path, tmp_path: Path, options: list[str]) -> None:
    done = run(folder, tmp_path / "case", *options)
    assert done.returncode == 2
    assert "exclude" in done.stderr
    assert not (tmp_path / "case").exists()


def test_without_a_case_there_is_nothing_to_go_on_with(folder: Path) -> None:
    done = subprocess.run([COMMAND, "scan", str(folder), "--resume"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "-o" in done.stderr
