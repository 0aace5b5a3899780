"""Finding the files of a scan: paths and folders, in a stable order."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import UnreadableError
from .source import unreadable

_Identity = tuple[int, int]


def find_files(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path | UnreadableError]:
    """Every file that ``paths`` name, in their order; folders are walked recursively, sorted by name, hidden files too.

    Yields a ``Path`` for a file and an ``UnreadableError`` for what cannot be scanned: a missing path, a broken link,
    a folder that may not be read, a loop of links, a pipe or device. The walk goes on after each.
    """
    for path in paths:
        waiting: list[tuple[Path, tuple[_Identity, ...]]] = [(Path(path), ())]
        while waiting:
            item, parents = waiting.pop()
            found = _look(item, parents)
            if isinstance(found, list):
                waiting.extend(found)
            else:
                yield found


def _look(
    path: Path, parents: tuple[_Identity, ...]
) -> Path | UnreadableError | list[tuple[Path, tuple[_Identity, ...]]]:
    """A file, an error, or the content of a folder, last name first."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            return path
        if not stat.S_ISDIR(status.st_mode):
            return UnreadableError(
                f"{path} is a pipe, socket or device", "Copy its content to a file first.", str(path)
            )
        identity = (status.st_dev, status.st_ino)
        if identity in parents:
            return UnreadableError(
                f"{path} is a link to a folder above it", "Nothing is lost: that folder is scanned already.", str(path)
            )
        inside = (*parents, identity)
        return [(child, inside) for child in sorted(path.iterdir(), reverse=True)]
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) and path.is_symlink():
            return UnreadableError(
                f"{path} is a link to a file that does not exist", "Restore the file, or remove the link.", str(path)
            )
        return unreadable(str(path), error)
