"""``match`` and ``scan --originals`` through the command line."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from in_process import typed

from deepfake_detect.report.schema import report_schema

SAMPLES = Path(__file__).parents[2] / "samples"
COMMAND = [str(Path(sys.executable).with_name("deepfake-detect"))]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """The report on the pair of samples/."""
    done = run("match", "-q", "--format", "json", "--supplied-by", "A. Example",
               SAMPLES / "portrait-body-altered.jpg", SAMPLES / "portrait.jpg", SAMPLES / "clip.mp4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_face_and_body_are_told_apart(told: dict[str, Any]) -> None:
    match = next(f for f in told["findings"] if f["facts"]["original"]["path"].endswith("portrait.jpg"))
    zones = {z["zone"]: z["state"] for z in match["facts"]["zones"]}
    assert zones["face"] == "same" and zones["body"] == "differs"
    assert "the face of person-1 is the same, the body of person-1 differs" in match["facts"]["statement"]
    assert "differs from it beyond what recompression explains" in match["facts"]["statement"]
    assert match["facts"]["mirrored"] is True and match["facts"]["original"]["supplied_by"] == "A. Example"


def test_the_report_follows_the_schema(told: dict[str, Any]) -> None:
    jsonschema.validate(told, report_schema(), jsonschema.Draft202012Validator)


def test_the_run_names_the_originals_by_hash(told: dict[str, Any]) -> None:
    originals = told["run"]["options"]["originals"]
    assert originals["count"] == 2 and len(originals["sha256"]) == 2
    assert any(record["id"] == "original-match" for record in told["run"]["detectors"])


def test_a_match_alone_never_calls_a_file_manipulated(told: dict[str, Any]) -> None:
    assert told["verdict"]["label"] == "inconclusive"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_the_page_has_a_slider_and_no_script(tmp_path: Path) -> None:
    original = tmp_path / "<script>alert(1)<script>.jpg"
    shutil.copy(SAMPLES / "portrait.jpg", original)
    page = ("match", "-q", "--format", "html", SAMPLES / "portrait-body-altered.jpg", original)
    covered = typed(*page)
    assert covered.returncode == 0
    assert ('class="slider"' in covered.stdout) == (find_spec("nudenet") is not None)  # else whole pictures are covered
    done = typed(*page, "--show-media")
    assert done.returncode == 0 and 'class="slider"' in done.stdout
    tags = _Tags()
    tags.feed(done.stdout)
    assert "script" not in tags.tags and tags.tags.count("img") >= 5


def test_scan_keeps_the_index_in_the_case(tmp_path: Path) -> None:
    folder, case = tmp_path / "originals", tmp_path / "case"
    folder.mkdir()
    shutil.copy(SAMPLES / "portrait.jpg", folder)
    for _ in range(2):
        done = typed("scan", "-q", "--detectors", "provenance", "-o", case, "--originals", folder, "--format", "json",
                   SAMPLES / "portrait-body-altered.jpg")  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "original-match" in done.stdout
    assert {p.name for p in (case / "data" / "originals").iterdir()} == {"index.json", "features.npz"}
    assert typed("verify", case).returncode == 0
    entries = [json.loads(line) for line in (case / "custody.jsonl").read_bytes().splitlines()]
    (entered,) = [e["details"] for e in entries if e["action"] == "originals_supplied"]  # once for two runs
    assert entered["supplied_by"] is None
    assert list(entered["originals"]) == [hashlib.sha256((SAMPLES / "portrait.jpg").read_bytes()).hexdigest()]
    done = typed("scan", "-q", "--detectors", "provenance", "-o", case, "--originals", folder, "--supplied-by", "A. B.",
               SAMPLES / "portrait-body-altered.jpg")  # fmt: skip
    assert b'"supplied_by": "A. B."' in (case / "custody.jsonl").read_bytes(), done.stderr
    table = " ".join(done.stdout.replace("│", " ").split())
    assert "Original match (portrait.jpg): About 81 % of this picture is the same" in table, done.stdout
    assert "the body of person-1 differs" in table


def test_a_survivor_s_case_keeps_no_name_of_an_original(tmp_path: Path) -> None:
    folder, case = tmp_path / "originals", tmp_path / "case"
    folder.mkdir()
    shutil.copy(SAMPLES / "portrait.jpg", folder / "anna-summer-2019.jpg")
    done = run("scan", "--survivor", "--detectors", "provenance", "-o", case, "--originals", folder,
               "--format", "json", SAMPLES / "portrait-body-altered.jpg")  # fmt: skip
    assert "original-match" in done.stdout
    assert "anna-summer" not in done.stdout + done.stderr
    for path in case.rglob("*"):
        assert path.is_dir() or b"anna-summer" not in path.read_bytes()
    assert not list(case.rglob("*.png"))


def test_wrong_usage_is_one_line(tmp_path: Path) -> None:
    done = typed("match", SAMPLES / "portrait.jpg", tmp_path)
    assert done.returncode == 2 and "no original can be used" in done.stderr and "Traceback" not in done.stderr
