"""``deepfake-detect bundle``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import exits


class Torch(StrEnum):
    """Which build of PyTorch."""

    CPU = "cpu"
    PYPI = "pypi"


def bundle(
    platform: Annotated[
        str, typer.Option(help="linux-x86_64, linux-aarch64, windows-x86_64 or macos-arm64; the system it is for.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="A new folder.")],
    torch: Annotated[
        Torch, typer.Option(help="For Linux: PyTorch's small build, or PyPI's with CUDA (several GB).")
    ] = Torch.CPU,
    constraint: Annotated[Path | None, typer.Option(exists=True, help="Upper bounds, as pip reads them.")] = None,
    source: Annotated[Path | None, typer.Option(help="Checkout to build from; default: the one installed.")] = None,
) -> None:
    """Make a folder from which a machine without a network can be set up. Uses the network; needs the extra `bundle`.

    Example:

      deepfake-detect bundle --platform windows-x86_64 -o STICK
    """
    with exits.reported_errors():
        from deepfake_detect.bundle.make import make

        made = make(platform, output, source, constraint, torch is Torch.CPU)
        print(f"{made.folder}: {made.wheels} wheels, {made.bytes / 1e6:,.0f} MB")
        print(f"SHA-256 of its SHA256SUMS: {made.sums}")
