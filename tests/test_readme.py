"""The README holds: its commands and options exist, its Python runs, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = str(Path(sys.executable).with_name("deepfake-detect"))
SHELL = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Every call of the tool in the README's shell blocks, as words."""
    found = []
    for line in "".join(SHELL).splitlines():
        for part in re.split(r"\s\|\s|&&|\s>\s", line):
            words = shlex.split(part, comments=True)
            if words and Path(words[0]).name == "deepfake-detect":
                found.append(words[1:])
    return found


@cache
def help_of(*words: str) -> str:
    done = subprocess.run([COMMAND, *words, "--help"], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_and_options_exist(words: list[str]) -> None:
    verbs = words[:2] if words[0] in {"detectors", "weights"} else words[:1]
    verbs = [] if words[0].startswith("-") else verbs
    text = help_of(*verbs)
    assert text, f"no command {verbs}"
    for word in words:
        if word.startswith("-") and word != "-":
            assert re.search(rf"(?<![\w-]){re.escape(word.partition('=')[0])}(?![\w-])", text), word


def test_every_command_of_the_tool_is_in_the_readme() -> None:
    listed = re.findall(r"^  (\w+)  ", help_of().partition("Commands:")[2], re.MULTILINE)
    assert len(listed) >= 4
    assert set(listed) <= {words[0] for words in commands()}


@pytest.mark.parametrize("code", PYTHON)
def test_python_runs(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_two_lines_to_paste_are_there() -> None:
    """``.ci/run`` takes them from here."""
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert len(lines) == 2
    assert lines[0].endswith("deepfake-detect scan samples/")
    assert "[test]" in lines[1] and lines[1].endswith("-m pytest")
