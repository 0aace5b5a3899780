"""The systems that a bundle can be made for, and what the package tools call them."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

PYTHON = "3.11"
_GLIBC = range(28, 4, -1)  # minor versions of wheels for Linux, newest first


@dataclass(frozen=True, slots=True)
class Platform:
    """``resolver``: as uv names it. ``tags``: of wheels, as pip takes them. ``starter``: ending of what is
    double-clicked.
    """

    name: str
    resolver: str
    tags: tuple[str, ...]
    starter: str


def _linux(machine: str) -> Platform:
    tags = tuple(f"manylinux_2_{minor}_{machine}" for minor in _GLIBC)
    legacy = (f"manylinux2014_{machine}", f"linux_{machine}")
    return Platform(f"linux-{machine}", f"{machine}-manylinux_2_28", (*tags, *legacy), ".desktop")


PLATFORMS = {
    one.name: one
    for one in (
        _linux("x86_64"),
        _linux("aarch64"),
        Platform("windows-x86_64", "x86_64-pc-windows-msvc", ("win_amd64",), ".cmd"),
        Platform("macos-arm64", "aarch64-apple-darwin", ("macosx_14_0_arm64",), ".command"),
    )
}


def this_platform() -> str | None:
    """The name of the system that this runs on; None if it is none of ``PLATFORMS`` or another Python."""
    system = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    name = f"{system}-{machine}"
    return name if name in PLATFORMS and sys.version_info[:2] == tuple(map(int, PYTHON.split("."))) else None
