"""``deepfake-detect export``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import exits


class ExportFormat(StrEnum):
    """What is written."""

    CSV = "csv"
    JSONL = "jsonl"


def export(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="The case folder.")],
    format_: Annotated[ExportFormat, typer.Option("--format", help="A row, or a JSON document, a file.")] = (
        ExportFormat.CSV
    ),
) -> None:
    """Print every result of a case with its paths, tags, notes and reviewer, to join with other tools.

    Example:

      deepfake-detect export CASE --format csv > case.csv
    """
    with exits.reported_errors():
        from deepfake_detect.case.reader import CaseReader
        from deepfake_detect.report.csv import write_csv
        from deepfake_detect.report.jsonl import write_jsonl

        results = CaseReader(case).results()
        if format_ is ExportFormat.CSV:
            write_csv(results, sys.stdout)
        else:
            write_jsonl(results, sys.stdout)
