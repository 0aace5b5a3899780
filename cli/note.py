"""``deepfake-detect note``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import exits


def note(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="The case folder.")],
    file: Annotated[str, typer.Argument(help="The file: its SHA-256, the start of it, or its path.")],
    conclusion: Annotated[str, typer.Option(help="The conclusion, in your own words.")],
    by: Annotated[str, typer.Option(help="Who concludes it.")],
    reviewer: Annotated[str | None, typer.Option(help="Who reviewed it.")] = None,
) -> None:
    """Add a person's conclusion on a file of a case, beside the tool's and never over it.

    Example:

      deepfake-detect note CASE 5b8e91ad --conclusion "Consistent with a face swap." --by "A. Examiner"
    """
    with exits.reported_errors():
        from deepfake_detect.case.notes import make_note
        from deepfake_detect.case.private import Handling
        from deepfake_detect.case.reader import CaseReader
        from deepfake_detect.case.writer import CaseWriter

        written, reader = make_note(conclusion, by, reviewer), CaseReader(case)
        sha256 = reader.find(file)
        with CaseWriter(case, Handling(reader.record_for(sha256, by))) as writer:
            writer.note(sha256, written)
        print(f"Noted on {sha256}.")
