"""Numbers, times and nested facts as text for a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..explain.timeline import clock
from ..media import JsonValue, Span
from .language import N_, Gettext, plain
from .text import safe_text

_MAX_ROWS = 200  # of facts or metadata; the JSON holds all of them
_MAX_DEPTH = 8
_ACRONYMS = frozenset({"auc", "eer", "fpr", "fnr", "tpr", "jpeg", "mp3"})


_FACTS = {
    "c2pa › state": N_("Content Credentials (C2PA)"),
    "digital_source_type": N_("Digital source type"),
    "declared_origin": N_("Declared origin"),
    "declared_by": N_("Declared by"),
    "generator": N_("Generator"),
    "traces": N_("Traces of generators"),
    "editing_tools": N_("Editing programs named"),
}
_VALUES = {"not stated": N_("not stated"), "none": N_("none"), "yes": N_("yes"), "no": N_("no"), "absent": N_("absent")}


def signed(llr: float) -> str:
    """A log10 likelihood ratio with its sign."""
    return f"{llr:+.2f}".replace("-", "−")


def number(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}".replace("-", "−")


def brief(value: JsonValue) -> str:
    """A value in as few characters as suit a table: three significant digits."""
    return f"{value:.3g}".replace("-", "−") if isinstance(value, float) else _plain(value)


def size(count: int) -> str:
    """Bytes, in a unit that suits."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit} ({count:,} bytes)"
    return f"{count:,} bytes"


def moment(span: Span, _: Gettext = plain) -> str:
    """A time, or from when to when."""
    if span.start == span.end:
        return clock(span.start)
    return _("{start} to {end}").format(start=clock(span.start), end=clock(span.end))


def rows(facts: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    """Nested facts as rows of (name, text), bounded in number and depth."""
    found: list[tuple[str, str]] = []
    for row in _flatten(facts, "", 0):
        if len(found) == _MAX_ROWS:
            return [*found, ("more", f"only the first {_MAX_ROWS} are shown; all are in the JSON")]
        found.append(row)
    return found


def _flatten(value: JsonValue, name: str, depth: int) -> Iterator[tuple[str, str]]:
    nested = isinstance(value, Mapping | tuple | list)
    if nested and depth >= _MAX_DEPTH:
        yield name, "nested more deeply than is shown; see the JSON"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            shown = safe_text(key, 80)
            yield from _flatten(item, f"{name} › {shown}" if name else shown, depth + 1)
    elif isinstance(value, tuple | list) and not any(isinstance(item, Mapping | tuple | list) for item in value):
        separator = " to " if len(value) == 2 and "interval" in name else ", "
        yield name, separator.join(map(_plain, value)) or "none"
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value, 1):
            yield from _flatten(item, f"{name} {i}", depth + 1)
    else:
        yield name, _plain(value)


def _plain(value: JsonValue) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float) else safe_text(str(value), 400)


def named_facts(facts: Mapping[str, JsonValue], _: Gettext = plain) -> list[tuple[str, str]]:
    """Rows of facts that the program named, their names as words; the values of the file stay as they are."""
    return [(_as_words(name, _), _(_VALUES[text]) if text in _VALUES else text) for name, text in rows(facts)]


def _as_words(name: str, _: Gettext) -> str:
    if name in _FACTS:
        return _(_FACTS[name])
    parts = name.replace("_", " ").split(" ")
    title = " ".join(part.upper() if part.lower() in _ACRONYMS else part for part in parts)
    return title[:1].upper() + title[1:]
