"""What of a file was not looked at, in sentences a reader of the report understands."""

from __future__ import annotations


class Gaps:
    """Plain sentences, each kept once, in the order they came up."""

    def __init__(self) -> None:
        self._sentences: dict[str, None] = {}

    def add(self, sentence: str) -> None:
        """Keep one full sentence."""
        self._sentences[sentence] = None

    def sentences(self) -> list[str]:
        """All of them."""
        return list(self._sentences)
