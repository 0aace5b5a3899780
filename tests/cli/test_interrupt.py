"""Ctrl-C stops a scan within two seconds, says how to go on, and that command goes on."""

from __future__ import annotations

import json
import os
import shlex
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
FILES = 30
SECONDS = 5.0  # 2 on an idle machine; on one with ten times its load the process only starts to end by then

# Busy in a library that hears no signal: only the watching thread can end it.
DEAF = """
import hashlib
from deepfake_detect.cli.interrupt import interruptible
with interruptible(lambda: "last words"):
    print("busy", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 200_000_000)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("it's many")
    for i in range(FILES):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(folder / f"{i:03d}.png")
    return folder


def interrupted(folder: Path, case: Path, number: int, *more: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """Start a scan, send a signal after some reports, and tell how long it took to end."""
    command = [COMMAND, "scan", str(folder), "-o", str(case), "--detectors", "provenance", "-q", *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(case.glob("data/reports/*.json"))) < 3:
        time.sleep(0.01)
    started = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, err), time.monotonic() - started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_scan_stops_at_once_and_the_command_it_names_goes_on(
    folder: Path, tmp_path: Path, number: int
) -> None:
    case = tmp_path / "case"
    done, seconds = interrupted(folder, case, number)
    assert seconds < SECONDS
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    kept = {path.name for path in (case / "data" / "reports").glob("*.json")}
    assert 3 <= len(kept) < FILES
    said, command = (line.strip() for line in done.stderr.strip().splitlines()[-2:])
    assert said.endswith("The case is kept. Go on with:")
    words = shlex.split(command)
    assert words[:3] == ["deepfake-detect", "scan", "--resume"]
    again = typed(*words[1:], "--format", "jsonl")
    assert len(again.stdout.splitlines()) == FILES
    assert len(list((case / "data" / "reports").glob("*.json"))) == FILES
    log = [json.loads(line) for line in (case / "custody.jsonl").read_text("ascii").splitlines()]
    scanned = [entry["subject"] for entry in log if entry["action"] == "scanned"]
    assert len(scanned) == len(set(scanned)) == FILES
    assert typed("verify", case, "--no-weights").returncode == 0


def test_a_survivors_case_names_no_path_when_it_stops(folder: Path, tmp_path: Path) -> None:
    done, _ = interrupted(folder, tmp_path / "case", signal.SIGINT, "--survivor")
    assert done.returncode == 130
    assert "--resume" in done.stderr
    assert folder.name not in done.stderr


def test_a_run_inside_a_library_that_hears_no_signal_ends_too() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None and process.stdout.readline() == "busy\n"
    time.sleep(0.2)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - started < SECONDS
    assert process.returncode == 130
    assert said.split() == ["last", "words"]


def test_without_a_case_the_person_is_told_how_to_keep_one(folder: Path) -> None:
    command = [COMMAND, "scan", str(folder), "--detectors", "provenance", "-q", "--format", "jsonl"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Nothing was kept" in said and "-o" in said
