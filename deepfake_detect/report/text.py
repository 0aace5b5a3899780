"""The media's own text, made safe to show: file names, metadata and messages that quote them."""

from __future__ import annotations

import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ELLIPSIS = " … "
_JOINER, _NON_JOINER = "\u200d", "\u200c"
_VIRAMA = 9  # canonical combining class


def safe_text(text: str, limit: int = 200) -> str:
    """``text`` on one line of at most ``limit`` characters, with nothing left in it that acts on a terminal or
    reorders a page.

    Control characters (ANSI sequences begin with one), line breaks, bidirectional controls, zero-width and other
    format characters, lone surrogates, private and unassigned code points are replaced by a visible escape such as
    ``\\x1b`` or ``\\u202e``; the categories are those of Unicode (UAX 44). Joiners stay where a script or an emoji
    needs them. Too long a text loses its middle. The exact text stands in the JSON.
    """
    if limit <= len(_ELLIPSIS) + 1:
        raise ValueError(f"limit must be more than {len(_ELLIPSIS) + 1}")
    # An escape takes up to 10 characters for one, so more than ``limit`` at either end can never be shown.
    if len(text) > 2 * limit:
        text = text[:limit] + text[-limit:]
        return _without_middle(_shown(text), limit)
    shown = _shown(text)
    return shown if len(shown) <= limit else _without_middle(shown, limit)


def _without_middle(text: str, limit: int) -> str:
    tail = (limit - len(_ELLIPSIS)) // 3
    return text[: limit - len(_ELLIPSIS) - tail] + _ELLIPSIS + text[len(text) - tail :]


def _shown(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text  # as nearly every path is, and a list has 100,000
    return "".join(
        char if char in (_JOINER, _NON_JOINER) and _joins(text, i) else _visible(char) for i, char in enumerate(text)
    )


def _joins(text: str, i: int) -> bool:
    """Whether the joiner at ``i`` stands where RFC 5892, appendix A allows one: after a virama (Indic scripts), or a
    non-joiner between Arabic letters; or as a joiner between two emoji (UTS 51).
    """
    before, after = text[i - 1] if i else "", text[i + 1] if i + 1 < len(text) else ""
    if not before or not after:
        return False
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if text[i] == _NON_JOINER:
        return {unicodedata.bidirectional(before), unicodedata.bidirectional(after)} == {"AL"}
    emoji = unicodedata.category(before) == "So" or before == "\ufe0f" or "\U0001f3fb" <= before <= "\U0001f3ff"
    return emoji and unicodedata.category(after) == "So"


def _visible(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
