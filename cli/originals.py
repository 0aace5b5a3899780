"""Originals on the command line: indexed before a scan, in the case if there is one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepfake_detect.ingest import Limits
    from deepfake_detect.originals import Comparer


def comparer(
    paths: Sequence[Path], folder: Path | None, limits: Limits, weights: Path | None, supplied_by: str | None,
    named: bool, quiet: bool,
) -> Comparer:  # fmt: skip
    """The originals below ``paths``, indexed; ``folder`` keeps the index for the next run.

    ``named``: whether paths may be told and kept. Raises ``UsageError`` when no original can be used.
    """
    from deepfake_detect.checkpoints import WeightStore
    from deepfake_detect.ingest.isolate import Isolation
    from deepfake_detect.originals import Comparer, OriginalsOptions, index_originals
    from deepfake_detect.report.text import safe_text

    def told(looked: int) -> None:
        if not quiet and sys.stderr.isatty():
            print(f"\rOriginals: {looked:,} looked at", end="", file=sys.stderr, flush=True)

    with Isolation(limits) as isolation:
        index = index_originals(paths, folder if named else None, opener=isolation.open_media, done=told)
    if not quiet:
        frames = len(index.entries)
        print(f"Originals: {len(index.records):,} in the index ({frames:,} pictures and frames)", file=sys.stderr)
        for problem in index.problems if named else ():
            print(f"  {safe_text(problem, 400)}", file=sys.stderr)
    store = WeightStore(str(weights) if weights else None)
    return Comparer(index, store, OriginalsOptions(supplied_by or "", named))
