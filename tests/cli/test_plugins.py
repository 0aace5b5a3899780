"""A detector of another installed package: loaded and told, left out whole by --no-plugins, never in place of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("deepfake-detect"))
PORTRAIT = str(Path(__file__).parents[2] / "samples" / "portrait.jpg")
CODE = """
import os, pathlib
pathlib.Path(os.environ["MARK"]).write_text("imported")
from deepfake_detect.detect import Facts
from deepfake_detect.detect.base import Detector, DetectorCard
from deepfake_detect.media import ContainerFacts

class Foreign(Detector[ContainerFacts]):
    card = DetectorCard(
        "{id}", "3.1", "a foreign one", ContainerFacts, 1, (), "MIT", True, "none", ("a limit",), content=False
    )
    def load(self, store, device):
        return "cpu"
    def score(self, batch):
        return [Facts({"seen": True}) for _ in batch]
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder on the path with a package, installed as pip would have it."""
    return install(tmp_path, "foreign")


def install(folder: Path, id_: str) -> Path:
    site = folder / "site"
    info = site / "foreign_pack-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-pack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[deepfake_detect.detectors]\n{id_} = foreign_pack:Foreign\n")
    (site / "foreign_pack.py").write_text(CODE.replace("{id}", id_))
    return site


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "MARK": str(site.parent / "mark")}
    command = [COMMAND, "scan", PORTRAIT, "--format", "jsonl", "-q", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def test_the_report_says_what_was_loaded_from_where(installed: Path) -> None:
    report = json.loads(run(installed, "--detectors", "provenance,foreign").stdout)
    assert report["run"]["plugins"] == ["foreign (plug-in foreign-pack)"]
    origins = {d["id"]: d["origin"] for d in report["run"]["detectors"]}
    assert origins == {"provenance": "built-in", "foreign": "plug-in foreign-pack"}
    assert [f["facts"] for f in report["findings"] if f["detector"] == "foreign"] == [{"seen": True}]
    assert (installed.parent / "mark").exists()


def test_no_plugins_imports_nothing_foreign(installed: Path) -> None:
    report = json.loads(run(installed, "--detectors", "provenance", "--no-plugins").stdout)
    assert report["run"]["plugins"] == []
    assert [d["id"] for d in report["run"]["detectors"]] == ["provenance"]
    refused = run(installed, "--detectors", "foreign", "--no-plugins")
    assert refused.returncode == 2 and "no detector named foreign" in refused.stderr
    assert not (installed.parent / "mark").exists()


def test_a_plugin_cannot_take_the_place_of_a_shipped_detector(tmp_path: Path) -> None:
    site = install(tmp_path, "provenance")
    refused = run(site, "--detectors", "provenance")
    assert refused.returncode == 2 and "foreign-pack" in refused.stderr and "--no-plugins" in refused.stderr
    assert run(site, "--detectors", "provenance", "--no-plugins").returncode in (0, 1)
    assert not (tmp_path / "mark").exists()
