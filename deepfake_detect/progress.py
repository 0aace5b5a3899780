"""What a run says while it works: frozen events for a callable that the caller brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .findings import Failure, Report


@dataclass(frozen=True, slots=True)
class RunStarted:
    """``total``: files to scan."""

    total: int


@dataclass(frozen=True, slots=True)
class FileStarted:
    """A file is being read. ``name`` is the path as given: show it only through a filter for control characters."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class FileFinished:
    """A file is done, with its report or failure."""

    index: int
    name: str
    outcome: Report | Failure


@dataclass(frozen=True, slots=True)
class FileSkipped:
    """A file that the run leaves out: its bytes are known."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """``seconds``: wall time of the run."""

    seconds: float


Event: TypeAlias = RunStarted | FileStarted | FileFinished | FileSkipped | RunFinished
Progress: TypeAlias = Callable[[Event], None]


def silent(event: Event) -> None:
    """Say nothing."""
