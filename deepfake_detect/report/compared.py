"""The comparison with files supplied as originals, as blocks of a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..findings import Finding, Report
from . import pictures, shown, words
from .document import Block, Bullets, Grid, Heading, Rows, Text
from .language import N_, Gettext
from .lines import ORIGINAL_MATCH, matches_of
from .measures import error_rates
from .messages import said
from .names import file_name, name_of
from .pictures import Cover

INTRODUCTION = N_(
    "Somebody supplied these files as originals. Whether they are is not tested here; that a part differs from the file"
    " supplied as original does not say which of the two was altered."
)
_ANSWERS: Mapping[str, str] = {
    "same": N_("the same"),
    "differs": N_("differs"),
    "differs_in_part": N_("differs in part"),
    "undecided": N_("undecided"),
    "not_covered": N_("not covered by the original"),
}
GRAIN: Mapping[str, str] = {
    "shared": N_("the same in both, as a copy has it"),
    "own": N_("each has its own, as two shots have it, or a copy with new grain"),
    "undecided": N_("cannot be compared: too little is left of it, or the picture is textured all over"),
}


def compared(report: Report, cover: Cover, _: Gettext) -> tuple[Block, ...]:
    """All matches of a file, and what bounds them; empty if there are none."""
    matches = matches_of(report.findings)
    if not matches:
        return ()
    record = next((record for record in report.run.detectors if record.id == ORIGINAL_MATCH), None)
    blocks: list[Block] = [Text(_(INTRODUCTION))]
    for finding in matches:
        blocks += _match(finding, cover, _)
    if record:
        rates = error_rates(replace(matches[0], condition=next(iter(record.error_rates), None)), record, _)
        if rates:
            blocks += [Heading(_("Known error rates")), Rows(tuple(rates))]
        limits = tuple(words.as_sentence(said(limit, _)) for limit in record.limits)
        blocks += [Heading(_("Limits of this comparison")), Bullets(limits)]
    return tuple(blocks)


def _match(finding: Finding, cover: Cover, _: Gettext) -> Iterator[Block]:
    facts: Any = finding.facts  # as the schema types them
    path = facts["original"]["path"]
    name = file_name(path) if path else _("an original whose name is not recorded")
    yield Heading(_("Compared with {name}").format(name=name))
    yield Text(words.as_sentence(said(facts["statement"], _)), "strong")
    head = (_("Part"), _("Answer"), _("Covered by the original"), _("Of that, different"))
    yield Grid(head, tuple(_zone(zone, _) for zone in facts["zones"]))
    yield Rows(tuple(_rows(facts, _)))
    if facts["order"]:
        yield Heading(_("Which came first"))
        yield Text(_("The comparison does not tell. These are hints only:"))
        yield Bullets(tuple(said(hint, _) for hint in facts["order"]))
    drawn = [item for item in finding.evidence if item.image]
    yield from pictures.blocks(_("Pictures"), drawn, finding.subject, cover, _)


def _zone(zone: Mapping[str, Any], _: Gettext) -> tuple[str, ...]:
    parts = {"face": _("Face of {subject}"), "body": _("Body of {subject}"), "surroundings": _("The rest")}
    known = parts.get(zone["zone"])  # a text of the record is no template
    part = known.format(subject=name_of(zone["subject"], _)) if known else zone["zone"]
    answer = _(_ANSWERS[zone["state"]]) if zone["state"] in _ANSWERS else zone["state"]
    return part, answer, *(f"{100 * zone[key]:.0f} %" for key in ("share_covered", "share_different"))


def _rows(facts: Any, _: Gettext) -> Iterator[tuple[str, str]]:
    original, ratio = facts["original"], facts["log10_likelihood_ratio"]
    yield _("SHA-256 of the original"), original["sha256"]
    by = original["supplied_by"] or _("not recorded")
    yield _("Supplied"), _("{time}, by: {name}").format(time=original["supplied"], name=by)
    for title, text in zip((_("First proposition"), _("Second proposition")), facts["propositions"], strict=True):
        yield title, words.as_sentence(said(text, _))
    if ratio is not None:
        weight = f"{shown.signed(ratio)}: {words.ratio(ratio, _)}"
    elif facts["relation"] == "another_shot":
        weight = _("none, since neither proposition fits")
    else:
        weight = _("not calibrated")
    yield _("log10 likelihood ratio"), weight
    yield _("Places that match"), shown.number(facts["matching_places"])
    shares = (
        (_("Of the examined picture, the same"), facts["share_of_suspect_same"]),
        (_("Of the examined picture, different"), facts["share_of_suspect_different"]),
        (_("Of the original, shown"), facts["share_of_original_shown"]),
    )
    yield from ((title, f"{100 * share:.1f} %") for title, share in shares)
    placed = _("turned {degrees}°, at {scale} times its size")
    text = placed.format(degrees=shown.number(facts["turned_degrees"]), scale=shown.number(facts["scale"]))
    yield _("The original in the picture"), f"{_('mirrored')}, {text}" if facts["mirrored"] else text
    yield from _grain(facts.get("grain"), _)


def _grain(grain: Any, _: Gettext) -> Iterator[tuple[str, str]]:
    """Reports from before the grain was compared have none."""
    if grain and grain["answer"] in GRAIN:
        yield _("Grain"), _(GRAIN[grain["answer"]])
