"""Progress on standard error: a bar at a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from deepfake_detect.progress import Event, FileFinished, FileSkipped, FileStarted, Progress, RunStarted, silent
from deepfake_detect.report.text import safe_text

PLAIN_SECONDS = 10.0  # between plain lines


@contextmanager
def shown(quiet: bool, named: bool = True) -> Iterator[Progress]:
    """A progress callable for the length of a run. ``named``: whether it may show the names of files."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bar(named) as progress:
            yield progress
    else:
        yield _Plain(named)


def _name(event: FileStarted, named: bool) -> str:
    return safe_text(event.name, 120) if named else f"file {event.index + 1}"


class _Plain:
    """A line at the first file, every ten seconds, and at the end."""

    def __init__(self, named: bool) -> None:
        self._named = named
        self._total = self._done = 0
        self._last = float("-inf")
        self._started = time.monotonic()

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._total = event.total
        elif isinstance(event, FileStarted):
            if time.monotonic() - self._last >= PLAIN_SECONDS:
                self._last = time.monotonic()
                print(f"{self._done}/{self._total} files, now {_name(event, self._named)}", file=sys.stderr)
        elif isinstance(event, FileFinished | FileSkipped):
            self._done += 1
            if self._done == self._total:
                print(f"{self._done}/{self._total} files in {time.monotonic() - self._started:.0f} s", file=sys.stderr)


@contextmanager
def _bar(named: bool) -> Iterator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("loading models", total=None)

        def show(event: Event) -> None:
            if isinstance(event, RunStarted):
                bar.update(task, total=event.total)
            elif isinstance(event, FileStarted):
                bar.update(task, description=escape(safe_text(_name(event, named), 40)))
            elif isinstance(event, FileFinished | FileSkipped):
                bar.advance(task)

        yield show
