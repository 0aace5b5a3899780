"""``deepfake-detect wipe``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import exits


def wipe(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="The case folder.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a case for good, and say what that cannot promise.

    Example:

      deepfake-detect wipe CASE
    """
    with exits.reported_errors():
        from deepfake_detect.case.wipe import LIMITS, measure
        from deepfake_detect.case.wipe import wipe as remove
        from deepfake_detect.report.text import safe_text

        there = measure(case)
        if not yes:
            question = f"Remove {safe_text(str(case), 200)} with {there.files} files ({there.bytes:,} bytes) for good?"
            typer.confirm(question, abort=True, err=True)
        removed = remove(case)
        print(f"Removed {removed.files} files, {removed.bytes:,} bytes; each was overwritten once.")
        print("What this cannot promise:")
        for limit in LIMITS:
            print(f"- {limit}")
