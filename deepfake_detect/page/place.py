"""Where the page keeps files: a folder that only this person may open, in memory where there is room.

It is removed when the page is closed. A small process that waits for the end of this one removes it after a crash or
``kill -9`` as well, and the next start what even that left, after a power cut for example.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..case.wipe import remove_tree

PREFIX = "deepfake-detect-page-"
_ENOUGH = 4 * 2**30  # bytes free; below, the next place is taken
_MOST = 2 * 2**30  # bytes of uploads
_STARTING = 60.0  # s in which a folder may still be without its lock
# Ends only with its standard input, whatever ends the page.
_GUARDIAN = """
import shutil, signal, sys
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
sys.stdin.buffer.read()
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


@dataclass(slots=True)
class Place:
    """``folder``: mode 0700. ``in_memory``: no file in it touches a disk, unless memory is swapped. ``room``: bytes of
    uploads that it takes. A context manager that removes the folder.
    """

    folder: Path
    in_memory: bool
    room: int
    _lock: IO[bytes] = field(repr=False)
    _guardian: subprocess.Popen[bytes] = field(repr=False)

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def case(self) -> Path:
        """Of the case; made by its writer."""
        return self.folder / "case"

    def new_file(self, folder: str) -> Path:
        """A path for a new file below ``folder``; nothing in it comes from the file."""
        (self.folder / folder).mkdir(mode=0o700, exist_ok=True)
        return self.folder / folder / os.urandom(8).hex()

    def clear(self) -> None:
        """Overwrite and remove all that is kept. Raises ``ReportError``."""
        for path in self.folder.iterdir():
            if path.is_dir():
                remove_tree(path)

    def close(self) -> None:
        """Remove the folder; what cannot be overwritten is removed all the same."""
        try:
            self.clear()
        finally:
            self._lock.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            if self._guardian.stdin is not None:
                self._guardian.stdin.close()
            self._guardian.wait(10)


def open_place() -> Place:
    """A new folder, after what earlier pages left behind was removed. Raises ``OSError``."""
    parents = list(_parents())
    for parent, _ in parents:
        _remove_leftovers(parent)
    parent, in_memory = next(
        (p for p in parents if shutil.disk_usage(p[0]).free >= _ENOUGH), parents[-1]
    )  # the last is the system's own place for temporary files
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # made with mode 0700
    room = min(_MOST, shutil.disk_usage(parent).free // 2)
    return Place(folder, in_memory, room, _locked(folder), _guardian(folder))


def _parents() -> Iterator[tuple[Path, bool]]:
    """Folders to choose from, and whether what lies in them is kept in memory."""
    for name in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm" if sys.platform == "linux" else None):
        if name and os.access(name, os.W_OK | os.X_OK) and Path(name).is_dir():
            yield Path(name), True
    yield Path(tempfile.gettempdir()), False


def _locked(folder: Path) -> IO[bytes]:
    """A file held open and, where the system can, locked for as long as this process lives."""
    stream = (folder / "lock").open("wb")
    try:
        import fcntl
    except ImportError:  # Windows: an open file cannot be removed, which tells the same
        return stream
    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return stream


def _guardian(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _GUARDIAN, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder.parent,
        start_new_session=True,
    )


def _remove_leftovers(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        if _is_ours(folder) and _abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and (os.name != "posix" or status.st_uid == os.getuid())


def _abandoned(folder: Path) -> bool:
    """Whether the process that made the folder is gone."""
    lock = folder / "lock"
    try:
        if not lock.exists():
            return time.time() - folder.stat().st_mtime > _STARTING
        try:
            import fcntl
        except ImportError:
            lock.unlink()  # fails while the file is open
            return True
        with lock.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:
        return False
