"""Writing into a case: each file whole or not at all, readable by its owner alone, and lasting through a power cut."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import ReportError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) if hasattr(errno, "EDQUOT") else (errno.ENOSPC, errno.EFBIG)
TEMPORARY = ".writing-"  # begins the names of files that are not yet in their place


def make_folder(path: Path, parents: bool = False) -> None:
    """Make ``path`` unless it is there, and let nobody but its owner look into it. Raises ``OSError``."""
    path.mkdir(mode=0o700, parents=parents, exist_ok=True)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o700)


def write_whole(path: Path, data: bytes) -> None:
    """Write ``path`` whole or not at all: a temporary file beside it, synchronised, then put in its place."""
    descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Append ``line`` whole, or leave the file as long as it was."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    with os.fdopen(os.open(path, flags, 0o600), "ab") as stream:
        length = stream.seek(0, os.SEEK_END)
        try:
            stream.write(line + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(path, length)
            raise


def whole_lines(path: Path) -> tuple[list[bytes], int]:
    """The lines of a log, and the bytes after the last line end: what a crash tore. A log that is not there is empty.

    Raises ``OSError``.
    """
    data = path.read_bytes() if path.exists() else b""
    whole, _, torn = data.rpartition(b"\n")
    return (whole.split(b"\n") if whole else []), len(torn)


def drop_torn(path: Path) -> int:
    """Cut what a crash left of a last line, so that the next is not glued to it; returns how many bytes that were."""
    _, torn = whole_lines(path)
    if torn:
        os.truncate(path, path.stat().st_size - torn)
    return torn


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system has folders that can be synchronised."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def reported(folder: Path) -> Iterator[None]:
    """Turn the system's errors into one that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            hint = "Free space there, or name a folder elsewhere with -o, and run again."
        else:
            hint = "Name a folder with -o in which you may write."
        raise ReportError(f"cannot write the case {folder}: {error.strerror or error}", hint) from error
