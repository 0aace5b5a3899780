"""A report as parts that HTML and PDF both render, so that both say the same. Every text in it is plain text, never
markup; what comes from the media is made safe when it is rendered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .language import Language


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str
    kind: str = "heading"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. ``style``: empty, ``lead``, ``strong``, ``quiet``, ``badge``, ``code`` or ``headline``."""

    text: str
    style: str = ""
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences; ``big`` for the few that matter most."""

    items: tuple[str, ...]
    big: bool = False
    kind: str = "bullets"


@dataclass(frozen=True, slots=True)
class Rows:
    """Named values, as (name, text)."""

    rows: tuple[tuple[str, str], ...]
    kind: str = "rows"


@dataclass(frozen=True, slots=True)
class Link:
    """A text that opens ``target`` when it is chosen; of a list of who helps, never of the media or of a report."""

    text: str
    target: str


Cell: TypeAlias = str | tuple[str | Link, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kind: str = "grid"

    @property
    def shares(self) -> list[float]:
        """Per cent of the width for each column, by the length of what stands in it, and no less than its longest word
        needs on paper: an address that is broken is copied wrongly.
        """
        columns = list(zip(self.head, *(map(_text, row) for row in self.rows), strict=True))
        texts = [max(map(len, column)) for column in columns]
        words = [max(len(word) for text in column for word in text.split() or ("",)) for column in columns]
        weights = [
            max(min(max(text, 8), 40) ** 0.6, 0.38 * min(word, 30)) for text, word in zip(texts, words, strict=True)
        ]
        return [round(100 * weight / sum(weights), 1) for weight in weights]


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else "".join(p if isinstance(p, str) else p.text for p in cell)


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture. ``data``: PNG bytes, or an SVG made here, or empty for a solid box that ``cover`` explains."""

    data: bytes
    alternative: str
    caption: str
    time: str = ""
    cover: str = ""
    grey: bool = False

    @property
    def svg(self) -> bool:
        """Whether ``data`` is a drawing of this library."""
        return self.data.startswith(b"<svg")


@dataclass(frozen=True, slots=True)
class Figures:
    """Pictures side by side; ``wide`` ones take the whole width, ``large`` ones the room that their caption needs."""

    items: tuple[Figure, ...]
    wide: bool = False
    large: bool = False
    kind: str = "figures"


Block: TypeAlias = Heading | Text | Bullets | Rows | Grid | Figures


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part. ``style``: empty, ``conflicts``, or ``verdict`` with ``label`` for its colour and edge."""

    title: str
    blocks: tuple[Block, ...]
    style: str = ""
    label: str = "none"


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report for one reader in one language. ``notice`` stands at its top, small."""

    title: str
    brand: str
    language: Language
    sections: tuple[Section, ...]
    notice: str = ""
