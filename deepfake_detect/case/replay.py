"""Running the plan of a case again, and comparing the answers."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from ..errors import ReportError, UnreadableError, UsageError
from ..findings import Abstention, Finding, Report, RunRecord
from ..ingest import Limits
from ..media import JsonValue, Region, SamplingPlan
from ..options import ScanOptions
from ..originals import Comparer
from ..pipeline import Scanner
from .evidence import EvidencePlaces
from .reader import CaseReader
from .versions import refuse_older

T = TypeVar("T")
_Key: TypeAlias = tuple[str, str, float, int]
TOLERANCE = 0.05  # of a raw score and of a log10 likelihood ratio; other devices and libraries round otherwise

_OF_PEOPLE = {"path", "supplied", "supplied_by"}  # in the facts on an original


@dataclass(frozen=True, slots=True)
class Replayed:
    """One report run again. ``differences``: sentences, none if it came out the same. ``largest``: the largest
    difference between two raw scores or ratios, None if there was none to compare.
    """

    sha256: str
    differences: tuple[str, ...]
    largest: float | None


def replay(
    folder: str | os.PathLike[str],
    evidence: Sequence[str | os.PathLike[str]] | None = None,
    *,
    device: str = "auto",
    weights: str | None = None,
    trust_list: str | None = None,
    comparer: Comparer | None = None,
) -> Iterator[Replayed]:
    """Scan each file of a case again with the plan, limits and detectors that its report records.

    Nothing is written and no picture is made. ``evidence``: where its folders lie now, None for where they lay.
    ``trust_list``: PEM text, and ``comparer``: the originals, each needed if the case was made with it. Raises
    ``ReportError`` and ``UsageError``.
    """
    reader = CaseReader(folder)
    places = EvidencePlaces(reader.info.roots, evidence, reader.evidence)
    found = {r.sha256: path for r in reader.evidence if (path := places.find(r)) is not None}
    for plan, reports in _by_plan(reader).items():
        options = _options(reports[0].run, trust_list, reports[0].first_pass)
        compared = _comparer(reports[0].run, comparer)
        ids = [id_ for id_ in plan[0] if compared is None or id_ != compared.record.id]
        with Scanner(device=device, detectors=ids, options=options, weights=weights, comparer=compared) as scanner:
            refuse_older(reader, [loaded.record for loaded in scanner.detectors])
            yield from (_replayed(report, found.get(report.media.sha256), scanner) for report in reports)


def _by_plan(reader: CaseReader) -> Mapping[tuple[tuple[str, ...], str, bool], list[Report]]:
    """The reports by detectors, fingerprint and pass, so that models are loaded once for each plan."""
    plans: dict[tuple[tuple[str, ...], str, bool], list[Report]] = defaultdict(list)
    for result in reader.results():
        if isinstance(result, Report):
            plans[tuple(d.id for d in result.run.detectors), result.run.fingerprint, result.first_pass].append(result)
    return plans


def _options(run: RunRecord, trust_list: str | None, first_pass: bool) -> ScanOptions:
    """The options that a run records; a first pass left the re-shippings out. Raises ``UsageError`` if they cannot be
    had again.
    """
    recorded = run.options
    known = {field.name for field in fields(ScanOptions)} | {"originals"}
    if unknown := sorted(recorded.keys() - known):
        raise UsageError(f"the case was made with options unknown here: {', '.join(unknown)}", "Use its version.")
    if bool(recorded.get("trust_list")) != (trust_list is not None):
        with_or_without = "with" if recorded.get("trust_list") else "without"
        raise UsageError(f"the case was made {with_or_without} --trust-list", "Replay it the same way.")
    plan, limits = _rebuilt(SamplingPlan, recorded.get("plan")), _rebuilt(Limits, recorded.get("limits"))
    language = recorded.get("language")
    stated = language if isinstance(language, str) else None
    region = _rebuilt(Region, recorded["region"]) if recorded.get("region") else None
    return ScanOptions(
        plan, limits, pictures=False, trust_list=trust_list, language=stated, region=region,
        robustness=bool(recorded.get("robustness")) and not first_pass,
        operating_point=str(recorded.get("operating_point") or "standard"),
    )  # fmt: skip


def _comparer(run: RunRecord, comparer: Comparer | None) -> Comparer | None:
    """The originals to compare with again. Raises ``UsageError`` if they were not used before, or are not given."""
    used = "originals" in run.options
    if used != (comparer is not None):
        raise UsageError(f"the case was made {'with' if used else 'without'} --originals", "Replay it the same way.")
    return comparer


def _rebuilt(cls: Callable[..., T], values: Any) -> T:
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise ReportError(f"the case's options cannot be read: {error}", "Use the version that made it.") from error


def _replayed(before: Report, path: Path | None, scanner: Scanner) -> Replayed:
    if path is None:
        return Replayed(before.media.sha256, ("the file was not found",), None)
    try:
        after = scanner.scan(path)
    except UnreadableError:
        return Replayed(before.media.sha256, ("the file cannot be read",), None)
    if after.media.sha256 != before.media.sha256:
        return Replayed(before.media.sha256, ("the file has other bytes now, so nothing was compared",), None)
    differences, largest = compare(before, after)
    return Replayed(before.media.sha256, differences, largest)


def compare(before: Report, after: Report, tolerance: float = TOLERANCE) -> tuple[tuple[str, ...], float | None]:
    """How two reports on the same bytes differ: label, findings, abstentions, facts and weights; raw scores and ratios
    beyond ``tolerance``. Also the largest difference of two numbers.
    """
    differences = list(_weights_differences(before.run, after.run))
    labels = [report.verdict.label.value if report.verdict else "none" for report in (before, after)]
    if labels[0] != labels[1]:
        differences.append(f"label {labels[0]}, now {labels[1]}")
    largest: float | None = None
    old, new = _by_line(before.findings), _by_line(after.findings)
    differences += [f"{_line(key)}: only before" for key in old.keys() - new.keys()]
    differences += [f"{_line(key)}: only now" for key in new.keys() - old.keys()]
    for key in old.keys() & new.keys():
        for name, gap, sentence in (*_gaps(old[key], new[key]), *_delivery_gaps(old[key], new[key])):
            if gap is not None:
                largest = max(gap, largest or 0.0)
            if gap is None or gap > tolerance:
                differences.append(f"{_line(key)}: {name} {sentence}")
    if _reasons(before.abstentions) != _reasons(after.abstentions):
        differences.append("other abstentions than before")
    return tuple(sorted(differences)), largest


def _by_line(findings: Sequence[Finding]) -> dict[_Key, Finding]:
    """Findings by detector, subject, start rounded to the hundredth second, and order among those alike."""
    lines: dict[_Key, Finding] = {}
    for finding in findings:
        start = round(finding.span.start, 2) if finding.span else -1.0
        alike = sum(key[:3] == (finding.detector, finding.subject, start) for key in lines)
        lines[finding.detector, finding.subject, start, alike] = finding
    return lines


def _line(key: _Key) -> str:
    detector, subject, start, _ = key
    return f"{detector} on {subject}" + (f" from {start:g} s" if start >= 0 else "")


def _gaps(old: Finding, new: Finding) -> Iterator[tuple[str, float | None, str]]:
    """What of a line differs: name, by how much (None for what is no number), and the values as text."""
    for name, one, other in (("score", old.score, new.score), ("log10 ratio", old.llr, new.llr)):
        if one is not None and other is not None:
            yield name, abs(one - other), f"{one:.4g}, now {other:.4g}"
        elif one is not other:
            yield name, None, f"{one}, now {other}"
    if old.condition != new.condition:
        yield "condition", None, f"{old.condition}, now {new.condition}"
    if not _same(old.facts, new.facts):
        yield "facts", None, "differ"


def _delivery_gaps(old: Finding, new: Finding) -> Iterator[tuple[str, float | None, str]]:
    """As ``_gaps``, of the scores after re-shippings."""
    then, now = ({d.name: d.score for d in finding.deliveries} for finding in (old, new))
    for name in sorted(then.keys() | now.keys()):
        one, other = then.get(name), now.get(name)
        if one is not None and other is not None:
            yield f"score after {name}", abs(one - other), f"{one:.4g}, now {other:.4g}"
        elif one is not other:
            yield f"score after {name}", None, f"{one}, now {other}"


def _same(old: JsonValue, new: JsonValue) -> bool:
    """Whether facts are the same, numbers within the tolerance; where originals lie and who gave them is left out."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = (old.keys() | new.keys()) - (_OF_PEOPLE if "supplied_by" in old else set())
        return all(key in old and key in new and _same(old[key], new[key]) for key in keys)
    if isinstance(old, tuple | list) and isinstance(new, tuple | list):
        return len(old) == len(new) and all(_same(one, other) for one, other in zip(old, new, strict=True))
    if isinstance(old, float) or isinstance(new, float):
        numbers = isinstance(old, int | float) and isinstance(new, int | float)
        return numbers and abs(float(old) - float(new)) <= TOLERANCE  # type: ignore[arg-type]
    return old == new


def _reasons(abstentions: Sequence[Abstention]) -> set[tuple[str, str, str]]:
    return {(a.detector, a.subject, a.reason.value) for a in abstentions}


def _weights_differences(before: RunRecord, after: RunRecord) -> Iterator[str]:
    if before.version != after.version:
        yield f"made with version {before.version}, replayed with {after.version}"
    now = {d.id: d.weights for d in after.detectors} | {"face and speech finding": after.extractors}
    then = {d.id: d.weights for d in before.detectors} | {"face and speech finding": before.extractors}
    for name, weights in then.items():
        if {w.sha256 for w in weights} != {w.sha256 for w in now.get(name, ())}:
            yield f"{name}: other weights than before"
