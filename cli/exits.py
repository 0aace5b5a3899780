"""How a run ends: counts, exit codes, and errors as one clear line."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from deepfake_detect.errors import DeepfakeDetectError, UsageError
from deepfake_detect.findings import Failure, Label, Reason, Report
from deepfake_detect.report.text import safe_text

DONE, FAILED, USAGE, SOME_FAILED, FOUND = 0, 1, 2, 3, 10


def whole_file(outcome: Report | Failure) -> Reason | None:
    """Why the file as a whole gave nothing (unreadable, no media, undecodable, stopped), or None if it was scanned."""
    if isinstance(outcome, Failure):
        return outcome.reason
    return next((a.reason for a in outcome.abstentions if a.detector == "scan"), None)


class Tally:
    """Counts outcomes as they pass."""

    def __init__(self) -> None:
        self.files = self.failed = self.analysed = 0
        self.labels: Counter[Label] = Counter()

    def add(self, outcome: Report | Failure) -> None:
        """Count one file."""
        self.files += 1
        # A file of another kind in a folder is no failure of the scan; media that could not be decoded is one.
        self.failed += whole_file(outcome) not in (None, Reason.UNSUPPORTED)
        if isinstance(outcome, Report):
            self.analysed += outcome.analysed
            if outcome.verdict is not None:
                self.labels[outcome.verdict.label] += 1

    def exit_code(self, fail_on: frozenset[Label]) -> int:
        """0 done, 1 nothing analysed, 3 some files failed, 10 a label of ``fail_on`` was given (it comes first)."""
        if fail_on & self.labels.keys():
            return FOUND
        if not self.analysed:
            return FAILED
        return SOME_FAILED if self.failed else DONE


def parse_labels(text: str | None) -> frozenset[Label]:
    """Comma-separated labels. Raises ``UsageError`` on an unknown one."""
    try:
        return frozenset(Label(part.strip()) for part in text.split(",")) if text else frozenset()
    except ValueError:
        raise UsageError(f"--fail-on {text}: unknown label", f"Known: {', '.join(Label)}.") from None


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn the library's errors into one line on stderr and an exit code; a broken pipe ends quietly."""
    try:
        yield
    except DeepfakeDetectError as error:
        print(f"deepfake-detect: {safe_text(error.message, 400)}", file=sys.stderr)
        if error.hint:
            print(f"  {safe_text(error.hint, 400)}", file=sys.stderr)
        raise typer.Exit(USAGE if isinstance(error, UsageError) else FAILED) from None
    except BrokenPipeError:
        # The reader went away; keep Python from complaining once more while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None
