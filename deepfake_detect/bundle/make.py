"""Putting a bundle together: wheels, weights, a list of hashes, an install script, and what is double-clicked.

FOLDER/
  wheels/           the program, which holds its weights, and everything that it needs
  install.py        checks the hashes and installs; needs Python and nothing else
  install.cmd | install.command | install.sh      starts install.py
  SHA256SUMS        over all other files
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import as_file, files
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from ..errors import UsageError
from . import wheels
from .platforms import PLATFORMS, PYTHON, Platform

SUMS = "SHA256SUMS"
_STARTERS = {
    ".cmd": ("install.cmd", f'@echo off\r\npy -{PYTHON} "%~dp0install.py" %*\r\nif errorlevel 1 pause\r\n'),
    ".command": ("install.command", f'#!/bin/sh\nexec python{PYTHON} "$(dirname "$0")/install.py" "$@"\n'),
    ".desktop": ("install.sh", f'#!/bin/sh\nexec python{PYTHON} "$(dirname "$0")/install.py" "$@"\n'),
}


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was made. ``bytes``: of all files; ``sums``: SHA-256 of the list of hashes."""

    folder: Path
    wheels: int
    bytes: int
    sums: str


def make(
    platform: str, folder: Path, source: Path | None = None, constraint: Path | None = None, cpu: bool = True
) -> Bundle:
    """Make a bundle for a platform of ``PLATFORMS`` in a new or empty folder. Uses the network.

    ``source``: the checkout to build from, by default the one that is installed. ``cpu``: see ``wheels.resolve``.
    Raises ``UsageError``, ``BundleError``.
    """
    if platform not in PLATFORMS:
        raise UsageError(f"no bundle can be made for {platform}", f"Known: {', '.join(PLATFORMS)}.")
    chosen, project = PLATFORMS[platform], source or _checkout()
    if not (project / "pyproject.toml").is_file():
        raise UsageError(f"{project} is no checkout of this program", "Name one with --source.")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", "Name a new folder.")
    into = folder / "wheels"
    into.mkdir(parents=True, exist_ok=True)
    wheels.build(project, into)
    cpu = cpu and platform.startswith("linux")  # elsewhere the usual builds have no CUDA
    wheels.fetch(wheels.resolve(project, chosen, constraint, cpu), chosen, into, cpu)
    _add_installer(folder, chosen)
    listed = write_sums(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Bundle(folder, len(list(into.glob("*.whl"))), size, hashlib.sha256(listed.read_bytes()).hexdigest())


def write_sums(folder: Path) -> Path:
    """Write the list of hashes, in the form that ``sha256sum --check`` reads."""
    listed = folder / SUMS
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != listed)
    lines = []
    for path in paths:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    listed.write_text("".join(lines), encoding="utf-8", newline="\n")
    return listed


def _add_installer(folder: Path, platform: Platform) -> None:
    with as_file(files(__package__) / "install.py") as script:
        shutil.copyfile(script, folder / "install.py")
    name, text = _STARTERS[platform.starter]
    (folder / name).write_text(text, encoding="utf-8", newline="")
    (folder / name).chmod(0o755)


def _checkout() -> Path:
    """Where this installation was made from, if that is a folder."""
    try:
        told = json.loads(distribution("deepfake-detect").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        told = {}
    address = urlparse(str(told.get("url", "")))
    if address.scheme != "file":
        raise UsageError("this installation was not made from a checkout", "Name one with --source.")
    return Path(url2pathname(address.path))
