"""A folder with real/ and synthetic/ -> our manifest: `python datasets/plain_folder/index.py ROOT > manifest.csv`.

The first folder below real/ is the name of the source, the first below synthetic/ that of the generator or speech
system. Files may lie at any depth. `--media audio` makes the audio manifest.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from manifest import PICTURES, SOUNDS, VIDEOS, AudioRow, LeftOut, Row, VisualRow, folder, media_in, parser, run

KINDS = {
    "synthetic-image": {"fake": "diff_native", "real": "real_native"},
    "face-manipulation": {"fake": "swap_face", "real": "real_face"},
}
SIDES = {"real": "real", "synthetic": "fake"}


def owner(path: Path, side: Path) -> str:
    """The first folder below `side`, or "" for a file that lies in `side` itself."""
    inner = path.relative_to(side).parts
    return inner[0] if len(inner) > 1 else ""


def visual(path: Path, label: str, name: str, args: argparse.Namespace) -> VisualRow:
    here = path.relative_to(args.root).as_posix()
    return VisualRow(
        file=here,
        split=args.split,
        label=label,
        kind=KINDS[args.task][label],
        generator=(name or "not stated") if label == "fake" else "real",
        source_repo=name or args.root.resolve().name,
        licence=args.licence,
        source_path=here,
        source_format=(PICTURES | VIDEOS)[path.suffix.lower()],
        pair_id=path.stem if args.pairs else "",
    )


def audio(path: Path, label: str, name: str, args: argparse.Namespace) -> AudioRow:
    here = path.relative_to(args.root).as_posix()
    return AudioRow(
        file=here,
        split=args.split,
        label=label,
        system=(name or "not stated") if label == "fake" else "real",
        family="unknown" if label == "fake" else "real",
        language=args.language,
        speaker="",
        codec=SOUNDS[path.suffix.lower()],
        source_repo=name or args.root.resolve().name,
        source_path=here,
        licence=args.licence,
    )


def index(args: argparse.Namespace, left_out: LeftOut) -> Iterator[Row]:
    places = {folder(args.root / name, "ROOT holds real/ and synthetic/"): label for name, label in SIDES.items()}
    formats, make = (SOUNDS, audio) if args.media == "audio" else (PICTURES | VIDEOS, visual)
    for side, label in places.items():
        for place, inner, _ in os.walk(side):
            inner.sort()
            for path in media_in(Path(place), formats, left_out):
                yield make(path, label, owner(path, side), args)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--media", choices=("visual", "audio"), default="visual")
    arguments.add_argument("--task", choices=tuple(KINDS), default="synthetic-image", help="what the pictures are")
    arguments.add_argument("--pairs", action="store_true", help="equal names are before and after")
    arguments.add_argument("--language", default="und", help="of all clips, ISO 639-1")
    arguments.add_argument("--split", choices=("train", "val", "test"), default="test")
    arguments.add_argument("--licence", default="not stated")
    sys.exit(run(index, arguments))
