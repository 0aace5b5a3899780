"""How long it may still take, and how that is said."""

from __future__ import annotations

from enum import StrEnum

from ..report.language import N_, Gettext


class Kind(StrEnum):
    """What the browser takes a file for; only for words and guesses, the tests look at the bytes."""

    PICTURE = "image"
    VIDEO = "video"
    SOUND = "audio"
    OTHER = "other"

    @classmethod
    def of(cls, content_type: str) -> Kind:
        """From a media type such as ``image/png``."""
        top = content_type.partition("/")[0].strip().lower()
        return cls(top) if top in ("image", "video", "audio") else cls.OTHER


_KINDS = {Kind.PICTURE: N_("picture"), Kind.VIDEO: N_("video"), Kind.SOUND: N_("sound"), Kind.OTHER: N_("file")}
# Guesses until a file of the kind is done: seconds on two cores without a GPU, for the loading and for short files.
_LOADING = 15.0
_GUESS = {Kind.PICTURE: 6.0, Kind.VIDEO: 25.0, Kind.SOUND: 12.0, Kind.OTHER: 15.0}


class Pace:
    """What is left, from guesses that give way to what was measured."""

    def __init__(self) -> None:
        self._seconds: dict[Kind, list[float]] = {}
        self.loaded = False

    def took(self, kind: Kind, seconds: float) -> None:
        """A file of this kind took so long."""
        self._seconds.setdefault(kind, []).append(seconds)

    def left(self, waiting: list[Kind], working: Kind | None, spent: float) -> float:
        """Seconds; ``spent``: on what is being done now, negative results are cut."""
        now = (self._of(working) if working else 0.0) if self.loaded else _LOADING
        pending = [*waiting, *([working] if working and not self.loaded else [])]
        return max(now - spent, 0.0) + sum(map(self._of, pending))

    def _of(self, kind: Kind) -> float:
        known = self._seconds.get(kind)
        return sum(known) / len(known) if known else _GUESS[kind]


def kind_words(kind: Kind, _: Gettext) -> str:
    """In a word."""
    return _(_KINDS[kind])


def time_left(seconds: float, _: Gettext) -> str:
    """In words, no finer than a guess can be."""
    if seconds <= 0:
        return _("It takes a little longer than expected.")
    if seconds < 45:
        return _("Less than a minute left.")
    if seconds < 90:
        return _("About a minute left.")
    return _("About {minutes} minutes left.").format(minutes=round(seconds / 60))


def size_words(size: int, _: Gettext) -> str:
    """The size of a file, in whole kilobytes or megabytes, or in tenths of gigabytes (powers of 1000)."""
    if size < 1_000_000:
        return _("{size} kB").format(size=max(round(size / 1000), 1))
    if size < 1_000_000_000:
        return _("{size} MB").format(size=round(size / 1e6))
    return _("{size} GB").format(size=f"{size / 1e9:.1f}")
