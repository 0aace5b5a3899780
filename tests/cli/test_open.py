"""``open``, and the command without a word."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

CODE = "from deepfake_detect.cli.main import run; run()"


def test_without_a_word_at_a_terminal_the_browser_is_opened(tmp_path: Path) -> None:
    browser, told = tmp_path / "browser", tmp_path / "told"
    browser.write_text(f'#!/bin/sh\necho "$1" > {told}.new && mv {told}.new {told}\n')
    browser.chmod(0o755)
    environment = {**os.environ, "BROWSER": str(browser), "XDG_RUNTIME_DIR": str(tmp_path)}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", CODE]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    try:
        for _ in range(600):
            if told.exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        assert told.read_text().startswith("http://127.0.0.1:")
    finally:
        process.terminate()
        process.wait(30)
        os.close(ours)
        os.close(theirs)


def test_without_a_word_and_a_terminal_the_help_is_printed() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2 and "Usage:" in done.stdout + done.stderr


def test_a_list_of_who_helps_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CODE, "open", "--no-browser", "--referrals", str(tmp_path / "none.toml")]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and "none.toml cannot be read" in done.stderr
    assert list(tmp_path.glob("deepfake-detect-page-*")) == []
