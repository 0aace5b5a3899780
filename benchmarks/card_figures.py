"""Figures inside a model card: each stands between two marks, and the benchmark that made it writes it there."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

CARDS = Path(__file__).resolve().parents[1] / "weights" / "cards"
WIDTH = 122


def put(detector: str, name: str, text: str) -> None:
    """Replace what stands between the marks of `name`. Raises ValueError where the card has no such marks."""
    path = CARDS / f"{detector}.md"
    before = path.read_text(encoding="utf-8")
    marks = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=^ *<!-- end {name} -->)", re.S | re.M)
    if not marks.search(before):
        raise ValueError(f"{path.name} has no place for {name}")
    path.write_text(marks.sub(lambda _: _folded(text), before), encoding="utf-8")


def _folded(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False) + "\n"
