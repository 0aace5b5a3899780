"""FaceForensics++ as published -> our visual manifest: `python datasets/faceforensics/index.py ROOT > manifest.csv`.

Videos, and extracted images where they are there. The split files are not in the download: put `dataset/splits` of
https://github.com/ondyari/FaceForensics into ROOT/splits, or name its folder with --splits.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from manifest import PICTURES, VIDEOS, LayoutError, LeftOut, VisualRow, file, folder, folders_in, media_in, parser, run

METHODS = {
    "Deepfakes": "swap_face", "FaceSwap": "swap_face", "FaceShifter": "swap_face", "DeepFakeDetection": "swap_face",
    "Face2Face": "reenact_face", "NeuralTextures": "reenact_face",
}  # fmt: skip
COMPRESSIONS = ("raw", "c0", "c23", "c40")
LICENCE = "FaceForensics++ terms of use (research, on request)"
ACTORS_FAKE = re.compile(r"(\d+)_(\d+)__(.+)__\w{8}")
ACTORS_REAL = re.compile(r"(\d+)__(.+)")
YOUTUBE = re.compile(r"(\d{3})(?:_(\d{3}))?")
Splits = dict[frozenset[str], str]


@dataclass(frozen=True, slots=True)
class Part:
    """One folder of the tree that holds `<compression>/videos` or `images`; `method` is empty for originals."""

    path: Path
    method: str

    @property
    def actors(self) -> bool:
        return self.path.name in ("actors", "DeepFakeDetection")


def read_splits(where: Path) -> Splits:
    """The split of each sequence and of each pair of sequences."""
    found: Splits = {}
    for name in ("train", "val", "test"):
        source = file(where / f"{name}.json", "it is dataset/splits of github.com/ondyari/FaceForensics")
        try:
            pairs = [(str(a), str(b)) for a, b in json.loads(source.read_text(encoding="utf-8"))]
        except (ValueError, TypeError) as error:
            raise LayoutError(f"file {source} is no list of pairs of sequences: {error}") from error
        for a, b in pairs:
            found.update(dict.fromkeys((frozenset({a}), frozenset({b}), frozenset({a, b})), name))
    return found


def parts(root: Path) -> list[Part]:
    originals = folder(root / "original_sequences", "it holds youtube/ and actors/")
    fakes = folder(root / "manipulated_sequences", f"it holds {', '.join(METHODS)}")
    made = [Part(originals / name, "") for name in ("youtube", "actors") if (originals / name).is_dir()]
    if not made:
        raise LayoutError(f"folder {originals / 'youtube'} is missing, and actors/ beside it")
    unknown = [path.name for path in folders_in(fakes) if path.name not in METHODS]
    if unknown:
        raise LayoutError(f"folder {fakes / unknown[0]} is no method of FaceForensics++: {', '.join(METHODS)}")
    return made + [Part(path, path.name) for path in folders_in(fakes)]


def who(part: Part, name: str, splits: Splits) -> tuple[str, str] | None:
    """The original's name and the split of a sequence; None if the name is not of the published form.

    Sequences of the DeepFakeDetection set have no published split and count as test.
    """
    if part.actors:
        found = (ACTORS_FAKE if part.method else ACTORS_REAL).fullmatch(name)
        return (f"{found[1]}__{found[found.lastindex or 1]}", "") if found else None
    found = YOUTUBE.fullmatch(name)
    if not found or bool(found[2]) != bool(part.method):
        return None
    return found[1], splits.get(frozenset(filter(None, found.groups())), "")


def rows_of(part: Part, compression: str, root: Path, splits: Splits, left_out: LeftOut) -> Iterator[VisualRow]:
    place = part.path / compression
    if (place / "videos").is_dir():
        for video in media_in(place / "videos", VIDEOS, left_out):
            yield from row(part, compression, (video, video.stem, ""), root, splits, left_out)
    if (place / "images").is_dir():
        for sequence in folders_in(place / "images"):
            for image in media_in(sequence, PICTURES, left_out):
                yield from row(part, compression, (image, sequence.name, image.stem), root, splits, left_out)


def row(
    part: Part, compression: str, item: tuple[Path, str, str], root: Path, splits: Splits, left_out: LeftOut
) -> Iterator[VisualRow]:
    """The row of `item`: path, name of the sequence, and of the frame ("" for a whole video)."""
    path, sequence, frame = item
    known = who(part, sequence, splits)
    if known is None or not (known[1] or part.actors):
        left_out.add("name of no published form" if known is None else "in none of the split files", path)
        return
    original, published = known
    home = part.path.relative_to(root).as_posix()
    yield VisualRow(
        file=path.relative_to(root).as_posix(),
        split=published or "test",
        label="fake" if part.method else "real",
        kind=METHODS[part.method] if part.method else "real_face",
        generator=part.method or "real",
        source_repo=f"FaceForensics++ {'actors' if part.actors else 'youtube'}",
        licence=LICENCE,
        source_path=f"{home}/{sequence}" + (f"@{frame}" if frame else ""),
        source_format=(PICTURES | VIDEOS)[path.suffix.lower()],
        pair_id="/".join(filter(None, (compression, original, frame))),
        published_split=published,
    )


def index(args: argparse.Namespace, left_out: LeftOut) -> Iterator[VisualRow]:
    found = parts(args.root)
    splits = read_splits(args.splits or args.root / "splits")
    for part in found:
        places = [c for c in COMPRESSIONS if (part.path / c).is_dir()]
        if not places:
            raise LayoutError(f"folder {part.path / 'c23'} is missing, and raw/ and c40/ beside it")
        for compression in places:
            yield from rows_of(part, compression, args.root, splits, left_out)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--splits", type=Path, help="folder with train.json, val.json, test.json; else ROOT/splits")
    sys.exit(run(index, arguments))
