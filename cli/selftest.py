"""``deepfake-detect selftest``."""

from __future__ import annotations

from typing import Annotated

import typer

from . import exits
from .scan import Device


def selftest(
    device: Annotated[Device, typer.Option(help="Where the models run.")] = Device.AUTO,
) -> None:
    """Run known files through every decoder and model of this installation. Exits with 1 if a result differs.

    Example:

      deepfake-detect selftest
    """
    with exits.reported_errors():
        from deepfake_detect.selftest import run_selftest

        good = True
        for check in run_selftest(device.value):
            good = good and check.ok
            print(f"{'ok' if check.ok else 'FAILED':<7} {check.name}{': ' + check.detail if check.detail else ''}")
        raise typer.Exit(exits.DONE if good else exits.FAILED)
