"""What a page's Content Security Policy allows to run or to style it (W3C, Content Security Policy Level 3)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256


def hash_source(text: str) -> str:
    """The source expression, with its quotes, that allows the inline script or style sheet ``text`` and no other."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}'"
