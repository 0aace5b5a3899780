"""The media's own text, made safe to show: file names, metadata and messages that quote them."""

from __future__ import annotations

import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ELLIPSIS = " … "


def safe_text(text: str, limit: int = 200) -> str:
    """``text`` on one line of at most ``limit`` characters, with nothing left in it that acts on a terminal or
    reorders a page.

    Control characters (ANSI sequences begin with one), line breaks, bidirectional controls, zero-width and other
    format characters, lone surrogates, private and unassigned code points are replaced by a visible escape such as
    ``\\x1b`` or ``\\u202e``; the categories are those of Unicode (UAX 44). Too long a text loses its middle. The
    exact text stands in the JSON.
    """
    if limit <= len(_ELLIPSIS) + 1:
        raise ValueError(f"limit must be more than {len(_ELLIPSIS) + 1}")
    # An escape takes up to 10 characters for one, so more than ``limit`` at either end can never be shown.
    if len(text) > 2 * limit:
        text = text[:limit] + text[-limit:]
        return _without_middle("".join(map(_visible, text)), limit)
    shown = "".join(map(_visible, text))
    return shown if len(shown) <= limit else _without_middle(shown, limit)


def _without_middle(text: str, limit: int) -> str:
    tail = (limit - len(_ELLIPSIS)) // 3
    return text[: limit - len(_ELLIPSIS) - tail] + _ELLIPSIS + text[len(text) - tail :]


def _visible(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
