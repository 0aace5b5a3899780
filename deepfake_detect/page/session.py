"""What the one person at the page has said and given so far."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ..report.language import Language
from .pace import Kind

MOST_FILES = 20


class Step(StrEnum):
    """The pages in their order; each has its own address."""

    LANGUAGE = "language"
    FILES = "files"
    AGE = "age"
    COUNTRY = "country"
    ORIGINAL = "original"
    PROGRESS = "progress"
    RESULT = "result"


_ASKED = (Step.FILES, Step.AGE, Step.COUNTRY, Step.ORIGINAL)


def previous(step: Step) -> Step | None:
    """The question before, where a person may go back to one."""
    return _ASKED[_ASKED.index(step) - 1] if step in _ASKED[1:] else None


class State(StrEnum):
    """Of one file."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(slots=True)
class Item:
    """A file that was given. ``number`` counts from 1; its name never left the browser."""

    number: int
    path: Path
    size: int
    kind: Kind
    state: State = State.WAITING
    cancel: threading.Event = field(default_factory=threading.Event)
    began: float | None = None  # monotonic, s


@dataclass(slots=True)
class Session:
    """``minor`` is only ever set. ``country``: as the referrals name it, ``None`` for every country."""

    language: Language | None = None
    files: list[Item] = field(default_factory=list)
    originals: list[Item] = field(default_factory=list)
    files_given: bool = False
    minor: bool | None = None
    country: str | None = None
    country_given: bool = False
    started: bool = False
    finished: bool = False
    problem: str | None = None

    @property
    def busy(self) -> bool:
        """Whether files are being examined."""
        return self.started and not self.finished

    @property
    def step(self) -> Step:
        """The first page that is still open."""
        if self.language is None:
            return Step.LANGUAGE
        if not self.files or not self.files_given:
            return Step.FILES
        if self.minor is None:
            return Step.AGE
        if not self.country_given:
            return Step.COUNTRY
        if not self.started:
            return Step.ORIGINAL
        return Step.RESULT if self.finished else Step.PROGRESS

    def may_see(self, step: Step) -> bool:
        """Whether a page can be shown: what was answered may be looked at again until the work has begun."""
        order = list(Step)
        if self.started:
            return step in (self.step, Step.LANGUAGE)
        return order.index(step) <= order.index(self.step)

    def say_minor(self, minor: bool) -> None:
        """A child is or may be shown, or not; the first cannot be taken back."""
        self.minor = minor or bool(self.minor)

    def add(self, to: list[Item], path: Path, size: int, kind: Kind) -> Item:
        """A file that was given, under the next number."""
        item = Item(max((i.number for i in to), default=0) + 1, path, size, kind)
        to.append(item)
        return item

    def begin(self, item: Item) -> None:
        """A file is being examined from now on."""
        item.state, item.began = State.WORKING, time.monotonic()
