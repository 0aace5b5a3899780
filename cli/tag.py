"""``deepfake-detect tag``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import exits


def tag(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="The case folder.")],
    files: Annotated[list[str] | None, typer.Argument(help="The files: SHA-256, the start of it, or path.")] = None,
    name: Annotated[str, typer.Option("--as", help="The tag.")] = "marked",
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag off.")] = False,
    minor: Annotated[
        bool, typer.Option("--minor", help="A child is or may be shown: remove every picture for good.")
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who does it, for the custody log.")] = None,
) -> None:
    """Mark files of a case, or declare that a child is or may be shown in it (which cannot be taken back).

    Examples:

      deepfake-detect tag CASE 5b8e91ad --as important

      deepfake-detect tag CASE --minor
    """
    with exits.reported_errors():
        from deepfake_detect.case.notes import check_tag
        from deepfake_detect.case.private import Handling
        from deepfake_detect.case.reader import CaseReader
        from deepfake_detect.case.writer import CaseWriter
        from deepfake_detect.errors import UsageError

        if not files and not minor:
            raise UsageError("no file named", "Name files of the case, or give --minor.")
        reader = CaseReader(case)
        marked, hashes = check_tag(name), [reader.find(file) for file in files or ()]
        record = reader.record_for(hashes[0] if hashes else None, by)
        with CaseWriter(case, Handling(record)) as writer:
            if minor:
                print(f"A child is or may be shown. Removed {writer.declare_minor()} pictures and pages.")
            for sha256 in hashes:
                writer.tag(sha256, marked, not remove)
        for sha256 in hashes:
            print(f"{'No longer' if remove else 'Now'} {marked}: {sha256}")
