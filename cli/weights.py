"""``deepfake-detect weights``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import exits

app = typer.Typer(
    help="The models' files: which are pinned, and whether they are intact.\n\n"
    "Example:\n\n  deepfake-detect weights verify",
    no_args_is_help=True,
)
Folder = Annotated[Path | None, typer.Option("--weights", help="Folder searched first for weights.")]


@app.command("list")
def list_(weights: Folder = None) -> None:
    """List the pinned weights with licence and size.

    Example:

      deepfake-detect weights list
    """
    with exits.reported_errors():
        from deepfake_detect.checkpoints import WeightStore

        for entry in WeightStore(weights).entries():
            use = "commercial use allowed" if entry.commercial_use else "no commercial use"
            print(f"{entry.id:<20} {entry.version:<8} {entry.bytes / 1e6:6.1f} MB  {entry.licence}, {use}")


@app.command()
def verify(weights: Folder = None) -> None:
    """Hash every weights file and compare it with the manifest. Exits with 1 if one is missing or changed.

    Example:

      deepfake-detect weights verify
    """
    with exits.reported_errors():
        from deepfake_detect.checkpoints import WeightStore

        states = list(WeightStore(weights).verify())
        for found in states:
            print(f"{found.state:<8} {found.entry.id}: {found.file.path}")
        if any(found.state != "ok" for found in states):
            raise typer.Exit(exits.FAILED)
