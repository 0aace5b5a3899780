"""How well the picture inside a screenshot is found, on screens that this script draws around pictures of the packs.

    python benchmarks/screens.py DATA

The screens are modelled, not recorded: a status bar, a title, chat bubbles or a feed with text, light or dark, in three
sizes, saved without loss or re-encoded. Found: the rectangle overlaps the picture's by at least 0.9 (intersection over
union). Beside it the false finds: rectangles in the same pictures without a screen, enlarged to the size of a photo.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "training" / "visual")]

import crops  # noqa: E402
from corpus import rows  # noqa: E402

from deepfake_detect.extract.screenshot import find_picture  # noqa: E402
from deepfake_detect.media import Region  # noqa: E402
from deepfake_detect.reship import visual as reship  # noqa: E402

Rgb = NDArray[np.uint8]
SIZES = ((720, 1600), (1080, 2340), (1366, 768))
THEMES = (((255, 255, 255), (20, 20, 20)), ((18, 18, 20), (230, 230, 230)), ((229, 221, 213), (30, 30, 30)))
LAYOUTS = ("viewer", "chat", "feed", "two pictures")
SAVED = {"lossless": lambda rgb: rgb, "JPEG 75": lambda rgb: reship.jpeg(rgb, 75), "messenger": reship.half_jpeg75}
WORDS = ("the", "of", "and", "to", "in", "is", "you", "that", "it", "was", "for", "on", "are", "with", "they", "from")
FOUND = 0.9


@dataclass(frozen=True, slots=True)
class Screen:
    pixels: Rgb
    region: Region
    layout: str


def draw(picture: Rgb, layout: str, rng: np.random.Generator) -> Screen:
    """One screen of `layout` around the picture, which is scaled to the place that the layout has for it."""
    width, height = SIZES[int(rng.integers(len(SIZES)))]
    back, ink = THEMES[int(rng.integers(len(THEMES)))]
    canvas = Image.new("RGB", (width, height), back)
    pen, size = ImageDraw.Draw(canvas), max(14, min(width, height) // 34)
    font = ImageFont.truetype(str(ROOT / "deepfake_detect" / "report" / "fonts" / "NotoSans-Regular.ttf"), size)
    pen.text((size, size // 2), "12:47", ink, font)
    pen.rectangle((width - 3 * size, size // 2, width - size, int(size * 1.3)), outline=ink, width=2)
    shape = (rng.uniform(0.75, 1.8), rng.uniform(0.4, 0.62))
    region = _place(layout, width, height, shape, rng)
    if layout != "viewer":
        _texts(pen, font, size, region, (width, height), ink, rng)
    canvas.paste(Image.fromarray(_fit(picture, region.width, region.height)), (region.x, region.y))
    if layout == "two pictures":
        side = max(60, min(region.width, region.height) // 3)
        y = region.y + region.height + size
        canvas.paste(Image.fromarray(_fit(picture[::-1], side, min(side, max(1, height - y)))), (region.x, y))
    return Screen(np.asarray(canvas, np.uint8), region, layout)


def _place(layout: str, width: int, height: int, shape: tuple[float, float], rng: np.random.Generator) -> Region:
    share = 1.0 if layout in ("viewer", "feed") and height > width else shape[1] + 0.2
    wide = int(width * share) if height > width else int(height * 0.6)
    tall = int(min(wide * shape[0], height * 0.62))
    x = (width - wide) // 2 if layout in ("viewer", "feed") else int(rng.integers(0, width - wide + 1))
    low = int(height * 0.08)
    y = (height - tall) // 2 if layout == "viewer" else int(rng.integers(low, max(low + 1, int(height * 0.9) - tall)))
    return Region(x, y, wide, tall)


def _texts(pen, font, size: int, region: Region, screen: tuple[int, int], ink, rng: np.random.Generator) -> None:
    """Lines of words above and below the picture's place, some in bubbles."""
    bubble = tuple(int(v) for v in rng.integers(120, 235, 3))
    y = int(screen[1] * 0.06)
    while y < screen[1] - 2 * size:
        if region.y - 2 * size < y < region.y + region.height + size:
            y = region.y + region.height + 2 * size
            continue
        text = " ".join(rng.choice(WORDS, int(rng.integers(3, 9))))
        x = int(rng.choice([size, screen[0] // 4]))
        box = pen.textbbox((x, y), text, font)
        if rng.random() < 0.5:
            pen.rounded_rectangle((box[0] - 8, box[1] - 6, box[2] + 8, box[3] + 6), 10, bubble)
        pen.text((x, y), text, ink, font)
        y += int(size * rng.uniform(1.6, 3))


def _fit(picture: Rgb, width: int, height: int) -> Rgb:
    """The middle of the picture with these proportions, scaled as a screen scales it."""
    side = picture.shape[0]
    wide, tall = (side, max(1, side * height // width)) if width >= height else (max(1, side * width // height), side)
    top, left = (side - tall) // 2, (side - wide) // 2
    return np.asarray(cv2.resize(picture[top : top + tall, left : left + wide], (width, height)), np.uint8)


def overlap(a: Region | None, b: Region) -> float:
    """Intersection over union; 0 without a rectangle."""
    if a is None:
        return 0.0
    wide = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    tall = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    both = max(0, wide) * max(0, tall)
    return both / (a.width * a.height + b.width * b.height - both)


def pictures(data: Path, count: int) -> Iterator[tuple[str, Rgb]]:
    """Pictures of the packs, both labels, spread over the sorted files."""
    found = [row.file for row in rows(data, "synthetic-image")]
    for file in found[:: max(1, len(found) // count)][:count]:
        yield file, crops.centre(crops.read(data / file), crops.STORED)


def measure(data: Path, count: int = 240) -> dict[str, dict[str, float]]:
    """By layout and by way of saving: share found, share found elsewhere, share not found; and the false finds."""
    tally: dict[str, list[float]] = defaultdict(list)
    false: list[bool] = []
    for number, (file, picture) in enumerate(pictures(data, count)):
        rng = crops.seeded(file, "screen")
        screen = draw(picture, LAYOUTS[number % len(LAYOUTS)], rng)
        name = list(SAVED)[number // len(LAYOUTS) % len(SAVED)]
        saved = SAVED[name](screen.pixels)
        scale = saved.shape[1] / screen.pixels.shape[1]
        true = Region(*(round(v * scale) for v in (screen.region.x, screen.region.y, screen.region.width,
                                                   screen.region.height)))  # fmt: skip
        value = overlap(find_picture(saved), true)
        for key in ("all", screen.layout, name):
            tally[key].append(value)
        false.append(find_picture(np.asarray(cv2.resize(picture, (1024, 1024)), np.uint8)) is not None)
    figures = {key: _figures(np.array(values)) for key, values in tally.items()}
    return {**figures, "no screen": {"n": len(false), "found": float(np.mean(false))}}


def _figures(values: NDArray[np.float64]) -> dict[str, float]:
    return {
        "n": len(values),
        "found": float((values >= FOUND).mean()),
        "elsewhere": float(((values > 0) & (values < FOUND)).mean()),
        "nothing": float((values == 0).mean()),
    }


def main(argv: list[str]) -> None:
    figures = measure(Path(argv[0]))
    lines = [
        "# The picture inside a screenshot",
        "",
        "`python benchmarks/screens.py DATA`",
        "",
        *__doc__.split("\n")[4:],
    ]
    lines += ["|screens|n|found|another rectangle|no rectangle|", "|-|-|-|-|-|"]
    lines += [
        f"|{key}|{f['n']}|{f['found']:.2f}|{f['elsewhere']:.2f}|{f['nothing']:.2f}|"
        for key, f in figures.items()
        if key != "no screen"
    ]
    plain = figures["no screen"]
    lines += ["", f"Without a screen: a rectangle in {plain['found']:.3f} of {plain['n']} pictures.", ""]
    folder = Path(__file__).resolve().parent / "results"
    (folder / "screens.json").write_text(json.dumps(figures, indent=1) + "\n")
    (folder / "screens.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
