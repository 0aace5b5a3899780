"""Measure and train a visual detector on data of your own, with one command.

    python benchmarks/run.py own ROOT WORK --task synthetic-image

ROOT: a folder with `manifest.csv` (`datasets/`), or with `real/` and `synthetic/`. WORK is filled with crops, folds,
features, `results.md`, `results.json` and `weights/`, a head trained on everything. A run that was cut off goes on.
What ships with the library is not changed: the figures are of heads trained here, without the fold that is tested. The
head in `weights/` has no calibration file and, for faces, no map: a scan does not take it as it is.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "training" / "visual")]

import recipes  # noqa: E402
from corpus import TASKS  # noqa: E402
from prepare import prepare  # noqa: E402
from ship import ship  # noqa: E402
from visual_small import measured  # noqa: E402


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py own", description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--task", choices=TASKS, required=True)
    args = parser.parse_args(argv)
    prepare(args.root, args.work, args.task)
    command = f"python benchmarks/run.py own ROOT WORK --task {args.task}"
    recipe = recipes.small(args.task)
    results, page = measured(args.work, [recipe], command, "WORK/protocol.toml")
    (args.work / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (args.work / "results.md").write_text(page)
    (args.work / "weights").mkdir(exist_ok=True)
    ship(args.work, recipe, args.work / "weights")


if __name__ == "__main__":
    main(sys.argv[1:])
