"""The page for a person who is threatened: what to do, whom to call, what was found, what that does not mean.

It shows no picture, no name and no number of a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from ..findings import Failure, Label, Reason, Report
from ..media import MediaKind
from . import words
from .court import notice
from .document import Block, Bullets, Document, Grid, Heading, Rows, Section, Text
from .language import N_, NAMES, Gettext, Language, translator
from .lines import ORIGINAL_MATCH, matches_of
from .referrals import Referral

_FIRST = (
    N_("Do not pay. Whoever was paid once often asks again."),
    N_("Do not answer any more."),
    N_("Do not delete anything: keep the original file or message as it came to you, unchanged."),
    N_(
        "Save the messages, the account names, the links, the dates and times, and every request for payment. Pictures"
        " of your screen are good."
    ),
    N_("Tell somebody whom you trust. You do not have to bear this alone."),
    N_("If you are in danger, or think of hurting yourself, call the emergency number of your country now."),
)
_FOUND: Mapping[Label | None, str] = {
    Label.SYNTHETIC: N_(
        "The tests found signs that it, or a part of it, was made by a computer and is no recording of something that"
        " happened."
    ),
    Label.MANIPULATED: N_(
        "The tests found signs that it was changed after it was recorded, for example that a face was put in. Such a"
        " change can also be harmless, as a filter is."
    ),
    Label.INCONCLUSIVE: N_(
        "The tests gave no clear answer. That happens often, above all with files that were sent through a messenger."
    ),
    Label.NO_MANIPULATION_FOUND: N_("The tests that could be made found no signs of a change."),
    None: N_("The tests could not examine it. That says nothing about it."),
}
_STOPPED = N_("It was stopped before it was fully examined. That says nothing about it.")
_COMPARED: Mapping[bool | None, str] = {
    True: N_(
        "It shows the same as the original that was given, and differs from it in places. A crop, a filter or text on"
        " it can be the reason, too."
    ),
    False: N_("It shows the same as the original that was given. No difference was found in what could be compared."),
    None: N_("Nothing of the original that was given was found in it. That does not say where it came from."),
}
_NOT_MEANT: Mapping[Label | None, tuple[str, ...]] = {
    Label.SYNTHETIC: (
        N_("Tests like these can be wrong. It does not say who made it."),
        N_("That signs were found is no condition for help: you would be helped without them, too."),
    ),
    Label.MANIPULATED: (
        N_("Tests like these can be wrong. It does not say who changed it, or which part of it is true."),
        N_("That signs were found is no condition for help: you would be helped without them, too."),
    ),
    Label.INCONCLUSIVE: (N_("This doesn't mean that the picture is real."),),
    Label.NO_MANIPULATION_FOUND: (
        N_("This doesn't mean that the picture is real."),
        N_("Many ways to make or change a picture leave no signs that these tests know."),
    ),
    None: (N_("This doesn't mean that the picture is real."),),
}
_ALWAYS = (
    N_("A threat to publish a picture is wrong, whether the picture is real or made."),
    N_("Help to have it taken down is open to you in both cases."),
    N_("You need not prove anything to anybody before you ask for help."),
)


def survivor_document(
    results: Sequence[Report | Failure], minor: bool, referrals: Sequence[Referral], language: Language, today: date
) -> Document:
    """``minor``: a child is or may be shown. ``referrals``: already chosen by country."""
    _ = translator(language)
    sections = [
        Section(_("Do this first"), (Bullets(tuple(map(_, _FIRST)), big=True),), "first"),
        _helpers(referrals, language, today, _),
        _found(results, _),
        _not_meant(results, _),
        _fingerprints(results, _),
    ]
    if minor:
        sections.insert(1, Section(_("A child is or may be shown"), (Text(_(words.MINOR), "strong"),), "conflicts"))
    return Document(
        _("You are not alone, and you are not to blame"), _("for the person concerned"), language, tuple(sections),
        notice(language, _),
    )  # fmt: skip


def _helpers(referrals: Sequence[Referral], language: Language, today: date, _: Gettext) -> Section:
    rows = tuple(
        (referral.name, referral.opening, referral.audience(language), _spoken(referral.languages))
        for referral in referrals
    )
    blocks: list[Block] = [Grid((_("Name"), _("Call or open"), _("For whom"), _("Languages")), rows)]
    if any(referral.is_stale(today) for referral in referrals):
        text = _("Warning: some of these entries were last checked more than a year ago and may be wrong.")
        blocks.insert(0, Text(text, "badge"))
    if referrals:
        oldest = min(referral.checked for referral in referrals)
        blocks.append(Text(_("Last checked: {date}.").format(date=oldest.isoformat()), "quiet"))
    else:
        blocks = [Text(_("No address is known for this country. Turn to the police or to a doctor whom you trust."))]
    return Section(_("Whom to call"), tuple(blocks))


def _spoken(languages: Sequence[str]) -> str:
    """Each by its own name: who speaks it finds it, whatever the language of the page."""
    names: Mapping[str, str] = {code.value: name for code, name in NAMES.items()}
    return ", ".join(names.get(code, code) for code in languages)


def _found(results: Sequence[Report | Failure], _: Gettext) -> Section:
    blocks: list[Block] = []
    for number, result in enumerate(results, 1):
        if len(results) > 1:
            blocks.append(Heading(_("File {number}").format(number=number)))
        blocks.append(Text(_(_STOPPED if _stopped(result) else _FOUND[_label(result)]), "lead"))
        blocks += [Text(_(_COMPARED[differs])) for differs in _compared(result)]
        notes = result.case.notes if result.case else ()
        blocks += [Text(_("A person concluded: {text}").format(text=note.conclusion)) for note in notes]
    if not results:
        blocks.append(Text(_(_FOUND[None]), "lead"))
    single = _label(results[0]) if len(results) == 1 else None
    return Section(_("What was found"), tuple(blocks), "verdict", single.value if single else "none")


def _not_meant(results: Sequence[Report | Failure], _: Gettext) -> Section:
    labels = dict.fromkeys(_label(result) for result in results)
    items = dict.fromkeys(text for label in labels for text in _NOT_MEANT[label])
    return Section(_("What this does not mean"), (Bullets(tuple(map(_, (*items, *_ALWAYS)))),))


def _fingerprints(results: Sequence[Report | Failure], _: Gettext) -> Section:
    hashes = [r.media.sha256 if isinstance(r, Report) else r.sha256 for r in results]
    rows = tuple((_("File {number}").format(number=n), sha256) for n, sha256 in enumerate(hashes, 1) if sha256)
    text = _(
        "A platform, a hotline or the police can find the file by its fingerprint (SHA-256). It shows nothing of the"
        " picture; you need not send the picture itself."
    )
    return Section(_("For those who help you"), (Text(text), Rows(rows)))


def _compared(result: Report | Failure) -> tuple[bool | None, ...]:
    """Whether it differs from an original whose content it shares; None if there is none, nothing if none was given or
    only another shot was found.
    """
    if not isinstance(result, Report) or result.media.kind is MediaKind.AUDIO:
        return ()
    compared = [finding.facts for finding in matches_of(result.findings)]
    matches = [facts for facts in compared if facts.get("relation") != "another_shot"]
    if compared:  # of another shot of the scene nothing is said: it is neither the original nor a change of it
        return (any(facts.get("different_regions") for facts in matches),) if matches else ()
    return (None,) if any(item.detector == ORIGINAL_MATCH for item in result.abstentions) else ()


def _label(result: Report | Failure) -> Label | None:
    return result.verdict.label if isinstance(result, Report) and result.verdict else None


def _stopped(result: Report | Failure) -> bool:
    """Whether the person, or the clock, ended the tests before there was a verdict."""
    if isinstance(result, Failure):
        return result.reason is Reason.TIMEOUT
    return result.verdict is None and any(item.reason is Reason.TIMEOUT for item in result.abstentions)
