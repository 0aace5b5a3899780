"""Installs deepfake-detect from the folder in which this file lies, without a network. Needs Python 3.11 alone.

    python3.11 install.py [--to FOLDER]

Checks every file against SHA256SUMS first. That list shows accident, not intent: whoever can change the files can
change the list; compare its own hash, printed here, with the one printed where the bundle was made.
"""

import argparse
import hashlib
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

PYTHON = (3, 11)
SUMS = "SHA256SUMS"
NAME = "Deepfake Detect"


def wrong_files(folder: Path) -> list[str]:
    """The files that are missing, changed, or not in the list."""
    lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {SUMS}
    wrong = sorted(expected.keys() ^ there)
    for name in sorted(expected.keys() & there):
        with (folder / name).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != expected[name]:
                wrong.append(name)
    return wrong


def default_target() -> Path:
    """Where programs of one person lie on this system."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "deepfake-detect"
    return Path.home() / ("Applications" if sys.platform == "darwin" else ".local/share") / "deepfake-detect"


def install(folder: Path, target: Path) -> Path:
    """Make an environment in ``target`` and install into it; returns the program."""
    venv.create(target, with_pip=True, clear=False, symlinks=os.name != "nt")
    programs = target / ("Scripts" if os.name == "nt" else "bin")
    python = programs / ("python.exe" if os.name == "nt" else "python")
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-cache-dir",
         "--find-links", str(folder / "wheels"), "deepfake-detect"],
        check=True,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PYTHONNOUSERSITE": "1"},
    )  # fmt: skip
    return programs / ("deepfake-detect.exe" if os.name == "nt" else "deepfake-detect")


def write_starters(program: Path, places: "list[Path]") -> "list[Path]":
    """Write what is double-clicked into each folder of ``places`` that is there."""
    if os.name == "nt":
        name, text = f"{NAME}.cmd", f'@echo off\r\n"{program}" open\r\nif errorlevel 1 pause\r\n'
    elif sys.platform == "darwin":
        name, text = f"{NAME}.command", f'#!/bin/sh\nexec "{program}" open\n'
    else:
        escaped = str(program).replace("\\", "\\\\\\\\").replace('"', '\\\\"').replace("%", "%%")
        name = f"{NAME}.desktop"
        text = f'[Desktop Entry]\nType=Application\nName={NAME}\nExec="{escaped}" open\nTerminal=false\n'
    written = []
    for place in places:
        if place.is_dir():
            (place / name).write_text(text, encoding="utf-8", newline="")
            (place / name).chmod(0o755)
            written.append(place / name)
    return written


def main() -> int:
    """Check, install, test, and say what to double-click."""
    parser = argparse.ArgumentParser(description="Install deepfake-detect without a network.")
    parser.add_argument("--to", type=Path, default=default_target(), help="where to install")
    target = parser.parse_args().to.absolute()
    folder = Path(__file__).resolve().parent
    if sys.version_info[:2] != PYTHON:
        print(f"Python {PYTHON[0]}.{PYTHON[1]} is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    if importlib.util.find_spec("ensurepip") is None:
        print("This Python cannot make environments; on Debian and Ubuntu install python3-venv.", file=sys.stderr)
        return 1
    wrong = wrong_files(folder)
    if wrong:
        print(f"Not installed. Copy the folder again; these files are missing, changed or foreign: {wrong}")
        return 1
    print(f"{SUMS}: {hashlib.sha256((folder / SUMS).read_bytes()).hexdigest()}")
    print(f"Installing into {target}; this takes some minutes.", flush=True)
    program = install(folder, target)
    if subprocess.run([str(program), "selftest"]).returncode:
        print("Installed, but the self-test failed; see above.", file=sys.stderr)
        return 1
    applications = Path.home() / ".local/share/applications" if sys.platform == "linux" else target
    for starter in write_starters(program, list(dict.fromkeys([target, applications, Path.home() / "Desktop"]))):
        print(f"To start it, double-click {starter}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
