"""Progress on standard error: a bar at a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from deepfake_detect.findings import Report
from deepfake_detect.progress import Event, FileFinished, FileSkipped, FileStarted, Progress, RunStarted, silent
from deepfake_detect.report.index import index_entry
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


class _Count:
    """Files done, how fast, how long it takes yet, and in how many something was flagged."""

    def __init__(self) -> None:
        self.total = self.done = self.flagged = 0
        self._started = time.monotonic()

    def take(self, event: Event) -> bool:
        """Count; whether a file is done."""
        if isinstance(event, RunStarted):
            self.total, self._started = event.total, time.monotonic()
        elif isinstance(event, FileFinished):
            self.flagged += isinstance(event.outcome, Report) and index_entry(event.outcome, "").flagged
        finished = isinstance(event, FileFinished | FileSkipped)
        self.done += finished
        return finished

    @property
    def seconds(self) -> float:
        """Since the run started."""
        return time.monotonic() - self._started

    def words(self) -> str:
        """In a line: ``12/200 files, 3.4 a second, about 0:55 left, 2 flagged``."""
        rate = self.done / self.seconds if self.done and self.seconds else 0.0
        left = f", {rate:.2g} a second, about {_clock((self.total - self.done) / rate)} left" if rate else ""
        return f"{self.done}/{self.total} files{left}, {self.flagged} flagged"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _Plain:
    """A line at the first file, every ten seconds, and at the end."""

    def __init__(self, named: bool) -> None:
        self._named, self._count = named, _Count()
        self._last = float("-inf")

    def __call__(self, event: Event) -> None:
        count = self._count
        if count.take(event) and count.done == count.total:
            print(
                f"{count.done}/{count.total} files in {count.seconds:.0f} s, {count.flagged} flagged", file=sys.stderr
            )
        elif isinstance(event, FileStarted) and time.monotonic() - self._last >= PLAIN_SECONDS:
            self._last = time.monotonic()
            print(f"{count.words()}, now {_name(event, self._named)}", file=sys.stderr)


@contextmanager
def _bar(named: bool) -> Iterator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(20), TextColumn("{task.fields[count]}"), TextColumn("{task.description}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        count = _Count()
        task = bar.add_task("loading models", total=None, count="")

        def show(event: Event) -> None:
            if count.take(event):
                bar.advance(task)
            if isinstance(event, RunStarted):
                bar.update(task, total=event.total)
            elif isinstance(event, FileStarted):
                bar.update(task, description=escape(safe_text(_name(event, named), 40)))
            bar.update(task, count=escape(count.words()))

        yield show
