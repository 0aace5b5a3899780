"""In-the-Wild (Müller et al. 2022) -> our audio manifest: `python datasets/in_the_wild/index.py ROOT > manifest.csv`.

ROOT is `release_in_the_wild`: meta.csv and the clips beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from manifest import SOUNDS, AudioRow, LayoutError, LeftOut, file, parser, run, table, usable

LABELS = {"spoof": "fake", "bona-fide": "real"}
LICENCE = "not confirmed (see the card)"


def index(args: argparse.Namespace, left_out: LeftOut) -> Iterator[AudioRow]:
    meta = file(args.root / "meta.csv", "ROOT is release_in_the_wild, with meta.csv beside the clips")
    for item in table(meta, ("file", "speaker", "label")):
        name, label = item["file"].strip(), LABELS.get(item["label"].strip())
        if label is None:
            raise LayoutError(f"file {meta} has the label {item['label']!r}: not spoof or bona-fide")
        if PurePosixPath(name).name != name or Path(name).suffix.lower() not in SOUNDS:
            left_out.add("no file name of a clip in meta.csv", name)
        elif usable(args.root / name, left_out):
            fake = label == "fake"
            yield AudioRow(
                file=name,
                split="test",
                label=label,
                system="in the wild (not stated)" if fake else "real",
                family="unknown" if fake else "real",
                language="en",
                speaker=item["speaker"].strip(),
                codec=SOUNDS[Path(name).suffix.lower()],
                source_repo="In-the-Wild",
                source_path=name,
                licence=LICENCE,
            )


if __name__ == "__main__":
    sys.exit(run(index, parser(__doc__)))
