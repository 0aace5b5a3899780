"""The verdict. Ratios are never added: detectors, frames and windows of one file are not independent.

The rule, in this order:

1. Every ratio is first lowered by log10 of the number of lines of its detector that were looked at, as Bonferroni
   would; the verdict's own ratio is then the strongest single line of a detector that is not experimental.
2. A line of a detector that is not experimental, above its upper threshold, gives its label.
3. A trusted Content Credential that declares a synthetic or composite origin gives the label.
4. A line of an experimental detector above its threshold and an untrusted declaration of the same origin give the label
   together; neither does alone, since anyone can write metadata.
5. Otherwise ``no_manipulation_found``, if a content detector that is not experimental scored and all of its lines lie
   below their lower threshold, and nothing above spoke against it.
6. Otherwise ``inconclusive``. Absent provenance plays no part.
7. A label of rules 2, 4 or 5 that rests on a line which turns round after a re-shipping (from one of its thresholds to
   the other) becomes ``inconclusive``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10

from ..findings import Finding, Label, Verdict
from ..media import JsonValue

TRUSTED = "signed (trusted)"  # `declared_by` of a Content Credential whose signer is on the trust list
_ORIGIN_LABEL = {"synthetic": Label.SYNTHETIC, "composite": Label.MANIPULATED}


@dataclass(frozen=True, slots=True)
class Line:
    """A calibrated finding with the thresholds (log10 LR) of its detector."""

    finding: Finding
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A line with its ratio after correction."""

    line: Line
    llr: float

    @property
    def interval(self) -> tuple[float, float] | None:
        finding = self.line.finding
        if finding.interval is None or finding.llr is None:
            return None
        shift = self.llr - finding.llr
        return finding.interval[0] + shift, finding.interval[1] + shift

    @property
    def above(self) -> bool:
        return self.llr >= self.line.upper

    @property
    def below(self) -> bool:
        return (self.line.finding.llr or 0.0) <= self.line.lower

    def turned(self) -> list[str]:
        """The re-shippings after which the line lies on the other side of its thresholds."""
        shift = self.llr - (self.line.finding.llr or 0.0)
        known = [(d.name, d.llr) for d in self.line.finding.deliveries if d.llr is not None]
        if self.above:
            return [name for name, llr in known if llr <= self.line.lower]
        return [name for name, llr in known if self.below and llr + shift >= self.line.upper]

    @property
    def name(self) -> str:
        return f"{self.line.finding.detector} on {self.line.finding.subject}"

    @property
    def label(self) -> Label:
        proposition = self.line.finding.proposition
        return proposition.label if proposition else Label.INCONCLUSIVE


def _weigh(lines: Sequence[Line]) -> list[_Weighed]:
    """Correct each line for the number of lines of its detector; strongest first, then by name for a stable order."""
    counts = Counter(line.finding.detector for line in lines)
    weighed = [
        _Weighed(line, line.finding.llr - log10(counts[line.finding.detector]))
        for line in lines
        if line.finding.llr is not None
    ]
    return sorted(weighed, key=lambda w: (-w.llr, w.line.finding.detector, w.line.finding.subject))


@dataclass(frozen=True, slots=True)
class _Declaration:
    """What the file's own provenance declares of its origin."""

    label: Label | None
    trusted: bool
    text: str


def _declaration(facts: Sequence[Mapping[str, JsonValue]]) -> _Declaration:
    for fact in facts:
        origin, by = fact.get("declared_origin"), str(fact.get("declared_by") or "unsigned metadata")
        if isinstance(origin, str) and origin in _ORIGIN_LABEL:
            generator = fact.get("generator")
            made = f" by {generator}" if isinstance(generator, str) and generator else ""
            text = f"the file declares a {origin} origin{made} ({by})"
            return _Declaration(_ORIGIN_LABEL[origin], by == TRUSTED, text)
    return _Declaration(None, False, "")


def _label(weighed: Sequence[_Weighed], declared: _Declaration) -> tuple[Label, tuple[str, ...]]:
    """Rules 2 to 6: the label and the reasons for it."""
    proven = [w for w in weighed if not w.line.finding.experimental]
    experimental_above = [w for w in weighed if w.line.finding.experimental and w.above]
    above = [w for w in proven if w.above]
    if above:
        return above[0].label, tuple(f"{w.name} lies above its threshold" for w in above)
    if declared.label and declared.trusted:
        return declared.label, (declared.text,)
    if declared.label and experimental_above:
        names = tuple(f"{w.name} lies above its threshold (experimental)" for w in experimental_above)
        return declared.label, (declared.text, *names)
    hints = (*((declared.text + ", which anyone can write",) if declared.label else ()),
             *(f"{w.name} lies above its threshold, but is experimental and does not decide alone"
               for w in experimental_above))  # fmt: skip
    if proven and all(w.below for w in proven) and not declared.label and not experimental_above:
        return Label.NO_MANIPULATION_FOUND, tuple(f"{w.name} lies below its threshold" for w in proven)
    if hints:
        return Label.INCONCLUSIVE, hints
    if proven:
        return Label.INCONCLUSIVE, ("the findings lie between the thresholds",)
    return Label.INCONCLUSIVE, ("no detector that is past the experimental stage could decide",)


def _withstood(
    label: Label, reasons: tuple[str, ...], weighed: Sequence[_Weighed], declared: _Declaration
) -> tuple[Label, tuple[str, ...]]:
    """Rule 7: the label and its reasons, unless a line that it rests on turns round."""
    proven = [w for w in weighed if not w.line.finding.experimental]
    above = [w for w in proven if w.above]
    if label is Label.INCONCLUSIVE or (not above and declared.label and declared.trusted):
        return label, reasons
    ground = proven if label is Label.NO_MANIPULATION_FOUND else above or [w for w in weighed if w.above]
    turned = tuple(f"{w.name} turns round after {name}" for w in ground for name in w.turned())
    return (Label.INCONCLUSIVE, (*turned, *reasons)) if turned else (label, reasons)


def _conflicts(weighed: Sequence[_Weighed], declared: _Declaration) -> tuple[str, ...]:
    """Lines that point in opposite directions, each named."""
    up, down = [w for w in weighed if w.above], [w for w in weighed if w.below]
    conflicts = [
        f"{u.name} supports {u.label.value.replace('_', ' ')} while {d.name} supports the opposite"
        for u in up[:1]
        for d in down
        if (u.line.finding.detector, u.line.finding.subject) != (d.line.finding.detector, d.line.finding.subject)
    ]
    if declared.label:
        conflicts += [f"{declared.text}, while {d.name} supports the opposite" for d in down]
    return tuple(dict.fromkeys(conflicts))


def flagged(lines: Sequence[Line], facts: Sequence[Mapping[str, JsonValue]]) -> bool:
    """Whether anything speaks for synthesis or manipulation: a line of any detector at its upper threshold, corrected
    for the number of lines as in ``decide``, or a declaration of the file's own, by whomever.
    """
    return any(weighed.above for weighed in _weigh(lines)) or _declaration(facts).label is not None


def decide(lines: Sequence[Line], facts: Sequence[Mapping[str, JsonValue]]) -> Verdict | None:
    """The verdict of one file, or None if there is neither a calibrated line nor a provenance fact.

    ``facts``: the contents of the findings without a score. The result does not depend on the order of ``lines``.
    """
    weighed = _weigh(lines)
    if not weighed and not facts:
        return None
    declared = _declaration(facts)
    label, reasons = _withstood(*_label(weighed, declared), weighed, declared)
    strongest = next((w for w in weighed if not w.line.finding.experimental), None)
    # Several windows of one voice give the same sentence.
    reasons_conflicts = (tuple(dict.fromkeys(reasons)), _conflicts(weighed, declared))
    if strongest is None:
        return Verdict(label, None, None, *reasons_conflicts)
    return Verdict(label, strongest.llr, strongest.interval, *reasons_conflicts)
