"""The data packs as rows with a fold: reads manifests and `benchmarks/protocols/visual_folds.toml`, opens no picture.

A data folder holds packs (`visual/`, `visual2/`), each with `manifest.csv` and the files it names.
"""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDS = ROOT / "benchmarks" / "protocols" / "visual_folds.toml"
PACKS = ("visual", "visual2")
CAPS = {"half-jpeg75": 25, "aug1": 25, "blend1": 25}
TASKS = ("synthetic-image", "face-manipulation")


@dataclass(frozen=True, slots=True)
class Row:
    """One crop. `pair` joins a fake face with its real target, `picture` all crops of one source picture or video."""

    file: str
    fake: bool
    kind: str
    family: str
    source: str
    picture: str
    pair: str
    split: str
    fold: str
    face_px: float
    jpeg_quality: float


def protocol() -> dict[str, dict]:
    return tomllib.loads(FOLDS.read_text(encoding="utf-8"))


def rows(data: Path, task: str) -> list[Row]:
    """Rows of one task, capped for each generator and each real source, sorted by file name."""
    spec = protocol()
    plan = spec[task]
    place = {name: fold for fold, part in plan["folds"].items() for name in [*part["generators"], *part["reals"]]}
    found = [row for pack in PACKS for row in _read(data / pack, plan, place)]
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for row in found:
        votes[row.picture][row.fold] += 1
    settled = [_moved(row, votes[row.picture].most_common(1)[0][0]) for row in found]
    return sorted(_capped(settled, spec["cap"]), key=lambda row: row.file)


def _read(pack: Path, plan: dict, place: dict[str, str]) -> list[Row]:
    out = []
    with (pack / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        for item in csv.DictReader(stream):
            fake = item["label"] == "fake"
            if item["kind"] not in plan["fake_kinds" if fake else "real_kinds"]:
                continue
            name = item["generator"] if fake else item["source_repo"]
            path = re.split(r"[#@]", item["source_path"])[0]
            pair = item.get("pair_id") or ""
            if item["source_repo"] == "iperov/DeepFaceLive":
                pair = "dfl-" + item["source_path"].rstrip("LR")
            out.append(
                Row(
                    f"{pack.name}/{item['file']}",
                    fake,
                    item["kind"],
                    name,
                    item["source_repo"],
                    f"{item['source_repo']}/{path}",
                    pair,
                    item["split"],
                    place[name],
                    float(item.get("face_px") or "nan"),
                    float(item.get("source_quality") or "nan"),
                )
            )
    return out


def _moved(row: Row, fold: str) -> Row:
    if row.fold == fold:
        return row
    values = {name: getattr(row, name) for name in row.__slots__}
    return Row(**{**values, "fold": fold})


def thin(found: list[Row], name: str) -> list[Row]:
    """The rows whose features are computed under a condition.

    All clean, a fixed part of each family under any other.
    """
    return found if name == "clean" else sorted(_capped(found, CAPS.get(name, 12)), key=lambda row: row.file)


def _capped(found: list[Row], cap: int) -> list[Row]:
    """Keep at most `cap` of each family; whole pairs are kept or dropped together."""
    groups: dict[tuple[bool, str], list[Row]] = defaultdict(list)
    for row in found:
        groups[(row.fake, row.family)].append(row)

    def key(row: Row) -> str:
        return hashlib.sha256((row.pair or row.file).encode()).hexdigest()

    return [row for group in groups.values() for row in sorted(group, key=key)[:cap]]
