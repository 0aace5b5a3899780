"""What people add to a case: conclusions beside the tool's, and tags. Both are logs to which lines are only added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import ReportError, UsageError
from ..findings import Note
from ..report.serialise import from_json, to_json
from .custody import now
from .files import append_line, drop_torn, whole_lines

T = TypeVar("T")
MAX_CONCLUSION = 10_000
MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A line of ``notes.jsonl``: the file's SHA-256, and the note."""

    sha256: str
    note: Note


@dataclass(frozen=True, slots=True)
class TagLine:
    """A line of ``tags.jsonl``: a tag set on a file, or taken off it."""

    time: str
    sha256: str
    tag: str
    on: bool


def make_note(conclusion: str, by: str, reviewer: str | None) -> Note:
    """A note of now. Raises ``UsageError`` if the conclusion or the name is empty or too long."""
    for text, what, most in (
        (conclusion, "--conclusion", MAX_CONCLUSION), (by, "--by", MAX_NAME),
        ("-" if reviewer is None else reviewer, "--reviewer", MAX_NAME),
    ):  # fmt: skip
        if not text.strip():
            raise UsageError(f"{what} is empty", "Write it out.")
        if len(text) > most:
            raise UsageError(f"{what} has {len(text):,} characters", f"At most {most:,} are kept.")
    return Note(now(), by.strip(), reviewer.strip() if reviewer is not None else None, conclusion.strip())


def check_tag(tag: str) -> str:
    """A tag as it is kept. Raises ``UsageError``."""
    tag = tag.strip()
    if not tag or len(tag) > 60 or not tag.isprintable() or "," in tag:
        raise UsageError("a tag is 1 to 60 printable characters without a comma", "Choose another one.")
    return tag


def add_line(path: Path, line: NoteLine | TagLine) -> None:
    """Append a line. Raises ``OSError``."""
    drop_torn(path)
    append_line(path, to_json(line).encode("ascii"))


def read_notes(path: Path) -> dict[str, tuple[Note, ...]]:
    """The notes of each file, oldest first. Raises ``ReportError``, ``OSError``."""
    notes: dict[str, tuple[Note, ...]] = {}
    for line in _lines(path):
        read = _read(NoteLine, line, path)
        notes[read.sha256] = (*notes.get(read.sha256, ()), read.note)
    return notes


def read_tags(path: Path) -> dict[str, tuple[str, ...]]:
    """The tags that each file has now, in the order in which they were set. Raises ``ReportError``, ``OSError``."""
    tags: dict[str, tuple[str, ...]] = {}
    for line in _lines(path):
        read = _read(TagLine, line, path)
        others = tuple(tag for tag in tags.get(read.sha256, ()) if tag != read.tag)
        tags[read.sha256] = (*others, read.tag) if read.on else others
    return {sha256: kept for sha256, kept in tags.items() if kept}


def _lines(path: Path) -> Sequence[bytes]:
    return whole_lines(path)[0]


def _read(cls: type[T], line: bytes, path: Path) -> T:
    try:
        return from_json(cls, line)
    except ReportError as error:
        raise ReportError(f"{path} is damaged: {error.message}", "Run `deepfake-detect verify` on the case.") from error
