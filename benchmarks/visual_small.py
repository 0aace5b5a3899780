"""The protocol of `visual.py` on a quarter of the data, under all degradations; trained on these conditions.

    python benchmarks/run.py visual_small DATA [synthetic-image] [face-manipulation]

Makes the features that it needs: 3,400 crops for synthetic-image, about 20 minutes on one free core. It changes no
weight and no calibration: its figures are of the same kind of head, trained on less.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "training" / "visual")]

import recipes  # noqa: E402
from corpus import PACKS  # noqa: E402
from features import features_of  # noqa: E402
from visual import evaluate, markdown  # noqa: E402

PROTOCOL = ROOT / "benchmarks" / "protocols" / "visual_small.toml"
WORK = ROOT / ".cache" / "visual" / "small"


def work_folder(data: Path) -> Path:
    """The packs under the small protocol: links and a copy of it."""
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROTOCOL, WORK / "protocol.toml")
    for pack in PACKS:
        if not (WORK / pack).exists():
            (WORK / pack).symlink_to((data / pack).resolve())
    return WORK


def measured(work: Path, tasks: list[str], command: str, folds: str) -> tuple[dict[str, dict[str, object]], str]:
    """Figures of each task by `recipes.small`, and the page about them."""
    results = {}
    for task in tasks:
        features_of(work, task, ["clean", *recipes.DEGRADED])
        results[task] = json.loads(json.dumps(evaluate(work, task, recipes.small(task))[0], default=float))
    return results, markdown(results, command, folds)


def main(argv: list[str]) -> None:
    data, tasks = Path(argv[0]), argv[1:] or list(recipes.RECIPES)
    command = f"python benchmarks/run.py visual_small DATA {' '.join(tasks)}"
    results, page = measured(work_folder(data), tasks, command, "benchmarks/protocols/visual_small.toml")
    folder = Path(__file__).resolve().parent / "results"
    (folder / "visual_small.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "visual_small.md").write_text(page)


if __name__ == "__main__":
    main(sys.argv[1:])
