"""Pieces of photographs, their split by source, and samples with a history: edited or not, then saved as they travel.

DATA holds the packs `visual/` and `visual2/`; DEBS the Debian wallpaper packages of `benchmarks/reference.py`. A source
(repository or package) is in one part only: `train`, `choose` (stopping and thresholds) or `test`.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import edits  # noqa: E402

from deepfake_detect.reship import visual as reship  # noqa: E402

CACHE = ROOT / ".cache" / "local-edit"
SIDE, STORED = 224, 256
FROM_WALLPAPER = 12
TEST = (
    "HelloVision/HelloMeme", "MohamedBakrAli/Kodak-Lossless-True-Color-Image-Suite", "TencentARC/GFPGAN",
    "danielgatis/rembg", "daniellionel01/spot-the-ai", "declan-wright/Image-Dataset", "open-mmlab/mmpose",
    "justadudewhohacks/face-api.js", "lovell/sharp", "microsoft/Bringing-Old-Photos-Back-to-Life",
    "drewnoakes/metadata-extractor-images", "podgorskiy/ALAE", "gnome-backgrounds", "lomiri-wallpapers-20.04",
)  # fmt: skip
CHOOSE = (
    "MikeKovarik/exifr", "ichirowt/gallery", "xuebinqin/U-2-Net", "KwaiVGI/LivePortrait", "mate-backgrounds",
)  # fmt: skip
PACKAGES = (
    "gnome-backgrounds", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "mate-backgrounds",
    "plasma-workspace-wallpapers", "ukui-wallpapers",
)  # fmt: skip
PARTS = ("train", "choose", "test")


@dataclass(frozen=True, slots=True)
class Pieces:
    """uint8 [n, 256, 256, 3] and the source and part of each."""

    pixels: NDArray[np.uint8] = field(repr=False)
    source: NDArray[np.str_] = field(repr=False)
    part: NDArray[np.str_] = field(repr=False)

    def of(self, part: str) -> NDArray[np.int64]:
        """Which pieces are in a part."""
        return np.flatnonzero(self.part == part)


def part_of(source: str) -> str:
    return "test" if source in TEST else "choose" if source in CHOOSE else "train"


def load(data: Path, debs: Path) -> Pieces:
    """All pieces, from the cache where an earlier run left them."""
    stored = CACHE / "pieces.npy"
    if not stored.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        found = [*_crops(data), *wallpapers(debs)]
        np.save(stored, np.stack([pixels for _, pixels in found]))
        (CACHE / "sources.json").write_text(json.dumps([source for source, _ in found]), encoding="utf-8")
    names = json.loads((CACHE / "sources.json").read_text(encoding="utf-8"))
    return Pieces(np.load(stored, mmap_mode="r"), np.array(names), np.array([part_of(n) for n in names]))


def _crops(data: Path) -> list[tuple[str, NDArray[np.uint8]]]:
    """Real crops at native resolution, one or two of a source picture as the packs hold them."""
    found = []
    for pack in ("visual", "visual2"):
        with (data / pack / "manifest.csv").open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row["label"] != "real" or row["kind"] != "real_native":
                    continue
                picture = cv2.imread(str(data / pack / row["file"]))
                if picture is not None and min(picture.shape[:2]) >= STORED:
                    found.append((row["source_repo"], np.ascontiguousarray(picture[:STORED, :STORED, ::-1])))
    return found


def wallpapers(debs: Path) -> list[tuple[str, NDArray[np.uint8]]]:
    """Pieces with texture of the wallpapers, at native resolution and at half of it."""
    found, rng = [], np.random.default_rng(3)
    for deb in sorted(debs.glob("*.deb")):
        name = deb.name.split("_")[0]
        if name not in PACKAGES:
            continue
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
            for path in _largest(Path(folder)):
                picture = cv2.imread(str(path))
                if picture is not None:
                    found += [(name, piece) for piece in _cut(picture[..., ::-1], rng)]
    return found


def _largest(root: Path) -> list[Path]:
    """The largest file of each folder of resolutions, and every other picture."""
    groups: dict[Path, Path] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix not in (".jpg", ".jpeg", ".png", ".webp") or path.is_symlink() or "screenshot" in path.stem:
            continue
        key = path.parent if path.stem.replace("x", "").isdigit() else path
        if key not in groups or path.stat().st_size > groups[key].stat().st_size:
            groups[key] = path
    return list(groups.values())


def _cut(picture: NDArray[np.uint8], rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    halved = reship.resize(np.ascontiguousarray(picture), 0.5)
    cut = []
    for _ in range(3 * FROM_WALLPAPER):
        whole = (picture, halved)[int(rng.integers(2))]
        if min(whole.shape[:2]) < STORED:
            continue
        y, x = (int(rng.integers(length - STORED + 1)) // 8 * 8 for length in whole.shape[:2])
        piece = whole[y : y + STORED, x : x + STORED]
        if cv2.Laplacian(np.ascontiguousarray(piece), cv2.CV_32F).std() > 2.5 and len(cut) < FROM_WALLPAPER:
            cut.append(np.ascontiguousarray(piece))
    return cut


@dataclass(frozen=True, slots=True)
class Made:
    """A piece [224, 224, 3] after its history, the mask of what was altered (all False if nothing), and the kind."""

    pixels: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.bool_] = field(repr=False)
    kind: str


def past(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """What a camera or the web has done to a picture before anybody edits it: 224 px of it."""
    if rng.random() < 0.3:
        scale = float(rng.uniform(0.9, 1.0))
        pixels = reship.resize(pixels, scale, smooth=bool(rng.random() < 0.5))
    y, x = (int(rng.integers(length - SIDE + 1)) for length in pixels.shape[:2])
    pixels = np.ascontiguousarray(pixels[y : y + SIDE, x : x + SIDE])
    pixels = np.ascontiguousarray(pixels[:, ::-1]) if rng.random() < 0.5 else pixels
    if rng.random() < 0.15:
        pixels = np.clip(pixels + rng.normal(0, rng.uniform(1, 5), pixels.shape), 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        pixels = reship.jpeg(pixels, int(rng.integers(55, 99)), "4:4:4" if rng.random() < 0.4 else "4:2:0")
    return pixels


def delivered(pixels: NDArray[np.uint8], mask: NDArray[np.bool_], rng: np.random.Generator) -> tuple:
    """Saved and sent on; the same inside and outside the mask."""
    draw = rng.random()
    if draw < 0.15:
        return pixels, mask
    if draw < 0.5:
        return reship.jpeg(pixels, int(rng.integers(85, 99)), "4:4:4" if rng.random() < 0.4 else "4:2:0"), mask
    if draw < 0.68:
        return reship.jpeg(pixels, int(rng.integers(60, 86))), mask
    if draw < 0.8:
        return reship.webp(pixels, int(rng.integers(60, 95))), mask
    small = reship.resize(pixels, float(rng.uniform(0.5, 0.95)), smooth=bool(rng.random() < 0.5))
    small = reship.jpeg(small, int(rng.integers(70, 97)))
    return fit(small, cv2.resize(mask.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0)


def fit(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> tuple:
    """To 224 px by mirroring at the lower and right border, so that the grid stays where it is."""
    more = [(0, SIDE - length) for length in pixels.shape[:2]]
    return np.pad(pixels, (*more, (0, 0)), mode="symmetric"), np.pad(mask, more, mode="symmetric")


def overlaid(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A caption, banner or border as memes and screenshots carry: not what is looked for, so not in the mask."""
    drawn, side = pixels.copy(), pixels.shape[0]
    colour = [int(v) for v in rng.choice([0, 255, int(rng.integers(256))], 3)]
    y = int(rng.integers(side - 30))
    if rng.random() < 0.5:
        cv2.rectangle(drawn, (0, y), (side, y + int(rng.integers(16, 60))), colour, -1)
    text = "".join(rng.choice(list("abcdefghij ABCDEF 0123!"), 14))
    ink = [255 - c for c in colour]
    cv2.putText(
        drawn, text, (int(rng.integers(40)), y + 22), int(rng.integers(5)), float(rng.uniform(0.5, 1.2)), ink, 2
    )
    return drawn


def make(pieces: Pieces, part: str, seed: int, kinds: dict[str, edits.Edit] = edits.TRAINED) -> Made:
    """Sample number ``seed`` of a part; two in five were not edited."""
    rng = np.random.default_rng([PARTS.index(part), seed])
    mine = pieces.of(part)
    first = int(rng.choice(mine))
    host = past(np.asarray(pieces.pixels[first]), rng)
    mask, kind = np.zeros((SIDE, SIDE), bool), "untouched"
    if rng.random() < 0.6:
        kind = str(rng.choice(list(kinds)))
        others = mine[pieces.source[mine] != pieces.source[first]]
        other = past(np.asarray(pieces.pixels[int(rng.choice(others))]), rng)
        mask = edits.region(SIDE, rng)
        host = kinds[kind](host, other, mask, rng)
    if rng.random() < 0.1:
        host = overlaid(host, rng)
    pixels, mask = delivered(host, mask, rng)
    return Made(pixels, mask, kind)
