"""``deepfake-detect replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import exits
from .scan import Device


def replay(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="The case folder.")],
    evidence: Annotated[
        list[Path] | None,
        typer.Option(metavar="ROOT", help="Folder in which the evidence lies now; once for each recorded one."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the models run.")] = Device.AUTO,
    weights: Annotated[Path | None, typer.Option(help="Folder searched first for weights.")] = None,
    trust_list: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The PEM file that the case was made with.")
    ] = None,
    originals: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="The originals that the case was compared with.")
    ] = None,
) -> None:
    """Scan the files of a case again with the same plan, and compare. Exits with 1 if an answer differs.

    Example:

      deepfake-detect replay CASE --evidence /media/disk/evidence
    """
    with exits.reported_errors():
        from deepfake_detect.case.replay import TOLERANCE
        from deepfake_detect.case.replay import replay as run_again
        from deepfake_detect.ingest import Limits
        from deepfake_detect.report.text import safe_text

        from .originals import comparer

        compared = comparer(originals, None, Limits(), weights, None, True, True) if originals else None
        trusted = trust_list.read_text(encoding="utf-8", errors="replace") if trust_list else None
        same = files = 0
        for done in run_again(
            case, evidence, device=device.value, weights=str(weights) if weights else None, trust_list=trusted,
            comparer=compared,
        ):  # fmt: skip
            files, same = files + 1, same + (not done.differences)
            gap = "no number to compare" if done.largest is None else f"largest difference {done.largest:.2g}"
            print(f"{'differs' if done.differences else 'same':<8} {done.sha256} ({gap})", flush=True)
            for difference in done.differences:
                print(f"         {safe_text(difference, 300)}")
        print(f"{same} of {files} the same: label, lines and reasons equal, scores and log10 ratios within {TOLERANCE}")
        raise typer.Exit(exits.DONE if files and same == files else exits.FAILED)
