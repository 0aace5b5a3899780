"""Foreign weights through the command line: added, calibrated, scanned with, updated, and taken away."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deepfake_detect.cli.main import app
from PIL import Image
from tiny_models import ONNX, picture_card
from typer.testing import CliRunner

from deepfake_detect.adding import add_weights, remove_weights
from deepfake_detect.calibrating import calibrate

COMMAND = str(Path(sys.executable).with_name("deepfake-detect"))


class Person:
    """Somebody with an own data folder. What they type runs in this process, which has the libraries loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str | Path, code: int = 0) -> str:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    def outside(self, *arguments: str | Path, code: int = 0) -> str:
        """In a process of its own, as the installed command."""
        done = subprocess.run(
            [COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False, cwd=self.folder,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def add(self, version: str) -> None:
        """Add and calibrate the tiny model, in this process: starting one takes a second."""
        add_weights(self.folder / "model.onnx", card=self.folder / "card.toml", version=version)
        calibrate("theirs", self.folder / "known")

    def report(self, *options: str, code: int = 0) -> dict[str, Any]:
        """The report on the file in question."""
        told = self("scan", "-q", "--format", "jsonl", "--no-robustness", *options, "suspect.png", code=code)
        found: dict[str, Any] = json.loads(told)
        return found


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """With a tiny model and its card, 40 known pictures of either label, and one in question."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    shutil.copy(ONNX, tmp_path / "model.onnx")
    (tmp_path / "card.toml").write_text(
        picture_card("theirs", "onnx", "pieces", 'title = "Theirs \\u001b[31m"\nlicence = "MIT"')
    )
    rng = np.random.default_rng(0)
    for side, value in (("real", 80), ("synthetic", 170)):
        (tmp_path / "known" / side).mkdir(parents=True)
        for i in range(40):
            pixels = np.clip(rng.normal(value, 25, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "known" / side / f"{i}.png")
    shutil.copy(tmp_path / "known" / "synthetic" / "0.png", tmp_path / "suspect.png")
    return Person(tmp_path)


def test_added_weights_from_first_to_last(person: Person) -> None:
    assert "calibrate theirs --data" in person.outside("weights", "add", "model.onnx", "--card", "card.toml")
    assert "theirs               1.0.0       0.0 MB  MIT, no commercial use (added by the user, not calibrated)" in (
        person("weights", "list")
    )
    (abstention,) = person.report("--detectors", "theirs", code=1)["abstentions"]
    assert abstention["reason"] == "not_calibrated" and "calibrate theirs" in abstention["detail"]

    told = person("detectors", "show", "theirs")
    assert "not calibrated" in told and "theirs 1.0.0: Theirs \\x1b[31m" in told, "shown, but it colours no terminal"

    told = person("calibrate", "theirs", "--data", "known", "-q")
    assert "crisp: 40 real, 40 synthetic" in told and "experimental" in told
    report = person.report("--detectors", "theirs")
    (finding,) = report["findings"]
    assert finding["experimental"] and finding["llr"] is not None
    assert report["verdict"]["label"] == "inconclusive", "an experimental detector never decides alone"
    (record,) = report["run"]["detectors"]
    assert record["origin"] == record["weights"][0]["origin"] == "added by the user"
    assert record["calibration_sha256"]
    told = person("detectors", "show", "theirs")
    assert "measured, crisp: genuine samples measured 40" in told and "experimental: calibrated by its user" in told
    assert "ok       theirs: theirs/1.0.0/model.onnx" in person("weights", "verify")

    person("weights", "remove", "theirs")
    assert "theirs" not in person("weights", "list")
    person.outside("scan", "--detectors", "theirs", "suspect.png", code=2)


def test_every_report_of_a_case_says_who_added_it_and_no_lower_version_follows(person: Person) -> None:
    scan = ("scan", "-q", "-o", "case", "--no-robustness", "--detectors", "theirs")
    person.add("1.1.0")
    person(*scan, "suspect.png")
    assert "added by the user" in next((person.folder / "case/data/reports").glob("*.html")).read_text()
    person("report", "case", "--audience", "court")
    court = next(p for p in (person.folder / "case/data/documents").iterdir() if p.suffix == ".html").read_text()
    assert "added by the user" in court
    remove_weights("theirs")
    person.add("1.0.0")
    for again in ((), ("--restart",)):
        assert "theirs 1.1.0, and 1.0.0 is here" in person(*scan, *again, "suspect.png", code=2)
    assert "theirs 1.1.0, and 1.0.0 is here" in person("replay", "case", code=2)
    person.add("1.2.0")
    person(*scan, "--restart", "suspect.png")


def test_a_changed_file_is_named_and_costs_only_its_detector(person: Person) -> None:
    person.add("1.0.0")
    path = person.folder / "data/deepfake-detect/weights/theirs/1.0.0/model.onnx"
    path.write_bytes(path.read_bytes() + b"\0")
    assert "changed  theirs" in person("weights", "verify", code=1)
    report = person.report("--detectors", "theirs,provenance", code=1)
    reasons = {a["detector"]: (a["reason"], a["detail"]) for a in report["abstentions"]}
    assert reasons["theirs"][0] == "failed" and "model.onnx" in reasons["theirs"][1]


def test_wrong_use_is_told_in_one_line(person: Person) -> None:
    assert "no file and no folder" in person("weights", "add", "nothing.pth", code=2)
    assert "missing: looks_at, labels, synthetic" in person("weights", "add", "model.onnx", "--id", "x", code=1)
    assert "is taken" in person(
        "weights", "add", "model.onnx", "--card", "card.toml", "--id", "synthetic-image", code=2
    )
    assert "no added detector" in person("calibrate", "provenance", "--data", "known", code=2)
    assert "no detector named" in person("calibrate", "theirs", "--data", "known", code=2)
