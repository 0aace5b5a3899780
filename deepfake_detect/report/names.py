"""Names of detectors and subjects for a reader."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .language import N_, Gettext, plain
from .text import safe_text

_NAMES: Mapping[str, str] = {
    "face-manipulation": N_("Manipulated face"),
    "synthetic-image": N_("Generated picture"),
    "local-edit": N_("Altered part of a picture"),
    "synthetic-voice": N_("Synthetic voice"),
    "provenance": N_("Claims of origin"),
    "originals": N_("Comparison with originals"),
    "original-match": N_("Comparison with originals"),
    "voice": N_("Voice"),
    "picture": N_("Picture"),
    "file": N_("File"),
}


def file_name(path: str) -> str:
    """The last part of a path of any system."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def name_of(identifier: str, _: Gettext = plain) -> str:
    """A detector or subject for a reader: ``Manipulated face``, ``Person 1``; one that is not known as ``title``."""
    if identifier in _NAMES:
        return _(_NAMES[identifier])
    person = re.fullmatch(r"person-(\d{1,6})", identifier, re.ASCII)
    return _("Person {number}").format(number=person[1]) if person else title(identifier)


def title(identifier: str) -> str:
    """An id such as ``face-manipulation`` or ``person-1`` as words: ``Face manipulation``, ``Person 1``."""
    text = safe_text(identifier.replace("-", " ").replace("_", " "), 80)
    return text[:1].upper() + text[1:]
