"""Run one benchmark: `python benchmarks/run.py NAME ...`.

Each name is a module beside this file, with `_` for `-`, that has a `main(argv)`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

NAMES = (
    "visual", "visual_small", "own", "screens", "tracks",
    "audio", "splices", "music", "reference", "local-edit", "speed",
)  # fmt: skip


def main(argv: list[str]) -> int:
    if not argv or argv[0] not in NAMES:
        print(f"usage: python benchmarks/run.py {{{','.join(NAMES)}}} ...", file=sys.stderr)
        return 2
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import_module(argv[0].replace("-", "_")).main(argv[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
