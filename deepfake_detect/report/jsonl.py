"""JSON Lines: one report, or one failure, a line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from ..findings import Failure, Report
from .serialise import to_json


def write_jsonl(results: Iterable[Report | Failure], stream: TextIO) -> None:
    """Write each result as it comes, flushed, so that a reader at the other end of a pipe sees it at once."""
    for result in results:
        stream.write(to_json(result) + "\n")
        stream.flush()
