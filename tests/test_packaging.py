"""What an editable install hides: packages and data files that the wheel would lack."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_is_listed() -> None:
    found = {
        ".".join(path.relative_to(ROOT).parts[:-1])
        for path in (ROOT / "deepfake_detect").rglob("__init__.py")
        if "__pycache__" not in path.parts
    }
    listed = set(PROJECT["tool"]["setuptools"]["packages"]) - {"deepfake_detect.cli", "deepfake_detect.weights"}
    assert found == listed


def test_every_module_lies_in_a_package() -> None:
    for path in (ROOT / "deepfake_detect").rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path


def test_every_dependency_stands_once() -> None:
    names = [d.partition(">")[0].partition("=")[0].strip() for d in PROJECT["project"]["dependencies"]]
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_the_wheel_scans_from_an_empty_folder(tmp_path: Path) -> None:
    """Build the wheel, put it alone on the path, and run the self-test and a scan from elsewhere."""
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("deepfake_detect-*.whl")
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True)
    code = "from deepfake_detect.cli.main import run; run()"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    where = "import deepfake_detect; print(deepfake_detect.__file__)"
    located = subprocess.run(
        [sys.executable, "-c", where], cwd=elsewhere, env=environment, capture_output=True, text=True, check=True
    )
    assert located.stdout.startswith(str(site))
    for arguments in (["selftest", "--device", "cpu"], ["scan", str(ROOT / "samples" / "clip.mp4")]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
