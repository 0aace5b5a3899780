"""``deepfake-detect open``."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from . import exits


def open_(
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser, or only print the address.")
    ] = True,
    referrals: Annotated[
        Path | None, typer.Option(envvar="DEEPFAKE_DETECT_REFERRALS", help="Your own list of who helps (TOML).")
    ] = None,
) -> None:
    """Open a page in the browser, for a person who does not use a terminal. It is served to this machine only.

    Ends when the page is closed; what it kept is removed then.

    Example:

      deepfake-detect open
    """
    with exits.reported_errors():
        from deepfake_detect.page.server import serve

        def announce(address: str) -> None:
            if not browser or not webbrowser.open(address):
                print(address, flush=True)
            print("The page is open until you close it; Ctrl-C ends it, too.", file=sys.stderr)

        serve(announce, referrals)
