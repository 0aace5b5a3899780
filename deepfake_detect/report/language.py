"""The languages of a report. A text is written in English where it is used and looked up in a gettext catalogue, so
that a text without a translation is still a true sentence, in English.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from importlib.resources import as_file, files
from typing import TypeAlias

DOMAINS = ("report", "page")  # the catalogues: of the reports, and of the page that a browser opens
Gettext: TypeAlias = Callable[[str], str]


class Language(StrEnum):
    """BCP 47 tags."""

    EN = "en"
    FR = "fr"
    VI = "vi"


NAMES = {Language.EN: "English", Language.FR: "Français", Language.VI: "Tiếng Việt"}  # each in itself
REVIEWED = frozenset({Language.EN})  # by a person who speaks it from childhood


def plain(text: str) -> str:
    """English: the text itself."""
    return text


def N_(text: str) -> str:
    """Marks a text for the catalogues where it cannot be looked up yet."""
    return text


@cache
def translator(language: Language) -> Gettext:
    """The look-up of a language. A missing catalogue is a broken installation: raises ``FileNotFoundError``."""
    if language is Language.EN:
        return plain
    first, *others = (_catalogue(language, domain) for domain in DOMAINS)
    for other in others:
        first.add_fallback(other)
    return first.gettext


def _catalogue(language: Language, domain: str) -> gettext.GNUTranslations:
    place = files(__package__) / "locale" / language.value / "LC_MESSAGES" / f"{domain}.mo"
    with as_file(place) as path, path.open("rb") as stream:
        return gettext.GNUTranslations(stream)
