"""``deepfake-detect verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import exits


def verify(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="The case folder.")],
    evidence: Annotated[
        list[Path] | None,
        typer.Option(metavar="ROOT", help="Folder in which the evidence lies now; once for each recorded one."),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder searched first for weights.")] = None,
    no_weights: Annotated[bool, typer.Option("--no-weights", help="Leave the weights out.")] = False,
) -> None:
    """Find every change since a case was finalised: files, log, evidence, weights. Changes nothing.

    Exits with 1 if anything differs.

    Examples:

      deepfake-detect verify CASE

      deepfake-detect verify CASE --evidence /media/disk/evidence
    """
    with exits.reported_errors():
        from deepfake_detect.case.verify import verify as check
        from deepfake_detect.checkpoints import WeightStore
        from deepfake_detect.report.text import safe_text

        found = check(case, evidence, None if no_weights else WeightStore(weights))
        for problem in found.problems:
            print(safe_text(f"{problem.kind.value.upper():<9} {problem.what}: {problem.detail}", 600))
        for remark in found.remarks:
            print(safe_text(remark, 600))
        if found.head:
            print(f"last custody hash {found.head}")
        print("CHANGED" if found.problems else "OK")
        raise typer.Exit(exits.FAILED if found.problems else exits.DONE)
