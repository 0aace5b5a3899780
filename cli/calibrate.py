"""``deepfake-detect calibrate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import exits

if TYPE_CHECKING:
    from deepfake_detect.calibrating import Calibrated


def calibrate(
    detector: Annotated[str, typer.Argument(help="Id of weights that you added; see `weights list`.")],
    data: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, help="Folder with real/ and synthetic/, or with a manifest.csv."),
    ],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
) -> None:
    """Measure added weights on files whose origin you know, so that their scores get a meaning.

    Example:

      deepfake-detect calibrate aasist --data known-files/

    Files in one folder below real/ or synthetic/ count as related (one speaker, one generator), where there are at
    least five such folders. At least 30 real and 30 synthetic files of a condition are needed. The error rates are
    those of your files, each judged by a curve that had no related file in it; they say nothing of others.
    """
    with exits.reported_errors():
        from deepfake_detect.calibrating import calibrate as run
        from deepfake_detect.devices import pick_device

        def progress(done: int, count: int) -> None:
            if not quiet and sys.stderr.isatty():
                print(f"\r{done} of {count} files", end="", file=sys.stderr, flush=True)

        made = run(detector, data, device=pick_device(device), progress=progress)
        _print(detector, made)


def _print(detector: str, made: Calibrated) -> None:
    for condition in made.fitted.conditions:
        m = condition.measured
        print(
            f"{condition.name}: {m['n_real']} real, {m['n_synthetic']} synthetic; AUC {m['auc']}, Cllr {m['cllr']}; "
            f"false alarms {m['false_alarm_at_upper']}, found {m['detection_at_upper']}"
        )
    if made.fitted.unused:
        print(f"{made.fitted.unused} files of conditions with too few: such files get no answer")
    for reason, count in sorted(made.left_out.items()):
        print(f"left out, {reason}: {count}")
    print(f"{detector} is calibrated, and marked experimental: these error rates come from the files that you chose.")
    print("They hold for files like these. Look at the numbers before you use it.")
