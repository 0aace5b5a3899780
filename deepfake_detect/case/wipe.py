"""Removing a case, and saying what that cannot promise."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import ReportError
from ..report.language import N_
from .layout import CaseFolder

_BLOCK = 1 << 20
LIMITS = (
    N_("Copies made earlier, backups, snapshots and folders that are kept in a cloud are not touched."),
    N_(
        "SSDs, USB sticks, phones and file systems that copy on write may keep parts of what was overwritten, for"
        " somebody with special tools to find; only an encrypted disk whose key is destroyed takes care of that."
    ),
    N_(
        "Traces may be left in the history of a browser or a terminal, among the files that were opened last, in small"
        " preview pictures, in the search of the computer or in its swap file."
    ),
    N_("The files that were examined are not touched: they are still where they were."),
)


@dataclass(frozen=True, slots=True)
class Wiped:
    """What was removed."""

    files: int
    bytes: int


def measure(folder: str | os.PathLike[str]) -> Wiped:
    """What a wipe would remove. Raises ``ReportError`` if the folder is no case, or is a link to one."""
    files = [path for path in _files(_case(folder)) if not path.is_symlink()]
    return Wiped(len(files), sum(path.stat().st_size for path in files))


def wipe(folder: str | os.PathLike[str]) -> Wiped:
    """Overwrite each file of a case once with zeros and remove it, then the folder. Links are removed, never followed;
    a file that also has another name (a hard link) is not overwritten. Raises ``ReportError``.
    """
    removed = measure(folder)
    remove_tree(_case(folder))
    return removed


def remove_tree(root: Path) -> None:
    """Overwrite and remove all files of a folder that this library made, as ``wipe`` does. Raises ``ReportError``."""
    try:
        for path in _files(root):
            overwrite(path)
            path.unlink()
        for parent, folders, _ in os.walk(root, topdown=False, followlinks=False):
            for name in folders:
                (Path(parent) / name).rmdir()
        root.rmdir()
    except OSError as error:
        raise ReportError(
            f"{error.filename or root} cannot be removed: {error.strerror or error}",
            "What was removed before it is gone; get permission for the rest and run it again.",
        ) from error


def _case(folder: str | os.PathLike[str]) -> Path:
    root = Path(folder)
    if root.is_symlink():
        raise ReportError(f"{root} is a link", "Name the folder itself.")
    CaseFolder(root).read_info()
    return root


def _files(root: Path) -> list[Path]:
    """Everything below that is no folder, links to folders included; ``info.json`` last, so that a wipe that was cut
    short can be run again.
    """
    found = []
    for parent, folders, files in os.walk(root, followlinks=False):
        found += [Path(parent) / name for name in files]
        found += [Path(parent) / name for name in folders if (Path(parent) / name).is_symlink()]
    return sorted(found, key=lambda path: path == CaseFolder(root).data / "info.json")


def overwrite(path: Path) -> None:
    status = path.lstat()
    if path.is_symlink() or not path.is_file() or status.st_nlink > 1:
        return
    with contextlib.suppress(OSError), path.open("r+b") as stream:  # a file that may not be written is still removed
        for start in range(0, status.st_size, _BLOCK):
            stream.write(bytes(min(_BLOCK, status.st_size - start)))
        stream.flush()
        os.fsync(stream.fileno())
