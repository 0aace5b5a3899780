"""The data packs as rows with a fold: reads manifests and `benchmarks/protocols/visual_folds.toml`, opens no picture.

A data folder holds packs (`visual/`, `visual2/`), each with `manifest.csv` and the files it names. Where it holds a
`protocol.toml`, that one counts instead of the committed folds: `base` names a committed file whose values hold where
it says nothing, `packs` the folders with manifests, `cap` and `fold_cap` how much is used. A manifest may have a column
`fold`; it goes before the protocol's lists.
"""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDS = ROOT / "benchmarks" / "protocols" / "visual_folds.toml"
PACKS = ("visual", "visual2")
CAPS = {"half-jpeg75": 25, "aug1": 25, "blend1": 25}
IMITATED_CAP = 5
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


def protocol(data: Path) -> dict[str, Any]:
    """The folds and caps of a data folder."""
    own = data / "protocol.toml"
    if not own.exists():
        return tomllib.loads(FOLDS.read_text(encoding="utf-8"))
    spec = tomllib.loads(own.read_text(encoding="utf-8"))
    base = tomllib.loads((FOLDS.parent / spec["base"]).read_text(encoding="utf-8")) if "base" in spec else {}
    return {**base, **spec}


def cache(data: Path) -> Path:
    """Where features of a data folder are kept."""
    return data / "cache" if (data / "protocol.toml").exists() else ROOT / ".cache" / "visual"


def rows(data: Path, task: str) -> list[Row]:
    """Rows of one task, capped for each generator and each real source, sorted by file name."""
    spec = protocol(data)
    plan = spec[task]
    place = {name: fold for fold, part in plan["folds"].items() for name in [*part["generators"], *part["reals"]]}
    found = [row for pack in spec.get("packs", PACKS) for row in _read(data / pack, plan, place)]
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
                    item.get("fold") or place[name],
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


def thin(found: list[Row], name: str, fold_cap: int | None = None) -> list[Row]:
    """The rows whose features are computed under a condition: all clean, a fixed part of each family under any other.

    With `fold_cap` at most so many of each fold and label, families in turn.
    """
    if name == "clean":
        return found
    few = IMITATED_CAP if name.startswith("imitated-") else CAPS.get(name, 12)
    return evenly(found, fold_cap) if fold_cap is not None else sorted(_capped(found, few), key=lambda row: row.file)


def part(data: Path, task: str, name: str) -> list[Row]:
    """The rows of a task under a condition, as the data folder's protocol has them."""
    return thin(rows(data, task), name, protocol(data).get("fold_cap"))


def _key(row: Row) -> str:
    return hashlib.sha256((row.pair or row.file).encode()).hexdigest()


def _in_turn(found: list[Row], cap: int) -> list[Row]:
    families: Counter[tuple[str, bool, str]] = Counter()
    sides: dict[tuple[str, bool], list[tuple[int, str, Row]]] = defaultdict(list)
    for row in sorted(found, key=_key):
        family = (row.fold, row.fake, row.family)
        sides[row.fold, row.fake].append((families[family], _key(row), row))
        families[family] += 1
    return [row for side in sides.values() for _, _, row in sorted(side, key=lambda item: item[:2])[:cap]]


def evenly(found: list[Row], cap: int) -> list[Row]:
    """At most `cap` of each fold and label, families in turn, sorted by file name."""
    return sorted(_in_turn(found, cap), key=lambda row: row.file)


def _capped(found: list[Row], cap: int) -> list[Row]:
    """Keep at most `cap` of each family; whole pairs are kept or dropped together."""
    groups: dict[tuple[bool, str], list[Row]] = defaultdict(list)
    for row in found:
        groups[(row.fake, row.family)].append(row)
    return [row for group in groups.values() for row in sorted(group, key=_key)[:cap]]
