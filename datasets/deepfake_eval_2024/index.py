"""Deepfake-Eval-2024 -> our visual manifest: `python datasets/deepfake_eval_2024/index.py ROOT > manifest.csv`.

Pictures, and videos where they are there. Every row is `test`: the terms are reported to allow evaluation only.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from manifest import PICTURES, VIDEOS, LeftOut, VisualRow, file, folder, parser, run, table, usable

LICENCE = "CC BY-SA 4.0, gated; evaluation only (see the card)"
NAME, SPLIT = "Filename", "Finetuning Set"


@dataclass(frozen=True, slots=True)
class Part:
    folder: str
    table: str
    truth: str
    formats: dict[str, str]


PARTS = (
    Part("image-data", "image-metadata-publish", "Ground Truth", PICTURES),
    Part("video-data", "video-metadata-publish", "Video Ground Truth", VIDEOS),
)


def metadata(root: Path, part: Part) -> Path:
    """The table of labels: both forms of it were published, with the same columns and links beside."""
    linked = root / f"{part.table}-with-links.csv"
    return linked if linked.is_file() else file(root / f"{part.table}.csv", f"it holds the labels of {part.folder}/")


def rows_of(root: Path, part: Part, left_out: LeftOut) -> Iterator[VisualRow]:
    for item in table(metadata(root, part), (NAME, part.truth)):
        label, name = item[part.truth].strip().lower(), item[NAME].strip()
        path = root / part.folder / name
        if PurePosixPath(name).name != name or path.suffix.lower() not in part.formats:
            left_out.add("no file name of such a medium in the metadata", name)
        elif label not in ("fake", "real"):
            left_out.add("label is neither Fake nor Real", name)
        elif usable(path, left_out):
            yield VisualRow(
                file=f"{part.folder}/{name}",
                split="test",
                label=label,
                kind="wild_native" if label == "fake" else "real_native",
                generator="in the wild (not stated)" if label == "fake" else "real",
                source_repo="Deepfake-Eval-2024",
                licence=LICENCE,
                source_path=f"{part.folder}/{name}",
                source_format=part.formats[path.suffix.lower()],
                published_split=(item.get(SPLIT) or "").strip(),
            )


def index(args: argparse.Namespace, left_out: LeftOut) -> Iterator[VisualRow]:
    found = [part for part in PARTS if (args.root / part.folder).is_dir()]
    if not found:
        folder(args.root / PARTS[0].folder, "Deepfake-Eval-2024 holds image-data/ and video-data/")
    for part in found:
        metadata(args.root, part)
    for part in found:
        yield from rows_of(args.root, part, left_out)


if __name__ == "__main__":
    sys.exit(run(index, parser(__doc__)))
