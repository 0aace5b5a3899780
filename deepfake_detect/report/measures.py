"""What was measured of a detector, as rows and tables: error rates by condition, what re-shippings change, and how far
pictures that explain can be trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..findings import AS_RECEIVED, DetectorRecord, Finding
from ..media import JsonValue
from . import shown, words
from .language import N_, Gettext, plain
from .terms import named

_SHARES = frozenset(
    {
        "eer", "eer_mean_of_folds", "eer_worst_fold", "eer_by_fold", "coverage", "false_alarm_at_upper",
        "false_alarms_at_upper", "detection_at_upper", "detected_at_upper", "missed_below_lower", "real_below_lower",
        "detection_at_false_alarms", "red_untouched", "false_match_rate", "missed_match_rate",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """A table for a page: its head and its rows, each as wide as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def error_rates(finding: Finding, record: DetectorRecord | None, _: Gettext = plain) -> list[tuple[str, str]]:
    """What was measured in the condition that matched the finding, as rows; empty means not measured."""
    return [
        (words.as_title(named(name, _)), _value(name, value, _))
        for name, value in _measured(finding, record).items()
        if not _is_table(value)
    ]


def error_tables(finding: Finding, record: DetectorRecord | None, _: Gettext = plain) -> list[Table]:
    """What was measured by re-shipping: a row for each, a column for each measure."""
    return [
        _table(name, value, _)
        for name, value in _measured(finding, record).items()
        if isinstance(value, Mapping) and _is_table(value)
    ]


def spread(finding: Finding, _: Gettext = plain) -> Table | None:
    """The line after each re-shipping; None if it was not tested."""
    if not finding.deliveries:
        return None
    rows = tuple(
        (
            words.as_title(named(delivery.name, _)),
            _("none") if delivery.score is None else shown.number(delivery.score),
            _("none") if delivery.llr is None else shown.signed(delivery.llr),
            words.reason_sentence(delivery.reason, _) if delivery.reason else "",
        )
        for delivery in finding.deliveries
    )
    return Table((_("Delivered as"), _("Raw score"), "log10 LR", _("Why there is none")), rows)


def spread_sentence(finding: Finding, _: Gettext = plain) -> str:
    """How far the ratio moves, in a sentence."""
    ratios = [d.llr for d in finding.deliveries if d.llr is not None and d.name != AS_RECEIVED]
    tested = sum(delivery.name != AS_RECEIVED for delivery in finding.deliveries)
    if not tested:
        return _("Not tested for this line: it was not among the strongest, or the test was left out.")
    if not ratios:
        return _("After none of {tested} re-shippings could the test give an answer.").format(tested=tested)
    sentence = _(
        "A few pieces were scored again as a messenger, a screenshot or a telephone would deliver them. The log10"
        " likelihood ratio lies between {low} and {high} after {count} of {tested} re-shippings."
    )
    low, high = shown.signed(min(ratios)), shown.signed(max(ratios))
    return sentence.format(low=low, high=high, count=len(ratios), tested=tested)


def explained(record: DetectorRecord, _: Gettext = plain) -> list[tuple[str, Table]]:
    """How well the pictures that explain a score agree with the truth: what was measured, and the figures."""
    found = []
    for kind, measured in record.explanations.items():
        rows = measured.get("rows") if isinstance(measured, Mapping) else None
        if kind in _EXPLAINED and isinstance(rows, Mapping):
            found.append((_(_EXPLAINED[kind]), _table("measured_on", rows, _)))
    return found


_EXPLAINED: Mapping[str, str] = {
    "map": N_(
        "Map over a face, on pictures that the project altered itself at known places, of kinds and sources left out of"
        " training. Pixel AUC: 1 is perfect, 0.5 is chance. The centre prior is a map that ignores the picture and"
        " always points to its middle; a map that is not better than it says little about where."
    ),
    "traces": N_(
        "Map of an altered part, on pieces of pictures that the project altered itself at known places, of kinds and"
        " sources left out of training; beside it the classical lines, each alone. Pixel AUC: 1 is perfect, 0.5 is"
        " chance. The centre prior always points to the middle of the piece. Of the classical lines only JPEG ghosts"
        " are drawn: as received they are better than it, re-compressed or resized they are not; the others never are."
    ),
    "ghosts": N_(
        "JPEG ghosts on pieces of pictures that nobody altered: how often a twentieth of the piece or more is fully"
        " red. Red alone is therefore no sign of an edit."
    ),
    "timeline": N_(
        "Time line of a voice, on real recordings into which a stretch was spliced at known times: a synthetic one, by"
        " systems left out of training, or a real one from another recording. AUC over the half seconds of a recording:"
        " 1 is perfect, 0.5 is chance; above 0.5 for a real stretch, the line also marks what was only spliced in."
        " Beside it the AUC of the loudness alone."
    ),
}


def _measured(finding: Finding, record: DetectorRecord | None) -> Mapping[str, JsonValue]:
    measured = record.error_rates.get(finding.condition) if record and finding.condition else None
    return measured if isinstance(measured, Mapping) else {}


def _is_table(value: JsonValue) -> bool:
    return isinstance(value, Mapping) and any(isinstance(item, Mapping) for item in value.values())


def _table(name: str, value: Mapping[str, JsonValue], _: Gettext) -> Table:
    rows = {key: item for key, item in value.items() if isinstance(item, Mapping)}
    columns = tuple(dict.fromkeys(column for item in rows.values() for column in item))
    head = (words.as_title(named(name, _)), *(words.as_title(named(column, _)) for column in columns))
    cells = tuple(
        (named(key, _), *(_value(column, item[column], _) if column in item else "" for column in columns))
        for key, item in rows.items()
    )
    return Table(head, cells)


def _value(name: str, value: JsonValue, _: Gettext) -> str:
    """Shares as per cent; an interval from to; names with their numbers one after the other."""
    share = name in _SHARES
    if isinstance(value, Mapping):
        return "; ".join(f"{_key(key, _)}: {_value(name, item, _)}" for key, item in value.items())
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(item, float) for item in value):
        low, high = (_value(name, item, _) for item in value)
        return _("{start} to {end}").format(start=low, end=high)
    if isinstance(value, tuple):
        return ", ".join(_value(name, item, _) for item in value)
    if value is None:
        return _("not stated")
    if isinstance(value, float):
        return f"{100 * value:.3g} %" if share else shown.brief(value)
    return named(value, _) if isinstance(value, str) else shown.brief(value)


def _key(name: str, _: Gettext) -> str:
    """A key of nested figures: a share of false alarms, or a name."""
    try:
        return f"{100 * float(name):g} %"
    except ValueError:
        return named(name, _)
