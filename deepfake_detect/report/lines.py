"""Findings and abstentions put together for a reader: one entry for each detector and subject, however many stretches
it has; matches with originals, and claims of the file, which have no score, apart from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..findings import Abstention, Evidence, Finding
from ..media import Span

ORIGINAL_MATCH = "original-match"  # the comparison with files supplied as originals


def matches_of(findings: Iterable[Finding]) -> list[Finding]:
    """The originals that were found to share content with the file, the best confirmed first."""
    return [finding for finding in findings if finding.detector == ORIGINAL_MATCH]


def claims_of(findings: Iterable[Finding]) -> list[Finding]:
    """What the file says of itself: findings without a score that are no match."""
    return [finding for finding in findings if finding.score is None and finding.detector != ORIGINAL_MATCH]


@dataclass(frozen=True, slots=True)
class LineGroup:
    """All scored findings of one detector on one subject, by time; ``strongest`` has the highest ratio."""

    strongest: Finding
    stretches: tuple[Finding, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What explains the strongest finding; where there are several, with one time line over all of them."""
        whole = self.timeline
        if whole is None:
            return self.strongest.evidence
        return (*(e for e in self.strongest.evidence if e.kind != "timeline"), whole)

    @property
    def timeline(self) -> Evidence | None:
        """The scores of all stretches, when there are several: the parts of each where all have them, else one each."""
        return self._parts() or self._middles()

    def _parts(self) -> Evidence | None:
        """The parts of each stretch, half seconds of a voice; where two overlap, those of the first."""
        found = [next((e for e in f.evidence if e.kind == "timeline"), None) for f in self.stretches]
        lines = [e for e in found if e is not None]
        if len(lines) < 2 or len(lines) < len(found):
            return None
        values: list[tuple[float, float]] = []
        for line in lines:
            step = line.values[1][0] - line.values[0][0] if len(line.values) > 1 else 0.0
            values += [point for point in line.values if not values or point[0] > values[-1][0] + step / 2]
        thresholds = {line.threshold for line in lines}
        threshold = thresholds.pop() if len(thresholds) == 1 else None
        return Evidence("timeline", lines[0].caption, values=tuple(values), threshold=threshold)

    def _middles(self) -> Evidence | None:
        timed = [(f.span, f.score) for f in self.stretches if f.span is not None and f.score is not None]
        if len(timed) < 2:
            return None
        values = tuple(((span.start + span.end) / 2, score) for span, score in timed)
        covered = Span(min(span.start for span, _ in timed), max(span.end for span, _ in timed))
        return Evidence("timeline", "One raw score for each stretch, at its middle.", covered, None, values)


@dataclass(frozen=True, slots=True)
class AbstentionGroup:
    """Abstentions of one detector on one subject for one reason: the first of them, and how many there are."""

    first: Abstention
    count: int


def group_lines(findings: Iterable[Finding]) -> list[LineGroup]:
    """Groups of the findings that have a score, the highest ratio first, experimental detectors last."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.score is not None:
            groups.setdefault((finding.detector, finding.subject), []).append(finding)
    lines = [LineGroup(max(group, key=_ratio), tuple(sorted(group, key=_start))) for group in groups.values()]
    return sorted(lines, key=lambda line: (line.strongest.experimental, -_ratio(line.strongest)[0]))


def group_abstentions(abstentions: Iterable[Abstention]) -> list[AbstentionGroup]:
    """Groups in the order of their first member."""
    groups: dict[tuple[str, str, str], list[Abstention]] = {}
    for abstention in abstentions:
        groups.setdefault((abstention.detector, abstention.subject, abstention.reason.value), []).append(abstention)
    return [AbstentionGroup(group[0], len(group)) for group in groups.values()]


def _ratio(finding: Finding) -> tuple[float, float]:
    """Order of strength; what is not calibrated comes after everything that is."""
    return (float("-inf") if finding.llr is None else finding.llr), finding.score or 0.0


def _start(finding: Finding) -> float:
    return finding.span.start if finding.span else 0.0
