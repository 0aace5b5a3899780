"""Weights that a person added never go back to a lower version within one case."""

from __future__ import annotations

from collections.abc import Iterable

from ..checkpoints import ADDED, version_numbers
from ..errors import UsageError
from ..findings import DetectorRecord, Report
from .reader import CaseReader


def refuse_older(reader: CaseReader, detectors: Iterable[DetectorRecord]) -> None:
    """Raises ``UsageError`` if a report of the case was made with a higher version of added weights than ``detectors``
    have now.
    """
    now = {w.id: w.version for detector in detectors for w in detector.weights if w.origin == ADDED}
    if not now:
        return
    for name in reader.entries:
        result = reader.result(name, beside=False)
        used = [w for d in result.run.detectors for w in d.weights] if isinstance(result, Report) else []
        for weights in used:
            here = now.get(weights.id)
            if weights.origin == ADDED and here and version_numbers(here) < version_numbers(weights.version):
                raise UsageError(
                    f"the case was made with {weights.id} {weights.version}, and {here} is here",
                    "Add that version again, or use a folder of its own with -o.",
                )
