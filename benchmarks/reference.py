"""Comparison with originals: is the right one found, is a wrong one accepted, is the altered region seen.

    apt-get download gnome-backgrounds plasma-workspace-wallpapers mate-backgrounds lomiri-wallpapers-16.04 \
        lomiri-wallpapers-20.04 ukui-wallpapers lxqt-themes stellarium-data kstars-data budgie-core xfdesktop4-data
    python benchmarks/run.py reference DEBS DATA... [--every 5] [--parts 2] [--pairs 3000] [--keep FOLDER]
        [--log FILE]

``DEBS``: the folder with these packages. ``DATA``: crops with a ``manifest.csv``, one of each source picture, as
distractors. Every suspect is an original with one region replaced, then re-shipped; all are indexed as JPEG 95 of at
most 2048 px. ``--every N --parts P``: each condition takes P of N pictures, the next the ones beside; an even N
gives a condition few kinds of edit. A picture whose part was spliced in, that is the strange scene, or that shows the
same logo is in the index too: it shares content, so finding it is neither right nor false. Bursts are imitated by
shift, noise and exposure, and called so. Writes ``results/reference.json`` and the calibration of the likelihood ratio:
matching pairs against the other pictures that the same searches picked.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from metrics import auc, cllr, elub
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import reference_media as media  # noqa: E402

from deepfake_detect import Scanner  # noqa: E402
from deepfake_detect.ingest import Limits, open_media  # noqa: E402
from deepfake_detect.media import Frame, SamplingPlan  # noqa: E402
from deepfake_detect.originals import Comparer, OriginalsIndex, index_originals  # noqa: E402
from deepfake_detect.originals.capture import Capture, capture  # noqa: E402
from deepfake_detect.originals.compare import Comparison, compare  # noqa: E402
from deepfake_detect.originals.features import Features, features, hashes  # noqa: E402
from deepfake_detect.originals.index import PDQ_SAME  # noqa: E402
from deepfake_detect.originals.match import MIN_CONFIRMED  # noqa: E402
from deepfake_detect.originals.register import (  # noqa: E402
    REGISTER_FEATURES,
    REGISTER_SIDE,
    Registration,
    at_side,
    register,
    size_ratio,
)  # fmt: skip

Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]
RESULTS = ROOT / "benchmarks" / "results"
CALIBRATION = ROOT / "weights" / "calibration" / "original-match.json"
LONG_SIDE, ORIGINAL_SIDE = 1600, 2048
SAME_LOGO = ("lxqt/wallpapers/.*-logo", "mate/desktop/")  # found by eye after one such pair had matched
LEAST_FEATURES = 50  # flat colour gradients with fewer at 640 px are left out, and counted
UNTOUCHED = ("clean", "jpeg-q40", "webp-q40", "quarter-size", "filtered", "refilmed")


@dataclass(frozen=True, slots=True)
class Work:
    """What the worker processes share by fork."""

    folder: Path
    names: tuple[str, ...]
    index: OriginalsIndex
    comparer: Comparer


_work: Work
_log: Path | None = None


def decode(path: Path) -> Rgb:
    """Through the library's own way in."""
    with open_media(path, limits=Limits()) as opened:
        return next(i for i in opened.decode(SamplingPlan(max_frames=1)) if isinstance(i, Frame)).pixels


def sources(debs: Path, folder: Path, wanted: int) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Write ``wanted`` distinct pictures to ``folder`` as 000.jpg, ....

    (package, file) of each, and what was left out.
    """
    kept: list[tuple[str, str]] = []
    left = {"near-duplicate": 0, "flat": 0}
    seen: list[NDArray[np.uint8]] = []
    with tempfile.TemporaryDirectory() as unpacked:
        for deb in sorted(debs.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", deb, Path(unpacked, deb.name.split("_")[0])], check=True)
        for path in _largest(Path(unpacked)):
            pixels = decode(path)
            scale = ORIGINAL_SIDE / max(pixels.shape)
            if scale < 1:
                size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
                pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
            vectors, _ = hashes(pixels)
            if any(int(np.unpackbits(vectors[0] ^ other).sum()) <= 2 * PDQ_SAME for other in seen):
                left["near-duplicate"] += 1
            elif len(features(pixels, 640, 500)) < LEAST_FEATURES:
                left["flat"] += 1
            else:
                seen.append(vectors[0])
                Image.fromarray(pixels).save(folder / f"{len(kept):03d}.jpg", quality=95)
                parts = path.relative_to(unpacked).parts
                kept.append((parts[0], "/".join(parts[1:])))
            if len(kept) == wanted:
                break
    return kept, left


def prepared(debs: Path, folder: Path, wanted: int) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """The same, unless an earlier run has left them in ``folder``."""
    listing = folder / "sources.json"
    if not listing.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _person(folder / "person")
        listing.write_text(json.dumps(sources(debs, folder, wanted)), encoding="utf-8")
    kept, left = json.loads(listing.read_text(encoding="utf-8"))
    return [(p, n) for p, n in kept], left


def _largest(root: Path) -> Iterator[Path]:
    """The largest picture of every folder of resolutions, and every other picture, from 1,600 px on.

    Without dark variants of one drawing and screenshots of one program in manuals: those do share content.
    """
    groups: dict[Path, tuple[int, Path]] = {}
    for path in sorted(root.rglob("*")):
        if path.suffix not in (".jpg", ".jpeg", ".png", ".webp") or path.is_symlink():
            continue
        if "doc" in path.parts or "images_dark" in path.parts or path.stem.endswith("-d"):
            continue
        try:
            with Image.open(path) as image:
                size = image.size
        except OSError:
            continue
        sized = path.stem.replace("x", "").isdigit()
        key = path.parent if sized else path
        if max(size) >= LONG_SIDE and size[0] * size[1] > groups.get(key, (0, path))[0]:
            groups[key] = (size[0] * size[1], path)
    yield from sorted(path for _, path in groups.values())


def distractors(data: Path) -> list[Path]:
    """One crop of each source picture."""
    chosen: dict[str, Path] = {}
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            chosen.setdefault(f"{row['source_repo']}/{row['source_path'].split('@')[0]}", data / row["file"])
    return [path for path in chosen.values() if path.is_file()]


def indexed(paths: list[Path], folder: Path) -> tuple[OriginalsIndex, dict[str, object]]:
    """The index, and what making it took: now, or in the run that left it in ``folder``."""
    note = folder / "took.json"
    wall, cpu = time.perf_counter(), time.process_time()
    index = index_originals(paths, folder)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if not note.exists():
        told = {"files": len(paths), "wall_s": round(wall, 1), "a_second_of_two_cores": round(2 * len(paths) / cpu, 2)}
        note.write_text(json.dumps(told), encoding="utf-8")
    return index, json.loads(note.read_text(encoding="utf-8"))


def suspect(number: int, name: str) -> tuple[dict[str, object], Rgb, Mask]:
    """The picture with one region replaced, under a condition: facts, pixels, and the mask of what differs."""
    rng = np.random.default_rng([number, *name.encode()])
    folder, second = _work.folder, (number + 17) % len(_work.names)
    pixels, other = decode(folder / f"{number:03d}.jpg"), decode(folder / f"{second:03d}.jpg")
    kind = media.EDITS[number % len(media.EDITS)]
    edited, mask = media.edit(pixels, other, kind, rng)
    shipped, mask = media.CONDITIONS[name](edited, mask, other, rng)
    shown = (number, second) if kind == "splice" or name == "part-in-strange-scene" else (number,)
    shared = {other for one in shown for other in (one, *_same_logo(one))} - {number}
    return {"picture": number, "condition": name, "edit": kind, "also_shares": sorted(shared)}, shipped, mask


def _same_logo(number: int) -> list[int]:
    groups = [[i for i, name in enumerate(_work.names) if re.search(logo, name)] for logo in SAME_LOGO]
    return [i for group in groups if number in group for i in group]


def judge_one(task: tuple[int, str]) -> dict[str, object]:
    """One suspect: the rank of the right original, what else was confirmed how far, and how well the map tells the
    altered region."""
    number, name = task
    facts, pixels, mask = suspect(number, name)
    comparer, wanted = _work.comparer, str(_work.folder / f"{number:03d}.jpg")
    also = {str(_work.folder / f"{other:03d}.jpg") for other in facts["also_shares"]}  # type: ignore[attr-defined]
    look, candidates = comparer._search(Frame(0.0, pixels))
    result: dict[str, object] = {**facts, "rank": None, "confirmed": 0}
    strange: dict[str, int] = {}
    for candidate in candidates:
        path = comparer.index.records[candidate.original].path
        if path in also:
            continue
        original, theirs = _described(path)
        placed = comparer.place(look, candidate, original, theirs)
        if path != wanted:
            strange[path] = placed.confirmed if placed is not None else 0
        elif placed is not None and placed.confirmed >= MIN_CONFIRMED:
            comparison = compare(look.pixels, original, placed)
            shot = _shot(comparison, placed, pixels, number)
            result |= {"confirmed": placed.confirmed, "another_shot": shot.another_shot, **_pixels(comparison, mask)}
    if result["confirmed"]:
        result["rank"] = sum(count > int(str(result["confirmed"])) for count in strange.values())
    result["retrieved"] = wanted in [comparer.index.records[c.original].path for c in candidates]
    return {**result, "strange": sorted(strange.values()),
            "false": [(path, count) for path, count in strange.items() if count >= MIN_CONFIRMED]}  # fmt: skip


def _shot(comparison: Comparison, placed: Registration, pixels: Rgb, number: int) -> Capture:
    """What the grain says; scale from the full sizes of both."""
    full = decode(_work.folder / f"{number:03d}.jpg")
    scale = size_ratio(placed) * at_side(full).shape[1] / full.shape[1]
    return capture(comparison, placed, scale * pixels.shape[1] / at_side(pixels).shape[1])


def _pixels(comparison, mask: Mask) -> dict[str, object]:  # type: ignore[no-untyped-def]
    truth = cv2.resize(mask.astype(np.uint8), comparison.overlap.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    inside = comparison.overlap
    told: dict[str, object] = {"share_true": float(truth.mean()), "share_differs": float(comparison.differs.mean())}
    if (truth & inside).sum() >= 64 and (~truth & inside).sum() >= 64:
        both = comparison.differs & truth
        told["auc"] = auc(comparison.strength[inside].astype(np.float64), truth[inside])
        told["recall"] = float(both.sum() / (truth & inside).sum())
        told["precision"] = float(both.sum() / max(comparison.differs.sum(), 1))
    return told


def untouched_one(task: tuple[int, str]) -> dict[str, object]:
    """A picture that was re-shipped only: how much of it is called different."""
    number, name = task
    rng = np.random.default_rng([number, *name.encode(), 1])
    pixels = decode(_work.folder / f"{number:03d}.jpg")
    shipped, _ = media.CONDITIONS[name](pixels, np.zeros(pixels.shape[:2], bool), pixels, rng)
    placed, comparison, _ = place(shipped, pixels)
    share = float(comparison.differs.mean()) if comparison is not None else None
    return {"picture": number, "condition": name, "confirmed": placed, "share_differs": share}


def place(shipped: Rgb, original: Rgb):  # type: ignore[no-untyped-def]
    """Register and compare without a search."""
    small, other = at_side(shipped), at_side(original)
    mine, theirs = (features(p, REGISTER_SIDE, REGISTER_FEATURES) for p in (small, other))
    placed = register(small, other, mine, theirs)
    if placed is None or placed.confirmed < MIN_CONFIRMED:
        return (placed.confirmed if placed else 0), None, None
    return placed.confirmed, compare(small, other, placed), placed


def apart_one(task: tuple[int, int]) -> int:
    """Matches confirmed between two pictures that share nothing."""
    (first, mine), (second, theirs) = (_described(str(_work.folder / f"{number:03d}.jpg")) for number in task)
    placed = register(first, second, mine, theirs)
    return placed.confirmed if placed is not None else 0


@lru_cache(256)
def _described(path: str) -> tuple[Rgb, Features]:
    small = at_side(decode(Path(path)))
    return small, features(small, REGISTER_SIDE, REGISTER_FEATURES)


def burst_one(number: int) -> dict[str, object]:
    """Two shots of one burst, imitated.

    Each with noise of its own, the second shifted, turned and exposed otherwise; and a copy of the first of the two.
    """
    rng = np.random.default_rng([number, 5])
    first, second = media.burst(decode(_work.folder / f"{number:03d}.jpg"), rng)
    original, told = media.as_jpeg(first, 95), {"picture": number}
    for name, shipped in (("burst", media.as_jpeg(second, 92)), ("copy", media.as_jpeg(first, 92))):
        confirmed, comparison, placed = place(shipped, original)
        shot = capture(comparison, placed, size_ratio(placed)) if placed is not None else None
        told |= {name: {"confirmed": confirmed, "another_shot": bool(shot and shot.another_shot),
                        "correlation": shot.correlation if shot else None}}  # fmt: skip
    return told


def body_one(number: int) -> dict[str, object]:
    """The stand-in for the case that matters most: clothing replaced, face not; told through a whole scan."""
    from skimage.data import astronaut

    person = np.asarray(cv2.resize(astronaut(), (1024, 1024), interpolation=cv2.INTER_CUBIC), np.uint8)
    shipped, truth = media.body_edit(person, number)
    comparison = place(shipped, person)[1]
    result: dict[str, object] = {"condition": media.BODY_CONDITIONS[number // 12 % 4], "face": None, "body": None}
    if comparison is not None:
        result |= _pixels(comparison, truth)
    buffer = io.BytesIO()
    Image.fromarray(shipped).save(buffer, "PNG")
    report = _body_scanner(_work.folder).scan(buffer.getvalue())
    for finding in report.findings:
        for zone in finding.facts.get("zones", ()) if finding.detector == "original-match" else ():  # type: ignore[union-attr]
            if zone["subject"] == "person-1":  # type: ignore[index,call-overload]
                result[zone["zone"]] = zone["state"]  # type: ignore[index,call-overload]
    return result


@cache
def _body_scanner(folder: Path) -> Scanner:
    comparer = Comparer(index_originals([folder / "person" / "p.png"]))
    return Scanner(device="cpu", detectors=["provenance"], comparer=comparer)


def interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z, p = 1.96, hits / n
    middle = (p + z * z / 2 / n) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / 4 / n / n) / (1 + z * z / n)
    return round(float(middle - half), 4), round(float(middle + half), 4)


def mean_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of a mean over pictures."""
    rng, array = np.random.default_rng(seed), np.asarray(values)
    means = array[rng.integers(len(array), size=(1000, len(array)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def speed(folder: Path) -> dict[str, object]:
    """Indexing: originals a second of wall time and of CPU time, for pictures of 2048 px and 12 megapixels."""
    told: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as made:
        for name, size, count in (("up to 2048 px", None, 100), ("12 megapixels", (4000, 3000), 24)):
            paths = sorted(folder.glob("*.jpg"))[:count]
            if size is not None:
                for i, path in enumerate(paths):
                    Image.open(path).resize(size).save(f"{made}/{i:03d}.jpg", quality=92)
                paths = sorted(Path(made).glob("*.jpg"))
            wall, cpu = time.perf_counter(), time.process_time()
            index_originals(paths)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            told[name] = {"files": len(paths), "a_second_of_wall": round(len(paths) / wall, 2),
                          "a_second_of_two_cores": round(2 * len(paths) / cpu, 2)}  # fmt: skip
    return told


def search_seconds(index: OriginalsIndex, folder: Path) -> dict[str, float]:
    """One search among all originals, features of the suspect included, without registration."""
    comparer, times = Comparer(index), []
    for path in sorted(folder.glob("*.jpg"))[:10]:
        frame = Frame(0.0, decode(path))
        start = time.process_time()
        comparer._search(frame)
        times.append(time.process_time() - start)
    seconds = {"median_cpu_s": round(float(np.median(times)), 3), "max_cpu_s": round(max(times), 3)}
    return {"originals": len(index.records), **seconds}


def summarise(rows: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    """Figures by condition."""
    told: dict[str, dict[str, object]] = {}
    for name in media.CONDITIONS:
        mine = [r for r in rows if r["condition"] == name]
        first = sum(r["rank"] == 0 for r in mine)
        aucs = [float(r["auc"]) for r in mine if "auc" in r]  # type: ignore[arg-type]
        told[name] = {
            "n": len(mine), "right_first": first, "right_first_interval": interval(first, len(mine)),
            "among_candidates": sum(bool(r["retrieved"]) for r in mine),
            "false_matches": sum(len(r["false"]) for r in mine),  # type: ignore[arg-type]
            "strange_pairs": sum(len(r["strange"]) for r in mine),  # type: ignore[arg-type]
            "called_another_shot": sum(bool(r.get("another_shot")) for r in mine),
            "pixel_auc": round(float(np.mean(aucs)), 4), "pixel_auc_interval": mean_interval(aucs),
            "recall": round(float(np.mean([r["recall"] for r in mine if "recall" in r])), 4),
            "precision": round(float(np.mean([r["precision"] for r in mine if "precision" in r])), 4),
        }  # fmt: skip
    return told


def calibrate(matching: list[tuple[int, int]], apart: list[tuple[int, int]], command: str) -> dict[str, object]:
    """The curve from pictures of even number; its cost from those of odd number. Items: (picture, confirmed)."""

    def part(odd: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        values = [(c, True) for n, c in matching if n % 2 == odd] + [(c, False) for n, c in apart if n % 2 == odd]
        return np.array([v for v, _ in values], np.float64), np.array([m for _, m in values])

    knots = _curve(*part(0))
    scores, match = part(1)
    ratios = np.interp(scores, *zip(*knots, strict=True))
    low, high = elub(np.interp(part(0)[0], *zip(*knots, strict=True)), part(0)[1])
    bounded = np.clip(ratios, low, high)
    return {
        "detector": "original-match", "weights": {"sha256": ""}, "command": command, "experimental": False,
        "thresholds": {"lower": 0.0, "upper": 0.0},
        "conditions": [{
            "name": "any", "applies": {}, "knots": knots, "llr_min": round(low, 3), "llr_max": round(high, 3),
            "matching_pairs": int(match.sum()), "non_matching_pairs": int((~match).sum()),
            "cllr": round(cllr(bounded, match), 4), "false_match_rate": float((scores[~match] >= MIN_CONFIRMED).mean()),
            "missed_match_rate": round(float((scores[match] < MIN_CONFIRMED).mean()), 4),
        }],
    }  # fmt: skip


def _curve(scores: NDArray[np.float64], match: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """log10 of the share of matching over that of non-matching pairs in classes of the score, one pair added to each,
    made to rise."""
    edges = np.array([0, 1, 4, 7, MIN_CONFIRMED, 20, 40, 80, 160, np.inf])
    with_, without = (np.histogram(scores[side], edges)[0] + 1 for side in (match, ~match))
    ratios = np.maximum.accumulate(np.log10(with_ / with_.sum()) - np.log10(without / without.sum()))
    middles = [0, 2, 5, 8, MIN_CONFIRMED, 28, 58, 113, 226]
    return [(float(m), round(float(r), 3)) for m, r in zip(middles, ratios, strict=True)]


def run(function: Callable, tasks: list, workers: int, label: str) -> list:  # type: ignore[type-arg]
    """Over all tasks in forked processes, telling how far it is; what the log already holds is taken from it."""
    logged = [json.loads(line) for line in _log.read_text(encoding="utf-8").splitlines()[1:]] if _log else []
    done = [entry["result"] for entry in logged if entry["of"] == label]
    with ProcessPoolExecutor(workers) as pool:
        for result in pool.map(function, tasks[len(done) :], chunksize=4):
            done.append(result)
            if _log is not None:
                with _log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"of": label, "result": result}) + "\n")
            if len(done) % 50 == 0:
                print(f"{time.strftime('%H:%M:%S')} {label} {len(done)} of {len(tasks)}", file=sys.stderr, flush=True)
    return done


DECISIVE = ("debs", "data", "pictures", "every", "parts", "pairs")  # arguments that change what is measured


def begin_log(log: Path, options: argparse.Namespace) -> None:
    """Write the arguments as the first line of a new log. Ends the program where a log was begun with others."""
    told = {name: getattr(options, name) for name in DECISIVE}
    told |= {"debs": str(options.debs.resolve()), "data": [str(path.resolve()) for path in options.data]}
    if not log.exists() or not log.stat().st_size:
        log.write_text(json.dumps({"arguments": told}) + "\n", encoding="utf-8")
        return
    with log.open(encoding="utf-8") as file:
        try:
            begun = json.loads(file.readline())["arguments"]
        except (ValueError, TypeError, KeyError):
            raise SystemExit(f"reference: {log} does not say what it was begun with. Name another log.") from None
    other = [f"{name} {begun.get(name)}, now {told[name]}" for name in DECISIVE if begun.get(name) != told[name]]
    if other:
        raise SystemExit(f"reference: {log} was begun with other arguments: {'; '.join(other)}. Name another log.")


def main(argv: list[str]) -> None:
    """See the head of this file."""
    global _work, _log
    parser = argparse.ArgumentParser(prog="reference")
    parser.add_argument("debs", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--pictures", type=int, default=200, help="at most")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=3_000, help="random pairs without shared content")
    parser.add_argument("--keep", type=Path, help="keeps the prepared pictures and their index between runs")
    parser.add_argument(
        "--log", type=Path, help="the arguments, then a JSON line for each result; the run goes on from those in it"
    )
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as made:
        _log = options.log
        if _log is not None:
            begin_log(_log, options)
        folder = options.keep or Path(made)
        kept, left = prepared(options.debs, folder, options.pictures)
        others = [path for data in options.data for path in distractors(data)]
        paths = [*sorted(folder.glob("*.jpg")), folder / "person" / "p.png", *others]
        index, whole = indexed(paths, folder / "index")
        print(f"{len(kept)} originals, {len(others)} distractors; left out: {left}", file=sys.stderr, flush=True)
        _work = Work(folder, tuple("/".join(k) for k in kept), index, Comparer(index))
        report = measure(options.workers, (options.every, options.parts), options.pairs, kept)
        report |= {"left_out": left, "distractors": len(others), "speed": {"the whole index": whole, **speed(folder)},
                   "search": search_seconds(index, folder)}  # fmt: skip
    write(report)


def _person(folder: Path) -> None:
    from skimage.data import astronaut

    folder.mkdir()
    Image.fromarray(cv2.resize(astronaut(), (1024, 1024), interpolation=cv2.INTER_CUBIC)).save(folder / "p.png")


def measure(workers: int, share: tuple[int, int], wanted: int, kept: list[tuple[str, str]]) -> dict[str, object]:
    """All figures that need the pictures. ``share``: every how many pictures, and how many parts of that."""
    every, parts = share
    numbers, rng = range(len(kept)), np.random.default_rng(1)
    counts = f"--every {every} --parts {parts} --pairs {wanted}"
    command = f"python benchmarks/run.py reference DEBS DATA {counts}"
    names, spaced = list(media.CONDITIONS), [numbers[p::every] for p in range(parts)]
    tasks = [(n, c) for p in range(parts) for n in numbers for k, c in enumerate(names) if (n + k) % every == p]
    rows = run(judge_one, tasks, workers, "suspects")
    pairs = [(int(a), int(b)) for a, b in rng.integers(len(kept), size=(3 * wanted, 2)) if a != b][:wanted]
    apart = run(apart_one, pairs, workers, "non-matching pairs")
    plain = [(n, name) for some in spaced for name in UNTOUCHED for n in some]
    untouched = run(untouched_one, plain, workers, "untouched")
    bursts = run(burst_one, [n for some in spaced for n in some], workers, "bursts")
    bodies = run(body_one, list(range(0, 48, min(every, 4))), workers, "bodies")
    matching = [(int(str(r["picture"])), int(str(r["confirmed"]))) for r in rows]
    strange = [(int(str(r["picture"])), count) for r in rows for count in r["strange"]]  # type: ignore[attr-defined]
    return {
        "command": command, "pictures": len(kept),
        "packages": {p: sum(q == p for q, _ in kept) for p, _ in kept}, "conditions": summarise(rows),
        "conditions_of_odd_numbers": summarise([r for r in rows if int(str(r["picture"])) % 2]),
        "non_matching": {"pairs": len(apart), "false_matches": sum(c >= MIN_CONFIRMED for c in apart),
                         "most_confirmed": max(apart),
                         "interval": interval(sum(c >= MIN_CONFIRMED for c in apart), len(apart))},
        "untouched": _untouched(untouched), "bursts": _bursts(bursts), "bodies": _bodies(bodies),
        "picked_by_search": {"pairs": len(strange), "false_matches": sum(c >= MIN_CONFIRMED for _, c in strange),
                             "interval": interval(sum(c >= MIN_CONFIRMED for _, c in strange), len(strange))},
        "calibration": calibrate(matching, strange, command),
        "rows": rows,
    }  # fmt: skip


def _untouched(rows: list[dict[str, object]]) -> dict[str, object]:
    told = {}
    for name in UNTOUCHED:
        mine = [r["share_differs"] for r in rows if r["condition"] == name and r["share_differs"] is not None]
        alarms = sum(float(s) >= 0.01 for s in mine)  # type: ignore[arg-type]
        told[name] = {"n": len(mine), "called_different": alarms, "interval": interval(alarms, len(mine)),
                      "mean_share": round(float(np.mean(mine)), 5)}  # fmt: skip
    return told


def _bursts(rows: list[dict[str, object]]) -> dict[str, object]:
    told: dict[str, object] = {"n": len(rows)}
    for name in ("burst", "copy"):
        mine: list[dict[str, object]] = [r[name] for r in rows]  # type: ignore[misc]
        as_copy = sum(int(str(r["confirmed"])) >= MIN_CONFIRMED and not r["another_shot"] for r in mine)
        told[name] = {"told_as_copy": as_copy, "interval": interval(as_copy, len(mine)),
                      "told_as_another_shot": sum(bool(r["another_shot"]) for r in mine),
                      "correlations": [r["correlation"] for r in mine]}  # fmt: skip
    return told


def _bodies(rows: list[dict[str, object]]) -> dict[str, object]:
    told = {}
    for name in sorted({str(r["condition"]) for r in rows}):
        mine = [r for r in rows if r["condition"] == name]
        aucs = [float(r["auc"]) for r in mine if "auc" in r]  # type: ignore[arg-type]
        right = sum(r["face"] == "same" and r["body"] in ("differs", "differs_in_part") for r in mine)
        told[name] = {"n": len(mine), "face_same_and_body_differs": right, "interval": interval(right, len(mine)),
                      "pixel_auc": round(float(np.mean(aucs)), 4),
                      "pixel_auc_interval": mean_interval(aucs)}  # fmt: skip
    return told


def write(report: dict[str, object]) -> None:
    """Results, the page of them, and the calibration."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    CALIBRATION.parent.mkdir(parents=True, exist_ok=True)
    CALIBRATION.write_text(json.dumps(report["calibration"], indent=1) + "\n", encoding="utf-8")
    (RESULTS / "reference.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in report.items() if k != "rows"}, indent=1))
