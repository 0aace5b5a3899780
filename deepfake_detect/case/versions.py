"""Weights that a person added never go back to a lower version within one case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..checkpoints import ADDED, version_numbers
from ..errors import UsageError
from ..findings import DetectorRecord, Report
from .layout import CaseInfo
from .reader import CaseReader


def refuse_older(reader: CaseReader, detectors: Iterable[DetectorRecord]) -> None:
    """Raises ``UsageError`` if a report of the case was made with a higher version of added weights than ``detectors``
    have now.
    """
    now = _added(detectors)
    if not now:
        return
    used = reader.info.added if reader.info.added is not None else _read(reader)
    for name, here in now.items():
        if name in used and version_numbers(here) < version_numbers(used[name]):
            raise UsageError(
                f"the case was made with {name} {used[name]}, and {here} is here",
                "Add that version again, or use a folder of its own with -o.",
            )


def with_added(info: CaseInfo, report: Report) -> CaseInfo:
    """``info`` with the versions of a report that is about to be written, so that nobody need read all reports."""
    if info.added is None:
        return info
    known = _highest((info.added, _added(report.run.detectors)))
    return info if known == info.added else replace(info, added=known)


def _read(reader: CaseReader) -> Mapping[str, str]:
    """The versions of a case that does not keep them: every report is read."""
    results = (reader.result(name, beside=False) for name in reader.entries)
    return _highest(_added(result.run.detectors) for result in results if isinstance(result, Report))


def _added(detectors: Iterable[DetectorRecord]) -> Mapping[str, str]:
    return {w.id: w.version for detector in detectors for w in detector.weights if w.origin == ADDED}


def _highest(found: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    highest: dict[str, str] = {}
    for versions in found:
        for name, version in versions.items():
            if name not in highest or version_numbers(highest[name]) < version_numbers(version):
                highest[name] = version
    return highest
