"""What every index script shares: the columns of our two manifests, the walk over folders, errors, the command line.

The columns are those that `training/visual/corpus.py`, `training/audio/` and `benchmarks/` read, and `published_split`,
the publisher's own word for the split. Nothing here opens a media file: formats come from the names of files.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

PICTURES = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF",
    ".heic": "HEIC", ".avif": "AVIF", ".gif": "GIF",
}  # fmt: skip
VIDEOS = dict.fromkeys((".mp4", ".mov", ".mkv", ".webm", ".avi", ".3gp"), "VIDEO")
SOUNDS = {suffix: suffix[1:] for suffix in (".flac", ".wav", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".amr")}


class LayoutError(Exception):
    """The tree is not the published one; the message names what is missing and where it belongs."""


@dataclass(frozen=True, slots=True)
class VisualRow:
    """One picture or video. `file` is relative to the folder that holds the manifest, with `/`.

    `label`: fake or real. `generator`: "real" for real ones. `source_repo`: where real ones come from, or the data set.
    `source_path`: what was cut or decoded, the part behind `@` left out; rows that share it never stand in two folds.
    `pair_id`: the same for a fake and its original (the same frame, or the same video, before and after).
    """

    file: str
    split: str
    label: str
    kind: str
    generator: str
    source_repo: str
    licence: str
    source_path: str
    source_format: str
    pair_id: str = ""
    published_split: str = ""
    face_px: str = ""
    landmarks5: str = ""
    source_quality: str = ""
    source_size: str = ""


@dataclass(frozen=True, slots=True)
class AudioRow:
    """One clip. `system` and `family` are "real" for real speech; `language`: ISO 639-1, or `und` where not stated.

    `codec`: the suffix of the file, and what the publisher says it was sent through. `native_sr`: as published, in Hz.
    """

    file: str
    split: str
    label: str
    system: str
    family: str
    language: str
    speaker: str
    codec: str
    source_repo: str
    source_path: str
    licence: str
    native_sr: str = ""
    published_split: str = ""
    seconds: str = "nan"  # not measured: a number, which readers of the column want


Row = VisualRow | AudioRow


@dataclass(slots=True)
class LeftOut:
    """What is not in the manifest, by reason: count and first example."""

    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, reason: str, example: object) -> None:
        count, first = self.reasons.get(reason, (0, str(example)))
        self.reasons[reason] = (count + 1, first)

    def lines(self) -> Iterator[str]:
        for reason, (count, first) in self.reasons.items():
            yield f"left out, {reason}: {count}, first {first!r}"


def folder(path: Path, why: str) -> Path:
    """`path`, which must be a folder. Raises `LayoutError`."""
    if not path.is_dir():
        raise LayoutError(f"folder {path} is missing: {why}")
    return path


def file(path: Path, why: str) -> Path:
    """`path`, which must be a file. Raises `LayoutError`."""
    if not path.is_file():
        raise LayoutError(f"file {path} is missing: {why}")
    return path


def folders_in(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir())


def media_in(path: Path, kinds: dict[str, str], left_out: LeftOut) -> Iterator[Path]:
    """Files of `path` with a suffix of `kinds`, by name; empty files and other suffixes are counted in `left_out`."""
    for name in sorted(entry.name for entry in os.scandir(path) if entry.is_file()):
        found = path / name
        if found.suffix.lower() not in kinds:
            left_out.add("not such a media file by its suffix", found)
        elif usable(found, left_out):
            yield found


def usable(path: Path, left_out: LeftOut) -> bool:
    """Whether `path` is there, holds bytes and has a name that a manifest can hold; counted in `left_out` if not."""
    try:
        str(path).encode("utf-8")
        empty = path.stat().st_size == 0
    except UnicodeEncodeError:
        left_out.add("name is not UTF-8", ascii(str(path)))
        return False
    except OSError:
        left_out.add("file is missing", path)
        return False
    if empty:
        left_out.add("file is empty", path)
    return not empty


def table(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Rows of a CSV file that must have `columns`. Raises `LayoutError`."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        absent = [name for name in columns if name not in (reader.fieldnames or ())]
        if absent:
            raise LayoutError(f"file {path} has no column {', '.join(absent)}; it has {reader.fieldnames}")
        yield from reader


def parser(doc: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("root", type=Path, help="the data set's folder; keep the manifest in it, as manifest.csv")
    return made


def run(index: Callable[[argparse.Namespace, LeftOut], Iterator[Row]], arguments: argparse.ArgumentParser) -> int:
    """Write the manifest to stdout row by row, what was left out to stderr; the exit code.

    1 for a wrong layout: missing folders are found before the first row, a wrong line of a label file only on the way.
    """
    args, left_out = arguments.parse_args(), LeftOut()
    try:
        folder(args.root, "ROOT is the data set's folder")
        count = _write(index(args, left_out))
    except LayoutError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(*left_out.lines(), f"{count} rows", sep="\n", file=sys.stderr)
    return 0


def _write(rows: Iterator[Row]) -> int:
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    writer, count = csv.writer(sys.stdout, lineterminator="\n"), 0
    for count, row in enumerate(rows, 1):
        if count == 1:
            writer.writerow([column.name for column in fields(row)])
        writer.writerow(astuple(row))
    if not count:
        raise LayoutError("the folders are there, but hold no media file that belongs in the manifest")
    return count
