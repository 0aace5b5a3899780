"""Whether anything was changed since a case was finalised: its files, its log, the evidence, the weights."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..checkpoints import WeightStore
from ..errors import ReportError, UnreadableError, WeightsMissingError
from ..findings import Report, WeightRecord
from ..ingest import identify
from ..report.text import safe_text
from .evidence import EvidencePlaces, EvidenceRecord
from .reader import CaseReader
from .seal import UNSIGNED, Problem, ProblemKind, seal_problems


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. ``remarks``: what was looked at and what was not, and what it means; the last one is always that
    the case is unsigned. ``head``: the hash of the last entry of the custody log, to be kept elsewhere.
    """

    problems: tuple[Problem, ...]
    remarks: tuple[str, ...]
    head: str | None


def verify(
    folder: str | os.PathLike[str],
    evidence: Sequence[str | os.PathLike[str]] | None = None,
    store: WeightStore | None = None,
) -> Verification:
    """Check a case. ``evidence``: the folders in which its evidence lies now (see ``EvidencePlaces``); None leaves it
    out, as ``store`` None does the weights. Changes nothing. Raises ``ReportError`` for a folder that is no case.
    """
    reader = CaseReader(folder)
    try:
        problems = list(seal_problems(reader.places))
        last = reader.chain[-1] if reader.chain else None
    except OSError as error:
        raise ReportError(f"{folder} cannot be read: {error}", "Ask for read permission, or work on a copy.") from error
    remarks = [] if problems else ["every file of the case is the one that was sealed, and the log is whole"]
    try:
        problems += _evidence_problems(reader, evidence, remarks)
        problems += _weights_problems(reader, store, remarks)
    except ReportError as error:  # a damaged document is among the problems already
        remarks.append(f"stopped at a damaged document: {error.message}")
        problems = problems or [Problem(ProblemKind.CHANGED, "data", error.message)]
    return Verification(tuple(problems), (*remarks, UNSIGNED), last.hash if last else None)


def _evidence_problems(
    reader: CaseReader, given: Sequence[str | os.PathLike[str]] | None, remarks: list[str]
) -> list[Problem]:
    if given is None:
        remarks.append("the evidence was not looked at: name its folder with --evidence")
        return []
    places = EvidencePlaces(reader.info.roots, given, reader.evidence)
    problems = [p for record in reader.evidence if (p := _evidence_problem(record, places)) is not None]
    if not problems:
        remarks.append(f"all {len(reader.evidence)} files of the evidence have the bytes that were scanned")
    return problems


def _evidence_problem(record: EvidenceRecord, places: EvidencePlaces) -> Problem | None:
    name = safe_text(record.path, 200) if record.path is not None else record.sha256
    path = places.find(record)
    if path is None:
        what = "not there" if record.path is not None else "no file there has these bytes"
        return Problem(ProblemKind.EVIDENCE, name, what)
    try:
        found = identify(path).sha256
    except UnreadableError as error:
        return Problem(ProblemKind.EVIDENCE, name, error.message if record.path is not None else "it cannot be read")
    if found != record.sha256:
        return Problem(ProblemKind.EVIDENCE, name, f"SHA-256 {found}, scanned as {record.sha256}")
    return None


def _weights_problems(reader: CaseReader, store: WeightStore | None, remarks: list[str]) -> list[Problem]:
    if store is None:
        remarks.append("the weights were not looked at")
        return []
    used = dict.fromkeys(weight for result in reader.results() for weight in _weights_of(result))
    states = {found.entry.id: found.state for found in store.verify() if found.state != "ok"}
    problems = [problem for weight in used for problem in _weight_problem(weight, store, states)]
    if not problems:
        remarks.append(f"the {len(used)} weights that were used are installed here, unchanged")
    return problems


def _weights_of(result: object) -> Iterator[WeightRecord]:
    if isinstance(result, Report):
        yield from (weight for detector in result.run.detectors for weight in detector.weights)
        yield from result.run.extractors


def _weight_problem(weight: WeightRecord, store: WeightStore, states: dict[str, str]) -> Iterator[Problem]:
    try:
        installed = store.entry(weight.id)
    except WeightsMissingError:
        yield Problem(ProblemKind.WEIGHTS, weight.id, "this installation does not have them")
        return
    if installed.sha256 != weight.sha256:
        detail = f"used with SHA-256 {weight.sha256} ({weight.version}), this installation pins {installed.sha256}"
        yield Problem(ProblemKind.WEIGHTS, weight.id, f"{detail} ({installed.version})")
    elif weight.id in states:
        yield Problem(ProblemKind.WEIGHTS, weight.id, f"the installed file is {states[weight.id]}")
