"""Copies how well maps and time lines agree with the truth from ``results/`` to what travels with the weights.

    python benchmarks/explanations.py

Reads ``results/visual_map.json`` (``visual_map.py``), ``results/local_edit.json`` (``run.py local-edit``),
``results/ghosts.json`` (``ghosts.py``) and ``results/splices.json`` (``run.py splices``), writes
``weights/calibration/explanations.json``: for each detector and kind of explanation the command that measured it and
rows of figures. Run it after each of them; a test compares both sides.
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
    splices = json.loads((results / "splices.json").read_text(encoding="utf-8"))
    keys = ("pixel_auc", "centre_prior", "same_place_auc")
    rows = {kind: {"pictures": m["blends"], **{key: round(m[key], 3) for key in keys}} for kind, m in maps.items()}
    spliced = {
        f"{stretch} stretch": {
            "half_seconds": splices[stretch]["half_seconds"],
            **{key: round(splices[stretch][key], 3) for key in ("frame_auc", "energy_auc")},
        }
        for stretch in ("synthetic", "real")
    }
    ghosts = json.loads((results / "ghosts.json").read_text(encoding="utf-8"))
    untouched = {
        delivery: {"pieces": m["pieces"], "red_untouched": round(m["red"] / m["pieces"], 3)}
        for delivery, m in ghosts["untouched"].items()
    }
    edits = json.loads((results / "local_edit.json").read_text(encoding="utf-8"))
    return {
        "local-edit": {
            "traces": {"command": edits["command"], "rows": _traces(edits["left-out kinds"])},
            "ghosts": {"command": ghosts["command"], "rows": untouched},
        },
        "face-manipulation": {"map": {"command": "python benchmarks/visual_map.py DATA", "rows": rows}},
        "synthetic-voice": {"timeline": {"command": "python benchmarks/run.py splices --data DATA", "rows": spliced}},
    }


def _traces(measured: dict[str, Any]) -> dict[str, Any]:
    """By delivery: how many pieces, and the pixel AUC of the map, of each classical line and of the centre prior."""
    names = {
        "local-edit": "pixel_auc", "jpeg-ghosts": "ghosts_auc", "noise-level": "noise_auc",
        "demosaicing": "demosaicing_auc", "grid-misalignment": "grid_auc", "centre": "centre_prior",
    }  # fmt: skip
    return {
        delivery: {"pieces": m["n"], **{name: round(m[method]["auc"], 3) for method, name in names.items()}}
        for delivery, m in measured.items()
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(explanations(), indent=1) + "\n", encoding="utf-8")
