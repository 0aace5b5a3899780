"""The ``deepfake-detect`` command."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Annotated

import typer

from . import (
    bundle,
    calibrate,
    detectors,
    export,
    hash,
    match,
    note,
    open,
    replay,
    report,
    scan,
    selftest,
    tag,
    verify,
    weights,
    wipe,
)

app = typer.Typer(
    help="Look for synthetic and manipulated pictures, videos and voices, and write reports that explain it.\n\n"
    "Examples:\n\n"
    "  deepfake-detect scan picture.jpg\n\n"
    "  deepfake-detect scan -o CASE evidence/\n\n"
    "  deepfake-detect open\n\n"
    "  deepfake-detect selftest",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("scan")(scan.scan)
app.command("open")(open.open_)
app.command("bundle")(bundle.bundle)
app.command("match")(match.match)
for name, command in (
    ("note", note.note), ("tag", tag.tag), ("export", export.export), ("verify", verify.verify),
    ("replay", replay.replay), ("report", report.report), ("wipe", wipe.wipe), ("hash", hash.hash_),
):  # fmt: skip
    app.command(name)(command)
app.command("selftest")(selftest.selftest)
app.add_typer(detectors.app, name="detectors")
app.add_typer(weights.app, name="weights")
app.command("calibrate")(calibrate.calibrate)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"deepfake-detect {version('deepfake-detect')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Shared options."""


def run() -> None:
    """The console script: settle the process, which belongs to us here, then run the command."""
    # On busy cores OpenMP threads that spin while they wait make face finding many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a cp1252 console cannot print every name
    # Decoders warn about damaged files in words of their own; the reports say what was not decoded.
    warnings.filterwarnings("ignore", module="PIL")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    if len(sys.argv) == 1 and sys.stdin.isatty() and sys.stdout.isatty():
        sys.argv.append("open")  # at a terminal or double-clicked, without a word: a person, not a program
    app()
