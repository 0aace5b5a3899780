"""A run that was cut off goes on: no file twice, none missing."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from in_process import typed
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
    """A run that nothing cuts off, in this process, which is quicker."""
    return typed(*arguments(folder, case, *more)[1:])


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
    assert typed("verify", case, "--no-weights").returncode == 0
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
    done = typed("scan", folder, "--resume")
    assert done.returncode == 2
    assert "-o" in done.stderr


# In a mount namespace of its own: a disk of 1 MB fills up, is enlarged, becomes read-only, and is given back.
DISKS = """
set -u
mount -t tmpfs -o size=1m tmpfs "$1"; head -c 700000 /dev/zero > "$1/other"; shift
"$@"; echo "full: $?"
mount -o remount,size=64m "$CASE/.."; mount -o remount,ro "$CASE/.."
"$@"; echo "read-only: $?"
mount -o remount,rw "$CASE/.."
"$@"; echo "writable: $?"
cp -r "$CASE" "$OUT"
"""


def whole_reports(case: Path) -> list[dict[str, object]]:
    """Every report that can be seen, each whole."""
    return [json.loads(p.read_text(encoding="utf-8")) for p in (case / "data" / "reports").glob("[!.]*.json")]


def test_a_full_and_a_read_only_disk_cost_nothing_that_was_done(folder: Path, tmp_path: Path) -> None:
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    case = disk / "case"
    command = arguments(folder, case, "--resume", "--full")
    namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    done = subprocess.run(
        [*namespace, "sh", "-c", DISKS, "sh", str(disk), *command], capture_output=True, text=True, timeout=300,
        env={**os.environ, "CASE": str(case), "OUT": str(out)}, check=False,
    )  # fmt: skip
    states = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert states == ["full: 1", "read-only: 1", "writable: 1"], done.stderr  # provenance finds nothing: 1 at the end
    assert "Traceback" not in done.stderr
    assert "Free space there" in done.stderr and "Read-only file system" in done.stderr
    printed = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert FILES < len(printed) < 2 * FILES  # some before the disk was full, all at the end
    assert len(whole_reports(out)) == FILES
    assert not list(out.rglob(".writing-*"))
    assert typed("verify", out, "--no-weights").returncode == 0


def test_a_file_that_vanishes_is_a_failure_until_it_is_back(folder: Path, tmp_path: Path) -> None:
    moving, case = tmp_path / "moving", tmp_path / "case"
    shutil.copytree(folder, moving)
    process = subprocess.Popen(arguments(moving, case), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    last = moving / f"{FILES - 1:03d}.png"
    away = last.rename(tmp_path / "away.png")
    lines = process.communicate(timeout=120)[0].splitlines()
    assert len(lines) == FILES - 1 and "does not exist" in json.loads(lines[-1])["message"]
    away.rename(last)
    assert len(run(moving, case, "--resume").stdout.splitlines()) == FILES
    assert len(whole_reports(case)) == FILES + 1  # the failure stays on record, and no longer in the index
    assert len(json.loads((case / "data" / "index.json").read_text("ascii"))["files"]) == FILES
    assert typed("verify", case, "--no-weights").returncode == 0


# The clock of the system as the program reads it: forty years back, ten ahead, a day back, and so on.
JUMPING = """
import datetime, itertools, sys
import deepfake_detect.case.custody, deepfake_detect.pipeline
real = datetime.datetime
class Jumping(real):
    days = itertools.cycle((0, -14600, 3650, -1))
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + datetime.timedelta(days=next(cls.days))
deepfake_detect.case.custody.datetime = deepfake_detect.pipeline.datetime = Jumping
from deepfake_detect.cli.main import run
run()
"""


def test_a_clock_that_jumps_changes_nothing_but_the_times(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    command = [sys.executable, "-c", JUMPING, *arguments(folder, case, "--resume")[1:]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    assert process.stdout is not None
    for _ in range(5):
        process.stdout.readline()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = run_ids(case)
    assert len(subprocess.run(command, capture_output=True, check=False).stdout.splitlines()) == FILES
    after = run_ids(case)
    assert len(after) == FILES
    assert sum(after[sha] != before[sha] for sha in before) <= 1
    times = [json.loads(line)["time"] for line in (case / "custody.jsonl").read_text("ascii").splitlines()]
    assert times != sorted(times)
    assert typed("verify", case, "--no-weights").returncode == 0
