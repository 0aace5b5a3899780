"""Write the sizes and SHA-256 of the shipped weights into the manifest; run it after a training.

    python training/pin.py

Only files under ``weights/shipped`` are pinned anew. Those of foreign packages stay as they are: they change only by
hand, after somebody looked at what changed.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "weights"
FILE = re.compile(r'(path = "(shipped/[^"]+)"\nformat = "\w+"\nbytes = )\d+(\nsha256 = ")[0-9a-f]*(")')


def pin(match: re.Match[str]) -> str:
    """One file's block with its size and hash as they are now."""
    data = (FOLDER / match[2]).read_bytes()
    return f"{match[1]}{len(data)}{match[3]}{hashlib.sha256(data).hexdigest()}{match[4]}"


if __name__ == "__main__":
    manifest = FOLDER / "manifest.toml"
    manifest.write_text(FILE.sub(pin, manifest.read_text(encoding="utf-8")), encoding="utf-8")
