"""How often the JPEG ghosts drawn beside the map of an altered part are red on pictures that nobody altered.

    python benchmarks/ghosts.py FOLDER

``FOLDER``: the pictures that ``run.py reference --keep FOLDER`` prepares from wallpapers of Debian (JPEG 95 of at
most 2048 px). The piece in the middle of each is looked at, as it is and compressed again. Writes
``results/ghosts.json``; then run ``explanations.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from deepfake_detect.detect.classical import CELL  # noqa: E402
from deepfake_detect.detect.local_edit import drawn_ghosts  # noqa: E402
from deepfake_detect.media import Pixels  # noqa: E402
from deepfake_detect.reship.visual import jpeg  # noqa: E402

SIDE = 224
SPOT = 0.05  # of the piece


def middle(path: Path) -> Pixels:
    """The piece in the middle, on the grid of the picture."""
    with Image.open(path) as image:
        x, y = ((length // 2 - SIDE // 2) // CELL * CELL for length in image.size)
        return np.array(image.convert("RGB").crop((x, y, x + SIDE, y + SIDE)), np.uint8)


def red(pixels: Pixels) -> bool:
    """Whether a share ``SPOT`` of the piece or more is drawn fully red."""
    return bool((drawn_ghosts(pixels) >= 1).mean() >= SPOT)


def main(folder: Path) -> None:
    """See the head of this file."""
    pieces = [middle(path) for path in sorted(folder.glob("*.jpg"))]
    deliveries = {"clean": pieces, "jpeg-q75": [jpeg(piece, 75) for piece in pieces]}
    told = {name: {"pieces": len(some), "red": sum(map(red, some))} for name, some in deliveries.items()}
    odd = {name: {"pieces": len(some[1::2]), "red": sum(map(red, some[1::2]))} for name, some in deliveries.items()}
    report = {"command": "python benchmarks/ghosts.py FOLDER", "untouched": told, "untouched_odd_numbers": odd}
    (ROOT / "benchmarks" / "results" / "ghosts.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
