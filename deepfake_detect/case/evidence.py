"""Where the evidence of a case lay: a root and a path in it, so that it is found again after a move."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One file that was scanned. ``root``: index of its root in ``info.json``, or None where no path is kept.

    ``path``: from the root, with ``/``. ``modified``: as the file system had it, UTC in ISO 8601. ``size`` in bytes.
    """

    sha256: str
    root: int | None
    path: str | None
    size: int | None
    modified: str | None
    exhibit: str | None


def roots_of(arguments: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
    """The roots of what a person named: a folder itself, of a file its folder, of ``-`` the current one."""
    roots = []
    for argument in arguments:
        path = Path(os.path.abspath("." if os.fspath(argument) == "-" else argument))  # noqa: PTH100  resolves no link
        roots.append(str(path if path.is_dir() else path.parent))
    return tuple(dict.fromkeys(roots))


def place(path: str, roots: Sequence[str]) -> tuple[str, str]:
    """The innermost root that holds ``path``, or the top of its file system, and the path from there, with ``/``."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100
    holding = [root for root in roots if absolute.is_relative_to(root)]
    root = max(holding, key=len, default=absolute.anchor)
    return root, absolute.relative_to(root).as_posix()


def modified(path: str) -> str | None:
    """When the file was last written, as the file system says; None if it cannot say."""
    try:
        seconds = Path(path).stat().st_mtime
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OSError, ValueError, OverflowError):
        return None
