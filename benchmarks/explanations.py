"""Copies how well maps and time lines agree with the truth from ``results/`` to what travels with the weights.

    python benchmarks/explanations.py

Reads ``results/visual_map.json`` (``visual_map.py``) and ``results/audio.json`` (``run.py audio``), writes
``weights/calibration/explanations.json``: for each detector and kind of explanation the command that measured it and
rows of figures. Run it after either benchmark; a test compares both sides.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "weights" / "calibration" / "explanations.json"


def explanations(results: Path = ROOT / "benchmarks" / "results") -> dict[str, Any]:
    """What ``weights/calibration/explanations.json`` holds."""
    maps = json.loads((results / "visual_map.json").read_text(encoding="utf-8"))
    splices = json.loads((results / "audio.json").read_text(encoding="utf-8"))["splices"]
    keys = ("pixel_auc", "centre_prior", "same_place_auc")
    rows = {kind: {"pictures": m["blends"], **{key: round(m[key], 3) for key in keys}} for kind, m in maps.items()}
    auc = {key: round(splices[key], 3) for key in ("frame_auc", "energy_auc")}
    spliced = {"half_seconds": splices["pieces"], **auc}
    return {
        "face-manipulation": {"map": {"command": "python benchmarks/visual_map.py DATA", "rows": rows}},
        "synthetic-voice": {
            "timeline": {"command": "python benchmarks/run.py audio --data DATA", "rows": {"all channels": spliced}}
        },
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(explanations(), indent=1) + "\n", encoding="utf-8")
