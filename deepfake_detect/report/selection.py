"""The page on which the filters of the review list combine: the whole list as data, and a script of its own.

``review`` makes the lists that need no script; only this page has one. It is written into the page, and the page's
policy names its hash, so that nothing else runs and nothing is requested. Texts cross as JSON and are set as text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from .index import CaseIndex, IndexEntry
from .policy import hash_source
from .review import MAX_GROUPS, SMALL
from .shown import signed
from .text import safe_text
from .words import as_sentence, label_words, reason_sentence, strength

PATH = "list/choose.html"
MAX_ROWS = 100_000  # about 20 MB
_MAX_PATH = 4096  # characters of one path: nothing that a file system allows is cut, so that it can be found by its end


@dataclass(frozen=True, slots=True)
class Group:
    """Values of which any may be ticked. ``key`` names it in the page's address; ``values``: each with its count."""

    key: str
    title: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The page. ``data``: JSON that no HTML parser takes for markup; ``cut``: how many files are not on it."""

    groups: tuple[Group, ...]
    data: str
    files: int
    cut: int
    paths: bool


def selection(index: CaseIndex) -> Selection | None:
    """The page of a case whose files are ranked; None for one so small that it needs none."""
    entries = index.files[:MAX_ROWS]
    if len(index.files) <= SMALL:
        return None
    groups = tuple(_group(key, title, entries, of) for key, title, of in _SORTS)
    places = [{value: i for i, (value, _) in enumerate(group.values)} for group in groups]
    rows = [_row(entry, places) for entry in entries]
    data = {"groups": [[group.key, [value for value, _ in group.values]] for group in groups], "rows": rows}
    named = any(entry.paths for entry in entries)
    return Selection(groups, _harmless(data), len(entries), len(index.files) - len(entries), named)


@cache
def script() -> str:
    """What the page runs."""
    return files(__package__).joinpath("templates", "choose.js").read_text(encoding="utf-8")


def policy() -> str:
    """The page's policy: this script alone, and no request."""
    return (
        f"default-src 'none'; script-src {hash_source(script())}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


_Sort = Callable[[IndexEntry], Iterable[str]]
_SORTS: tuple[tuple[str, str, _Sort], ...] = (
    ("flag", "Flag", lambda entry: ["flagged" if entry.flagged else "not flagged"]),
    ("review", "Review", lambda entry: ["reviewed" if entry.reviewed else "not reviewed"]),
    ("result", "Result", lambda entry: [label_words(entry.label)]),
    ("kind", "Kind", lambda entry: [entry.kind or "not decoded"]),
    ("tag", "Tag", lambda entry: entry.tags),
)


def _group(key: str, title: str, entries: Sequence[IndexEntry], of: _Sort) -> Group:
    counts = Counter(safe_text(value) for entry in entries for value in of(entry))
    return Group(key, title, tuple(sorted(counts.most_common(MAX_GROUPS))))


def _row(entry: IndexEntry, places: Sequence[dict[str, int]]) -> list[object]:
    """Name and ending of the document, paths, places in each group, and what stands under result and weight."""
    chosen = [
        [place[text] for text in map(safe_text, of(entry)) if text in place]
        for place, (_, _, of) in zip(places, _SORTS, strict=True)
    ]
    plain = entry.first_pass and not entry.tags and not entry.concluded_by
    paths = [safe_text(path, _MAX_PATH) for path in entry.paths]
    return [entry.name, "json" if plain else "html", paths, chosen, list(_result(entry)), list(_weight(entry))]


def _result(entry: IndexEntry) -> Iterator[str]:
    """What the list without a script says of a file, line by line."""
    yield label_words(entry.label).capitalize()
    yield entry.kind or "not decoded"
    yield from (word for word, so in (("flagged", entry.flagged), ("reviewed", entry.reviewed)) if so)
    if entry.failure:
        yield as_sentence(entry.message) or reason_sentence(entry.failure)
    if entry.experimental:
        yield "experimental lines"
    if entry.first_pass:
        yield "first pass only"
    if entry.tags:
        yield safe_text("tags: " + ", ".join(entry.tags))
    if entry.concluded_by:
        yield safe_text("concluded by " + ", ".join(entry.concluded_by))


def _weight(entry: IndexEntry) -> Iterator[str]:
    if entry.llr is None:
        yield "none"
    else:
        yield f"{strength(entry.llr)} {'support for the opposite' if entry.llr < 0 else 'support'}"
        yield f"log10 LR {signed(entry.llr)}"
    if entry.strongest is not None and entry.strongest != entry.llr:
        yield f"strongest line, experimental: {signed(entry.strongest)}"


def _harmless(data: object) -> str:
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
