"""How often drawings, charts and pages of text are refused, and how often one that is scored is called generated.

    python benchmarks/out_of_domain.py DEBS WORK

DEBS holds Debian's `openclipart-png` and `desktop-base` (`apt-get download`); WORK is filled with the pictures. Charts
and pages of text are made here, from a fixed seed. None of them is a photograph and none was made by a generator, so
every score is one that the detector was not measured for. Writes `results/out_of_domain.json` and `.md`.
"""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

import card_figures  # noqa: E402

from deepfake_detect.checkpoints import WeightStore  # noqa: E402
from deepfake_detect.deadline import Deadline  # noqa: E402
from deepfake_detect.detect.registry import Registry  # noqa: E402
from deepfake_detect.gather import Finders, gather  # noqa: E402
from deepfake_detect.ingest import open_media  # noqa: E402
from deepfake_detect.judge import judge, lines  # noqa: E402
from deepfake_detect.loading import load_detectors  # noqa: E402
from deepfake_detect.media import SamplingPlan  # noqa: E402

DETECTOR = "synthetic-image"
EACH, LEAST, MOST = 20, 240, 1600
FONTS = Path("/usr/share/fonts/truetype/dejavu")
WORDS = Path("/usr/share/common-licenses/GPL-3")
DRAWINGS = {"clip art": "openclipart-png", "logos and drawn wallpapers": "desktop-base"}
FOUND_IN = {"clip art": "**/openclipart/png/**/*.png", "logos and drawn wallpapers": "**/*.png"}


def unpacked(debs: Path, work: Path, kind: str) -> list[Path]:
    """Pictures of a package with sides that a scan would look at, picked by the hash of their path."""
    (deb,) = debs.glob(f"{DRAWINGS[kind]}_*.deb")
    out = work / DRAWINGS[kind]
    if not out.exists():
        subprocess.run(["dpkg-deb", "-x", str(deb), str(out)], check=True)
    found = [path for path in out.glob(FOUND_IN[kind]) if path.is_file() and not path.is_symlink() and _fits(path)]
    key = {path: hashlib.sha256(str(path.relative_to(out)).encode()).hexdigest() for path in found}
    return sorted(found, key=key.__getitem__)[:EACH]


def _fits(path: Path) -> bool:
    """By the PNG's own header, since some are far too large to open."""
    with path.open("rb") as stream:
        size = struct.unpack(">II", stream.read(24)[16:])
    return min(size) >= LEAST and max(size) <= MOST


def chart(rng: np.random.Generator) -> Image.Image:
    """Axes with ticks and labels, and bars or lines in a few colours."""
    picture = Image.new("RGB", (800, 600), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.truetype(str(FONTS / "DejaVuSans.ttf"), 15)
    draw.rectangle((80, 50, 760, 530), outline="black")
    for i in range(7):
        x, y = 80 + i * 113, 530 - i * 80
        draw.line((80, y, 760, y), fill=(210, 210, 210))
        draw.text((x - 12, 538), f"{rng.integers(0, 99)}", "black", font)
        draw.text((40, y - 8), f"{i * 10}", "black", font)
    draw.text((300, 15), "Quantity by year and group", "black", font)
    colours = [tuple(int(c) for c in rng.integers(0, 220, 3)) for _ in range(3)]
    if rng.random() < 0.5:
        for i in range(12):
            draw.rectangle((95 + i * 55, int(rng.integers(90, 500)), 130 + i * 55, 530), fill=colours[i % 3])
    else:
        for colour in colours:
            y = np.clip(300 + rng.normal(0, 30, 60).cumsum(), 60, 520)
            draw.line([(85 + 11 * i, float(v)) for i, v in enumerate(y)], fill=colour, width=3)
    return picture


def text_page(rng: np.random.Generator) -> Image.Image:
    """A page of prose at a random size of type, sometimes on tinted paper."""
    paper = (255, 255, 255) if rng.random() < 0.5 else tuple(int(c) for c in rng.integers(225, 255, 3))
    picture, words = Image.new("RGB", (900, 1200), paper), WORDS.read_text(encoding="utf-8").split()
    size = int(rng.integers(14, 26))
    face = rng.choice(["DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf"])
    draw, font = ImageDraw.Draw(picture), ImageFont.truetype(str(FONTS / face), size)
    start = int(rng.integers(0, len(words) - 900))
    line, y = "", 60
    for word in words[start : start + 900]:
        if draw.textlength(f"{line} {word}", font) > 760:
            draw.text((70, y), line, (20, 20, 20), font)
            line, y = "", y + int(1.5 * size)
            if y > 1120:
                break
        line = f"{line} {word}".strip()
    return picture


def made(work: Path, kind: str, maker: object) -> list[Path]:
    folder, rng = work / kind, np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    out = [folder / f"{i:02}.png" for i in range(EACH)]
    for path in out:
        maker(rng).save(path)
    return out


def measured(files: list[Path], loaded: tuple, finders: Finders) -> dict[str, object]:
    """What the detector says of each file: refused and why, or scored, and on which side of its thresholds."""
    reasons: Counter[str] = Counter()
    ratios, above, below = [], 0, 0
    for path in files:
        with open_media(path) as opened:
            judgement = judge(loaded, gather(opened, SamplingPlan(), finders, Deadline()), Deadline())
        reasons.update(f"{a.reason.value}: {a.detail.split(' (')[0].split(':')[0]}" for a in judgement.abstentions)
        for line in lines(loaded, judgement.findings):
            ratios.append(round(line.finding.llr, 3))
            above += line.finding.llr >= line.upper
            below += line.finding.llr <= line.lower
    return {"files": len(files), "refused": len(files) - len(ratios), "reasons": dict(reasons),
            "above_upper": int(above), "below_lower": int(below), "llr": sorted(ratios)}  # fmt: skip


def markdown(result: dict[str, dict]) -> str:
    out = ["# Pictures that are no photographs: synthetic-image", "", __doc__.split("\n\n")[2].replace("\n", " "), ""]
    out += [
        "`python benchmarks/out_of_domain.py DEBS WORK`; with the shipped weights and calibration.",
        "",
    ]
    out += ["|kind|pictures|refused|scored|called generated|below the lower threshold|log10 LR|", "|-" * 7 + "|"]
    for kind, r in result.items():
        span = f"{min(r['llr']):+.2f} to {max(r['llr']):+.2f}" if r["llr"] else "-"
        scored = r["files"] - r["refused"]
        out.append(f"|{kind}|{r['files']}|{r['refused']}|{scored}|{r['above_upper']}|{r['below_lower']}|{span}|")
    out += ["", "Why refused:", ""]
    out += [f"- {kind}: {n} {why}" for kind, r in result.items() for why, n in r["reasons"].items()]
    return "\n".join([*out, "", "Paintings and scanned paper were not measured."]) + "\n"


def card_text(result: dict[str, dict]) -> str:
    parts = [
        f"{kind} {r['refused']} of {r['files']} refused, {r['above_upper']} above the upper threshold and "
        f"{r['below_lower']} below the lower one"
        for kind, r in result.items()
    ]
    return f"{'; '.join(parts)} (`benchmarks/results/out_of_domain.md`). Paintings and scanned paper: not measured."


def pictures(debs: Path, work: Path) -> dict[str, list[Path]]:
    """All of them, by kind."""
    files = {kind: unpacked(debs, work, kind) for kind in DRAWINGS}
    return files | {"charts": made(work, "charts", chart), "pages of text": made(work, "pages", text_page)}


def main(argv: list[str]) -> None:
    debs, work = map(Path, argv)
    files = pictures(debs, work)
    store = WeightStore()
    _, loaded = load_detectors(Registry().select((DETECTOR,)), store, "cpu")
    finders = Finders(store, "cpu", faces=False, speech=False)
    result = {kind: measured(paths, loaded, finders) for kind, paths in files.items()}
    folder = Path(__file__).resolve().parent / "results"
    (folder / "out_of_domain.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "out_of_domain.md").write_text(markdown(result))
    card_figures.put(DETECTOR, "out-of-domain", card_text(result))


if __name__ == "__main__":
    main(sys.argv[1:])
