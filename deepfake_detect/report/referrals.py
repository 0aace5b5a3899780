"""Who helps: read from a file that an organisation can replace."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .document import Link
from .language import Language

EVERYWHERE = "*"
_TARGET = re.compile(r"tel:\+?[0-9]{2,15}|https://[a-z0-9.-]+(/[A-Za-z0-9._~/-]*)?")
STALE_AFTER = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Referral:
    """Somebody who helps. ``country``: ISO 3166 code or ``*``. ``minors``: whether a person under 18 can turn to it.
    ``links``: what parts of the address open.
    """

    country: str
    name: str
    address: str
    for_whom: Mapping[str, str]
    languages: tuple[str, ...]
    checked: date
    minors: bool
    links: tuple[Link, ...] = ()

    @property
    def opening(self) -> tuple[str | Link, ...]:
        """The address in pieces, with its links."""
        known = {link.text: link for link in self.links}
        texts = sorted(known, key=len, reverse=True)  # "3018.fr" before "3018"
        parts = re.split(f"({'|'.join(map(re.escape, texts))})", self.address) if texts else [self.address]
        return tuple(known.get(part, part) for part in parts if part)

    def audience(self, language: Language) -> str:
        """For whom it is, in the language or else in English."""
        return self.for_whom.get(language.value) or self.for_whom["en"]

    def is_stale(self, today: date) -> bool:
        """Whether it was last checked more than a year ago."""
        return today - self.checked > STALE_AFTER


def read_referrals(path: Path | None = None) -> tuple[Referral, ...]:
    """The entries of ``path``, or of the file that comes with the library.

    Raises ``UsageError`` if it cannot be read, lacks something or has no entry.
    """
    where = str(path or "referrals.toml of the package")
    try:
        text = path.read_text("utf-8") if path else files(__package__).joinpath("referrals.toml").read_text("utf-8")
        referrals = tuple(_referral(raw) for raw in tomllib.loads(text)["referral"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{where} cannot be read: {error!r}", "Take the file of the package as a model.") from error
    if not referrals:
        raise UsageError(f"{where} names nobody", "Take the file of the package as a model.")
    return referrals


def choose(referrals: Sequence[Referral], country: str | None, minor: bool) -> tuple[Referral, ...]:
    """The entries of a country (without one: of every country), then those for everywhere; ``minor``: only those that
    help a person under 18.
    """
    suitable = [r for r in referrals if r.minors or not minor]
    here = [r for r in suitable if r.country != EVERYWHERE and country in (None, r.country)]
    return (*here, *(r for r in suitable if r.country == EVERYWHERE))


def _referral(raw: Mapping[str, Any]) -> Referral:
    checked, for_whom = raw["checked"], raw["for_whom"]
    if not isinstance(checked, date) or "en" not in for_whom:
        raise ValueError("an entry needs `checked` as a date, and `for_whom.en`")
    texts = {str(language): str(text) for language, text in for_whom.items()}
    languages = tuple(str(language) for language in raw["languages"])
    return Referral(
        str(raw["country"]), str(raw["name"]), str(raw["address"]), texts, languages, checked, bool(raw["minors"]),
        tuple(_link(text, target, raw["address"]) for text, target in raw.get("links", {}).items()),
    )  # fmt: skip


def _link(text: str, target: str, address: str) -> Link:
    if not text or text not in address or not _TARGET.fullmatch(target):
        raise ValueError(f"links: {text} is no part of the address, or opens neither tel: nor https:")
    return Link(text, target)
