"""Opening evidence read-only, and hashing it."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from ..errors import EvidenceChangedError, UnreadableError

Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO

_BLOCK = 1 << 20

_HINTS = {
    errno.ENOENT: ("does not exist", "Check the spelling of the path."),
    errno.ENOTDIR: ("does not exist", "Check the spelling of the path."),
    errno.EACCES: ("may not be read", "Ask for read permission, or copy the file to a folder of yours."),
    errno.EPERM: ("may not be read", "Ask for read permission, or copy the file to a folder of yours."),
    errno.ELOOP: ("is a loop of symbolic links", "Name the file itself instead of the link."),
    errno.ENAMETOOLONG: ("is too long a name", "Check the spelling of the path."),
    errno.EIO: ("cannot be read from its disk", "Image the disk first, and scan the copy."),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Which bytes a report speaks of. ``path`` is None for bytes and streams; hashes are lower-case hex; ``size``
    in bytes.
    """

    path: str | None
    sha256: str
    md5: str
    sha1: str
    size: int


def unreadable(path: str, error: OSError | ValueError) -> UnreadableError:
    """The error of the system, in one clear line."""
    what, hint = f"cannot be read ({error})", "Check the path."
    if isinstance(error, OSError):
        known = _HINTS.get(error.errno or 0)
        what, hint = known or (f"cannot be read ({error.strerror or error})", hint)
    return UnreadableError(f"{path} {what}", hint, path)


def _not_a_file(path: str, mode: int) -> UnreadableError:
    if stat.S_ISDIR(mode):
        return UnreadableError(f"{path} is a folder", "Name a file, or let the scan walk the folder.", path)
    return UnreadableError(
        f"{path} is not a regular file (a pipe, socket or device)", "Copy its content to a file first.", path
    )


def _open_path(path: str) -> BinaryIO:
    """Open a regular file for reading; never blocks on a pipe, never touches a device, leaves the access time if it
    may.
    """
    flags = os.O_RDONLY
    for name in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_NOINHERIT"):
        flags |= getattr(os, name, 0)
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            raise _not_a_file(path, mode)
        try:
            descriptor = os.open(path, flags | getattr(os, "O_NOATIME", 0))
        except PermissionError:  # O_NOATIME is only for the owner
            descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):  # it was swapped between stat and open
        os.close(descriptor)
        raise _not_a_file(path, mode)
    return os.fdopen(descriptor, "rb")


class OpenSource:
    """A source opened for reading: ``file`` is a seekable binary stream, ``path`` None for bytes and streams.

    Raises ``UnreadableError`` for a path that does not exist, may not be read or is no regular file, and for a stream
    that cannot seek. A stream of the caller's is left open, at whatever position. ``check`` is called for every
    mebibyte that is hashed and may raise.
    """

    def __init__(self, source: Source, check: Callable[[], None] | None = None) -> None:
        self._check = check
        self.path: str | None = None
        self._owned = True
        if isinstance(source, bytes | bytearray | memoryview):
            self.file: BinaryIO = io.BytesIO(source)
        elif isinstance(source, str | os.PathLike):
            self.path = os.fspath(source)
            self.file = _open_path(self.path)
        else:
            self._owned = False
            self.file = source
            if not (hasattr(source, "seekable") and source.seekable()):
                raise UnreadableError("the stream cannot seek", "Pass a path, bytes, or io.BytesIO(stream.read()).")

    def close(self) -> None:
        """Close what this object opened."""
        if self._owned:
            self.file.close()

    def size(self) -> int:
        """Length in bytes."""
        return self.file.seek(0, os.SEEK_END)

    def head(self, count: int) -> bytes:
        """The first ``count`` bytes, or fewer."""
        self.file.seek(0)
        return self.file.read(count)

    def identify(self) -> Identity:
        """Read everything once and hash it."""
        sha256, md5, sha1 = hashlib.sha256(), hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
        size = self._feed(sha256, md5, sha1)
        return Identity(self.path, sha256.hexdigest(), md5.hexdigest(), sha1.hexdigest(), size)

    def verify(self, sha256: str) -> None:
        """Hash again. Raises ``EvidenceChangedError`` if the open file, or what its path names by now, has other
        bytes.
        """
        self._compare(sha256)
        if self.path is not None and not self._path_is_still_this_file():
            try:
                again = OpenSource(self.path, self._check)
            except UnreadableError as error:
                raise EvidenceChangedError(
                    f"{self.path} can no longer be opened: {error.message}",
                    "Something else moves the file; work on a copy.",
                ) from error
            try:
                again._compare(sha256)
            finally:
                again.close()

    def _path_is_still_this_file(self) -> bool:
        assert self.path is not None
        try:
            return os.path.samestat(Path(self.path).stat(), os.fstat(self.file.fileno()))
        except OSError:
            return False

    def _compare(self, sha256: str) -> None:
        digest = hashlib.sha256()
        self._feed(digest)
        if digest.hexdigest() != sha256:
            raise EvidenceChangedError(
                f"{self.path or 'the stream'} changed during the scan: SHA-256 {digest.hexdigest()}, before {sha256}",
                "Something else writes to the file; make a read-only copy and scan that.",
            )

    def _feed(self, *digests: hashlib._Hash) -> int:
        size = 0
        try:
            self.file.seek(0)
            while block := self.file.read(_BLOCK):
                size += len(block)
                if self._check is not None:
                    self._check()
                for digest in digests:
                    digest.update(block)
        except OSError as error:
            raise unreadable(self.path or "the stream", error) from error
        return size


def identify(source: Source) -> Identity:
    """Hash a file (SHA-256, MD5, SHA-1 in one read). Raises ``UnreadableError``."""
    opened = OpenSource(source)
    try:
        return opened.identify()
    finally:
        opened.close()
