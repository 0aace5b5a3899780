"""The custody log: who did what, when, on which bytes. Each line holds the hash of the line before it.

A line is the JSON of a ``CustodyEntry`` in one canonical form; ``hash`` is SHA-256 over the same line with an empty
``hash``. So a changed, removed, added or moved line is found. Whoever changes the log may also compute all hashes anew:
the chain is not signed, it shows accident, not intent.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from ..errors import ReportError
from ..findings import CaseRecord
from ..media import JsonValue
from ..report.serialise import from_json, to_json
from .files import append_line, drop_torn, whole_lines

START = "0" * 64  # the hash before the first line


class Action(StrEnum):
    """What was done."""

    OPENED = "opened"
    REOPENED = "reopened"
    ORIGINALS_SUPPLIED = "originals_supplied"
    SCANNED = "scanned"
    NOTED = "noted"
    TAGGED = "tagged"
    DECLARED_MINOR = "declared_minor"
    REPORTED = "reported"
    MEDIA_SHOWN = "media_shown"
    SKIPPED_KNOWN = "skipped_known"
    MANIFEST_JOINED = "manifest_joined"
    REPAIRED = "repaired"
    FINALISED = "finalised"


@dataclass(frozen=True, slots=True)
class CustodyEntry:
    """One line of the log. ``time`` is UTC in ISO 8601, as the clock of this computer had it; ``subject`` the SHA-256
    of the file that it is about, or None for the whole case.
    """

    n: int
    time: str
    action: Action
    case_id: str | None
    exhibit: str | None
    examiner: str | None
    organisation: str | None
    subject: str | None
    details: Mapping[str, JsonValue] = field(default_factory=dict)
    previous: str = START
    hash: str = ""

    def digest(self) -> str:
        """SHA-256 over the line with an empty ``hash``."""
        return hashlib.sha256(to_json(replace(self, hash="")).encode("ascii")).hexdigest()


def now() -> str:
    """The time as the log and the notes write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_chain(path: Path) -> tuple[list[CustodyEntry], list[str]]:
    """The entries up to the first that is wrong, and a sentence on each thing wrong. Raises ``OSError``."""
    lines, torn = whole_lines(path)
    entries: list[CustodyEntry] = []
    problems = [] if lines else ["the log has no entry"]
    previous = START
    for number, line in enumerate(lines):
        try:
            entry = from_json(CustodyEntry, line)
            fault = _fault(entry, line, number, previous)
        except ReportError as error:
            fault = error.message
        if fault:
            problems.append(f"entry {number}: {fault}")
            break
        entries.append(entry)
        previous = entry.hash
    if torn:
        problems.append(f"{torn} bytes stand after the last whole entry")
    return entries, problems


def _fault(entry: CustodyEntry, line: bytes, number: int, previous: str) -> str | None:
    if to_json(entry).encode("ascii") != line:
        return "not in the form in which it was written"
    if entry.digest() != entry.hash:
        return "its content does not have the hash that it carries"
    if entry.n != number:
        return f"it carries the number {entry.n}"
    if entry.previous != previous:
        return "it does not follow the entry before it"
    return None


def says_minor(entries: Iterable[CustodyEntry]) -> bool:
    """Whether the log says that a child is or may be shown."""
    return any(entry.action is Action.DECLARED_MINOR or entry.details.get("minor") is True for entry in entries)


class CustodyLog:
    """The log of a case, open for writing by one process at a time.

    Raises ``ReportError`` when another process writes the case or the chain is broken; what a crash tore off a last
    line is cut off, and an entry says so.
    """

    def __init__(self, path: Path, who: CaseRecord) -> None:
        self._path, self._who = path, who
        self._lock = _locked(path)
        torn = drop_torn(path)
        self.entries, problems = read_chain(path) if path.stat().st_size else ([], [])
        if problems:
            self.close()
            raise ReportError(
                f"{path} is damaged: {problems[0]}",
                "Nothing was added. Keep the case as it is and find out what happened.",
            )
        if torn:
            self.append(Action.REPAIRED, torn_bytes=torn)

    def append(self, action: Action, subject: str | None = None, **details: JsonValue) -> CustodyEntry:
        """Add an entry. Raises ``OSError``."""
        who, last = self._who, self.entries[-1] if self.entries else None
        entry = CustodyEntry(
            n=len(self.entries), time=now(), action=action, case_id=who.case_id, exhibit=who.exhibit,
            examiner=who.examiner, organisation=who.organisation, subject=subject, details=details,
            previous=last.hash if last else START,
        )  # fmt: skip
        entry = replace(entry, hash=entry.digest())
        append_line(self._path, to_json(entry).encode("ascii"))
        self.entries.append(entry)
        return entry

    @property
    def finalised(self) -> bool:
        """Whether nothing was done since the case was closed."""
        return bool(self.entries) and self.entries[-1].action is Action.FINALISED

    @property
    def is_open(self) -> bool:
        """Whether this process still holds the log."""
        return self._lock is not None

    def close(self) -> None:
        """Let other processes write."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _locked(path: Path) -> BinaryIO | None:
    """An exclusive lock on the log, given back by the system when the process ends. Without ``fcntl``: none."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    stream = os.fdopen(descriptor, "rb")
    try:
        import fcntl
    except ImportError:
        return stream
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        raise ReportError(f"{path.parent} is being written by another process", "Wait until it has ended.") from None
    except OSError:  # a file system without locks
        pass
    return stream
