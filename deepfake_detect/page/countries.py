"""The countries that a person can choose: those for which somebody who helps is known."""

from __future__ import annotations

from collections.abc import Sequence

from ..report.language import N_, Gettext
from ..report.referrals import EVERYWHERE, Referral

ELSEWHERE = "ZZ"  # ISO 3166 leaves it free: help that is for everybody, and no country's
UNSAID = "-"
_NAMES = {
    "FR": N_("France"),
    "SN": N_("Senegal"),
    "VN": N_("Vietnam"),
}  # fmt: skip


def choices(referrals: Sequence[Referral], _: Gettext) -> list[tuple[str, str]]:
    """(code, name) in the order of the names, then those for whom no country is chosen.

    A country of an organisation's own list that has no name here is shown by its code.
    """
    codes = {referral.country for referral in referrals} - {EVERYWHERE}
    named = sorted(((code, _(_NAMES[code]) if code in _NAMES else code) for code in codes), key=lambda pair: pair[1])
    return [*named, (ELSEWHERE, _("Another country")), (UNSAID, _("I would rather not say"))]
