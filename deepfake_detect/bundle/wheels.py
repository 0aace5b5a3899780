"""Choosing and fetching the wheels: resolved by uv for the system that they are for, fetched by pip.

pip alone cannot resolve for another system: it reads the conditions of requirements as those of the system it runs on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import DeepfakeDetectError
from .platforms import PYTHON, Platform, this_platform

# Published for Linux as source only: built on the machine that makes the bundle, which must be of the same kind.
_BUILT = frozenset({"pdqhash"})
_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_MACOS = "14.0"  # oldest
_LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "local", "tests", "benchmarks")


class BundleError(DeepfakeDetectError):
    """A bundle that cannot be made."""


def resolve(project: Path, platform: Platform, constraint: Path | None, cpu: bool) -> list[str]:
    """What the project in ``project`` needs on a platform, as ``name==version``. Raises ``BundleError``.

    ``constraint``: a file of upper bounds. ``cpu``: PyTorch's small builds without CUDA, from its own index.
    """
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", str(project / "pyproject.toml"), "--no-header",
        "--no-annotate", "--python-platform", platform.resolver, "--python-version", PYTHON, "--only-binary", ":all:",
    ]  # fmt: skip
    command += [part for name in sorted(_BUILT) for part in ("--no-binary", name)]
    command += ["--constraint", str(constraint)] if constraint else []
    command += ["--torch-backend", "cpu"] if cpu else []
    lines = _run(command, {"MACOSX_DEPLOYMENT_TARGET": _MACOS}).splitlines()
    return [line for line in lines if "==" in line]


def fetch(requirements: Sequence[str], platform: Platform, into: Path, cpu: bool) -> None:
    """Fetch the wheels of ``requirements`` into a folder. Raises ``BundleError``."""
    pip = [sys.executable, "-m", "pip"]
    extra = ["--extra-index-url", _CPU_INDEX] if cpu else []
    chosen = [part for tag in platform.tags for part in ("--platform", tag)]
    download = [*pip, "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version", PYTHON,
                "--implementation", "cp", *chosen, "--dest", str(into), *extra]  # fmt: skip
    ready = [one for one in requirements if one.partition("==")[0] not in _BUILT]
    for one in sorted(set(requirements) - set(ready)):  # first: what cannot be had ends it before gigabytes are fetched
        try:
            _run([*download, one])
        except BundleError as error:
            if platform.name != this_platform():
                raise BundleError(
                    f"{one} is published for {platform.name} as source only",
                    f"Make the bundle on a {platform.name} machine with Python {PYTHON} and a compiler.",
                ) from error
            _run([*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(into), one])
    _run([*download, *ready])


def build(project: Path, into: Path) -> Path:
    """The wheel of this project, which holds the shipped weights. Raises ``BundleError``.

    Built from a copy: a build folder that an earlier build left would put files of that time into the wheel.
    """
    with TemporaryDirectory() as folder:
        copy = shutil.copytree(project, Path(folder) / "source", ignore=_LEFT_OUT)
        _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(into), str(copy)])
    (wheel,) = into.glob("deepfake_detect-*.whl")
    return wheel


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-4:]
        hint = "Install uv: pip install uv." if "No module named uv" in done.stderr else ""
        raise BundleError(f"{' '.join(command[2:5])} failed: {' '.join(said)}", hint)
    return done.stdout
