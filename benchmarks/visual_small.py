"""The protocol of `visual.py` on less data, under the degradations that its features are too slow for here.

    python benchmarks/run.py visual_small DATA [synthetic-image] [face-manipulation]

Trained on clean crops and on these degradations. Makes the features that it needs: 2,900 crops for synthetic-image,
about 15 minutes on one free core. It changes no weight and no calibration: its figures are of the same kind of head,
trained on less.
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
from visual import evaluate  # noqa: E402
from visual_page import markdown  # noqa: E402

PROTOCOL = ROOT / "benchmarks" / "protocols" / "visual_small.toml"
DEGRADED = ("webp70", "h264-crf32", "screenshot", "messenger480")
WORK = ROOT / ".cache" / "visual" / "small"


def work_folder(data: Path) -> Path:
    """The packs under the small protocol: links and a copy of it."""
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROTOCOL, WORK / "protocol.toml")
    for pack in PACKS:
        if not (WORK / pack).exists():
            (WORK / pack).symlink_to((data / pack).resolve())
    return WORK


def measured(
    work: Path, made: list[recipes.Recipe], command: str, folds: str
) -> tuple[dict[str, dict[str, object]], str]:
    """Figures of each recipe under the conditions that it trains on, and the page about them."""
    results = {}
    for recipe in made:
        features_of(work, recipe.task, list(recipe.train))
        results[recipe.task] = json.loads(json.dumps(evaluate(work, recipe.task, recipe)[0], default=float))
    return results, markdown(results, command, folds)


def main(argv: list[str]) -> None:
    data, tasks = Path(argv[0]), argv[1:] or list(recipes.RECIPES)
    command = f"python benchmarks/run.py visual_small DATA {' '.join(tasks)}"
    made = [recipes.small(task, DEGRADED) for task in tasks]
    results, page = measured(work_folder(data), made, command, "benchmarks/protocols/visual_small.toml")
    folder = Path(__file__).resolve().parent / "results"
    (folder / "visual_small.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "visual_small.md").write_text(page)


if __name__ == "__main__":
    main(sys.argv[1:])
