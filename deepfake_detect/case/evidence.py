"""Where the evidence of a case lay: a root and a path in it, so that it is found again after a move."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import UnreadableError, UsageError
from ..findings import DriveRecord
from ..ingest import find_files, identify
from ..report.text import safe_text


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One file that was scanned. ``root``: index of its root in ``info.json``, or None where no path is kept.

    ``path``: from the root, with ``/``. ``modified``: as the file system had it, UTC in ISO 8601. ``size`` in bytes.
    ``drive``: what the manifest of an export says of the file.
    """

    sha256: str
    root: int | None
    path: str | None
    size: int | None
    modified: str | None
    exhibit: str | None
    drive: tuple[DriveRecord, ...] = ()


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


class EvidencePlaces:
    """Finds the evidence of a case again. ``roots``: the recorded ones; ``given``: where they lie now, in their order,
    or None for where they lay.

    A file of which no path is kept (a survivor's) is looked for by its hash in the folders given. Raises
    ``UsageError`` if the numbers do not fit.
    """

    def __init__(
        self, roots: Sequence[str], given: Sequence[str | os.PathLike[str]] | None, records: Sequence[EvidenceRecord]
    ) -> None:
        nameless = [record for record in records if record.path is None]
        if given is not None and roots and len(given) != len(roots):
            listed = "; ".join(safe_text(root, 120) for root in roots)
            raise UsageError(
                f"the evidence lay in {len(roots)} folders, {len(given)} are named",
                f"Give --evidence once for each of these, in this order: {listed}.",
            )
        if nameless and not given:
            raise UsageError("the case keeps no path of its evidence", "Name its folder with --evidence.")
        for folder in given or ():
            if not Path(folder).is_dir():
                raise UsageError(f"--evidence {folder} is not a folder", "Name the folder that holds the evidence.")
        self._roots = [Path(root) for root in (given if given is not None else roots)]
        self._by_hash = _by_hash(self._roots, {record.sha256 for record in nameless}) if nameless else {}

    def find(self, record: EvidenceRecord) -> Path | None:
        """Where the file lies, whatever its bytes are now; None if it does not."""
        if record.path is None or record.root is None:
            return self._by_hash.get(record.sha256)
        path = self._roots[record.root] / record.path
        return path if path.is_file() else None


def _by_hash(roots: Iterable[Path], wanted: set[str]) -> dict[str, Path]:
    """Paths of the files below ``roots`` that have one of the hashes."""
    found: dict[str, Path] = {}
    for path in find_files(roots):
        if isinstance(path, Path) and len(found) < len(wanted):
            with contextlib.suppress(UnreadableError):
                sha256 = identify(path).sha256
                if sha256 in wanted:
                    found.setdefault(sha256, path)
    return found
