"""The command line in this process, which has the libraries loaded: for tests whose subject is not the process itself.

What a library writes to the streams of the process by itself, past Python, is not seen here.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from deepfake_detect.cli.main import app
from typer.testing import CliRunner


def typed(
    *arguments: str | Path, stdin: str = "", environment: dict[str, str | None] | None = None
) -> subprocess.CompletedProcess[str]:
    """What ``deepfake-detect`` says to ``arguments``. ``environment``: on top of this process's; None takes a name out.

    Raises what the command lets through, which is a crash.
    """
    words = [str(argument) for argument in arguments]
    done = CliRunner().invoke(app, words, input=stdin, env=environment, catch_exceptions=False)
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)
