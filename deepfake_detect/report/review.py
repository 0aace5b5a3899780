"""The review list of a case: ranked, on pages of bounded size, and the same files by label, kind, tag and folder.

Pages are static files that link to each other, without script, so that they work from a disk and under the strict
policy. What people mark (``tag``, ``note``) shows after the next command that finishes the case.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ..findings import CaseRecord, Label
from .index import CaseIndex, IndexEntry
from .words import label_words

PAGE_ROWS = 500
SMALL = 20  # a case of so few files needs no lists beside its first page
MAX_GROUPS = 200  # lists of one sort; the largest are kept
MAX_PAGES = 20  # of one list beside the ranking of all files


@dataclass(frozen=True, slots=True)
class Link:
    """``href`` is relative to ``data/``."""

    text: str
    href: str
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands at the head of a case. ``by_chance``: about how many of ``rated`` analysed files would be flagged if
    all were genuine. ``strict``: how many of the analysed were held against strict thresholds.
    """

    files: int
    analysed: int
    flagged: int
    to_review: int
    by_chance: float
    rated: int
    strict: int
    known: int
    labels: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """One page. ``path``: under ``data/``; ``base``: what leads from it to ``data/``; ``pages``: those of its list;
    ``cut``: how many rows of the list stand on no page of it.
    """

    path: str
    title: str
    rows: tuple[IndexEntry, ...]
    number: int
    pages: tuple[str, ...]
    base: str
    cut: int
    filters: tuple[tuple[str, tuple[Link, ...]], ...]
    summary: Summary | None
    record: CaseRecord | None


def summarise(index: CaseIndex) -> Summary:
    """The figures at the head of a case."""
    analysed = [entry for entry in index.files if entry.label is not None]
    rates = [entry.by_chance for entry in analysed if entry.by_chance is not None]
    flagged = [entry for entry in analysed if entry.flagged]
    counts = Counter(entry.label for entry in index.files)
    return Summary(
        files=len(index.files),
        analysed=len(analysed),
        flagged=len(flagged),
        to_review=sum(not entry.reviewed for entry in flagged),
        by_chance=sum(rates),
        rated=len(rates),
        strict=sum(entry.strict for entry in analysed),
        known=index.known,
        labels=tuple((label_words(label), counts[label]) for label in (*Label, None) if counts[label]),
    )


def review_pages(index: CaseIndex) -> Iterator[ReviewPage]:
    """Every page of a case, ``index.html`` first. ``index.files`` are ranked."""
    summary, lists = summarise(index), _lists(index.files)
    filters = tuple((head, tuple(link for link, _ in group)) for head, group in lists)
    yield from _paged("", "all files", index.files, filters, summary, index.case, len(index.files))
    for _, group in lists:
        for link, rows in group:
            stem = link.href.removesuffix("-1.html")
            yield from _paged(stem, link.text, rows, filters, None, index.case, MAX_PAGES * PAGE_ROWS)


_List = list[tuple[Link, Sequence[IndexEntry]]]


def _lists(files: Sequence[IndexEntry]) -> list[tuple[str, _List]]:
    """The lists beside the ranking, by what they are sorted after."""
    if len(files) <= SMALL:
        return []
    return [
        ("Review", _groups("review", files, _states)),
        ("Result", _groups("label", files, lambda e: [label_words(e.label)])),
        ("Kind", _groups("kind", files, lambda e: [e.kind or "not decoded"])),
        ("Tag", _groups("tag", files, lambda e: e.tags)),
        ("Folder", _groups("folder", files, _folders)),
    ]


def _states(entry: IndexEntry) -> list[str]:
    flagged = ["flagged, to be reviewed"] if entry.flagged and not entry.reviewed else []
    return [*flagged, *(["reviewed"] if entry.reviewed else [])]


def _folders(entry: IndexEntry) -> list[str]:
    return list(dict.fromkeys(str(PurePath(path).parent) for path in entry.paths))


def _groups(sort: str, files: Sequence[IndexEntry], names: Callable[[IndexEntry], Iterable[str]]) -> _List:
    groups: dict[str, list[IndexEntry]] = defaultdict(list)
    for entry in files:
        for name in names(entry):
            groups[name].append(entry)
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))[:MAX_GROUPS]
    return [(Link(name, f"list/{sort}-{_token(name)}-1.html", len(rows)), rows) for name, rows in sorted(largest)]


def _token(name: str) -> str:
    """File names are made from hashes, never from the evidence."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _paged(
    stem: str, title: str, rows: Sequence[IndexEntry], filters: tuple[tuple[str, tuple[Link, ...]], ...],
    summary: Summary | None, record: CaseRecord | None, most: int,
) -> Iterator[ReviewPage]:  # fmt: skip
    kept = rows[:most]
    count = max(1, -(-len(kept) // PAGE_ROWS))
    others = [f"{stem or 'list/all'}-{number}.html" for number in range(1, count + 1)]
    paths = tuple(others if stem else ["index.html", *others[1:]])
    for number, path in enumerate(paths):
        some = tuple(kept[number * PAGE_ROWS : (number + 1) * PAGE_ROWS])
        base = "../" if "/" in path else ""
        cut = len(rows) - len(kept)
        yield ReviewPage(path, title, some, number + 1, paths, base, cut, filters, summary, record)
