"""Write the voice folds: one row a clip of the training pack, from the committed rules in ``audio_folds.toml``.

A clip belongs to the fold of the repository (or package) that it comes from. When fold k is tested, the training
set loses every clip of fold k *and* every clip, wherever it comes from, of a system that occurs in fold k.

    python training/audio/make_folds.py --data PATH_OF_THE_PACK
"""

from __future__ import annotations

import argparse
import csv
import tomllib
from collections import Counter
from pathlib import Path

PROTOCOLS = Path(__file__).resolve().parents[2] / "benchmarks" / "protocols"


def fold_of(source: str, folds: dict[str, dict[str, list[str]]]) -> str:
    """The one fold whose ``sources`` hold a prefix of `source`; raises ValueError for none or several."""
    hits = [name for name, fold in folds.items() if any(source.startswith(prefix) for prefix in fold["sources"])]
    if len(hits) != 1:
        raise ValueError(f"source {source!r} belongs to {hits or 'no fold'}: edit audio_folds.toml")
    return hits[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.csv of the speech pack")
    rules = tomllib.loads((PROTOCOLS / "audio_folds.toml").read_text(encoding="utf-8"))
    with (parser.parse_args().data / "manifest.csv").open(encoding="utf-8", newline="") as handle:
        clips = list(csv.DictReader(handle))
    alias: dict[str, str] = rules["same_system"]
    rows = [
        {
            "file": clip["file"],
            "fold": fold_of(clip["source_repo"], rules["fold"]),
            "label": "synthetic" if clip["label"] == "fake" else "real",
            "system": alias.get(clip["system"], clip["system"]),
        }
        for clip in clips
    ]
    with (PROTOCOLS / "audio_folds.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    counts = Counter((row["fold"], row["label"]) for row in rows)
    for fold in rules["fold"]:
        n_real, n_synthetic = counts[fold, "real"], counts[fold, "synthetic"]
        if min(n_real, n_synthetic) < 30:
            raise ValueError(f"fold {fold} has {n_real} real and {n_synthetic} synthetic clips: at least 30 of each")
        print(f"{fold:12} real {n_real:4}  synthetic {n_synthetic:4}")


if __name__ == "__main__":
    main()
