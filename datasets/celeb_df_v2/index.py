"""Celeb-DF v2 as published -> our visual manifest: `python datasets/celeb_df_v2/index.py ROOT > manifest.csv`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from manifest import VIDEOS, LayoutError, LeftOut, VisualRow, file, folder, media_in, parser, run

LIST = "List_of_testing_videos.txt"
FOLDERS = {"Celeb-real": "real", "YouTube-real": "real", "Celeb-synthesis": "fake"}
LICENCE = "Celeb-DF terms of use (on request)"
FAKE = re.compile(r"(id\d+)_id\d+_(\d+)")
TRUTH = {"real": "1", "fake": "0"}  # in the list 1 stands for real


def testing(root: Path) -> dict[str, str]:
    """Path below ROOT -> 1 (real) or 0 (fake), as the list has it."""
    listed = {}
    for line in file(root / LIST, "it names the 518 testing videos").read_text(encoding="utf-8").splitlines():
        if line.strip():
            mark, _, name = line.strip().partition(" ")
            if mark not in TRUTH.values() or not name:
                raise LayoutError(f"file {root / LIST} has a line that is not `1 path` or `0 path`: {line!r}")
            listed[name.strip()] = mark
    return listed


def original(path: Path, label: str) -> str:
    """Name of the real video that a fake was made from: id0_id1_0000 is id0_0000 with the face of id1."""
    found = FAKE.fullmatch(path.stem) if label == "fake" else None
    return f"{found[1]}_{found[2]}" if found else path.stem


def row(path: Path, root: Path, label: str, split: str) -> VisualRow:
    name = path.relative_to(root).as_posix()
    return VisualRow(
        file=name,
        split=split,
        label=label,
        kind="swap_face" if label == "fake" else "real_face",
        generator="Celeb-DF v2 synthesis" if label == "fake" else "real",
        source_repo="Celeb-DF v2 YouTube-real" if path.parent.name == "YouTube-real" else "Celeb-DF v2 Celeb-real",
        licence=LICENCE,
        source_path=name,
        source_format=VIDEOS[path.suffix.lower()],
        pair_id="" if path.parent.name == "YouTube-real" else original(path, label),
        published_split="test" if split == "test" else "",
    )


def index(args: argparse.Namespace, left_out: LeftOut) -> Iterator[VisualRow]:
    root = args.root
    why = f"Celeb-DF v2 holds {', '.join(FOLDERS)} and {LIST}"
    places = {folder(root / name, why): label for name, label in FOLDERS.items()}
    listed = testing(root)
    for place, label in places.items():
        for path in media_in(place, VIDEOS, left_out):
            mark = listed.pop(path.relative_to(root).as_posix(), "")
            if mark not in ("", TRUTH[label]):
                raise LayoutError(f"file {root / LIST} says {mark} of {path}, which lies among the {label} videos")
            if label == "fake" and not FAKE.fullmatch(path.stem):
                left_out.add("name is not idA_idB_NNNN", path)
            else:
                yield row(path, root, label, "test" if mark else "train")
    for name in listed:
        left_out.add(f"named in {LIST}, not in the folders", name)


if __name__ == "__main__":
    sys.exit(run(index, parser(__doc__)))
