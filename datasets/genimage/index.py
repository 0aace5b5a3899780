"""GenImage as published, unpacked -> our visual manifest: `python datasets/genimage/index.py ROOT > manifest.csv`.

ROOT holds the generators' folders, or is one of them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from manifest import PICTURES, LayoutError, LeftOut, VisualRow, folder, folders_in, media_in, parser, run

# What is left of a folder's name without signs and the archives' prefix (`imagenet_ai_0419_biggan`) -> generator
GENERATORS = {
    "midjourney": "Midjourney", "vqdm": "VQDM", "wukong": "Wukong", "glide": "GLIDE", "biggan": "BigGAN", "adm": "ADM",
    "stablediffusionv14": "Stable Diffusion 1.4", "sdv4": "Stable Diffusion 1.4",
    "stablediffusionv15": "Stable Diffusion 1.5", "sdv5": "Stable Diffusion 1.5",
}  # fmt: skip
PREFIX = re.compile(r"^imagenet(ai)?(\d{4})?")
LICENCE = "not confirmed (see the card); real pictures: ImageNet terms"


def generator(place: Path) -> str:
    return GENERATORS.get(PREFIX.sub("", re.sub(r"[^a-z0-9]", "", place.name.lower())), "")


def unpacked(place: Path) -> Path:
    """The folder with train/ and val/: `place`, or the one folder in it that an archive unpacks to."""
    inner = [path for path in folders_in(place) if path.name.startswith("imagenet")]
    return inner[0] if len(inner) == 1 and not (place / "train").is_dir() else place


def generators(root: Path) -> dict[Path, str]:
    """Folder with train/ and val/ -> generator. Raises `LayoutError` where one is incomplete."""
    named = [root] if generator(root) else [path for path in folders_in(root) if generator(path)]
    if not named:
        wanted = ", ".join(dict.fromkeys(GENERATORS.values()))
        raise LayoutError(f"folder {root} holds no folder of a generator of GenImage: {wanted}")
    found = {unpacked(place): generator(place) for place in named}
    for place in found:
        for part in ("train/ai", "train/nature", "val/ai", "val/nature"):
            folder(place / part, "each generator of GenImage has train/ and val/, each with ai/ and nature/")
    return found


def row(path: Path, root: Path, name: str, split: str, fake: bool) -> VisualRow:
    """A real picture is known by its name in ImageNet, since generators share pictures."""
    here = path.relative_to(root).as_posix()
    return VisualRow(
        file=here,
        split=split,
        label="fake" if fake else "real",
        kind=("gan_native" if name == "BigGAN" else "diff_native") if fake else "real_native",
        generator=name if fake else "real",
        source_repo="GenImage" if fake else "ImageNet (GenImage)",
        licence=LICENCE,
        source_path=here if fake else path.name,
        source_format=PICTURES[path.suffix.lower()],
        published_split=split,
    )


def index(args: argparse.Namespace, left_out: LeftOut) -> Iterator[VisualRow]:
    root = args.root.resolve()
    for place, name in generators(root).items():
        for split in ("train", "val"):
            for part in ("ai", "nature"):
                for path in media_in(place / split / part, PICTURES, left_out):
                    yield row(path, root, name, split, part == "ai")


if __name__ == "__main__":
    sys.exit(run(index, parser(__doc__)))
