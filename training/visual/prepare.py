"""Other people's data -> crops and folds that training and benchmarks read: whole pictures and videos go in.

    python training/visual/prepare.py ROOT WORK --task synthetic-image

ROOT holds `manifest.csv` (`datasets/`), or `real/` and `synthetic/`. Files are decoded and cut by the scanner's own
code: the most textured native piece, or the largest face of the person seen most often, of one file each. WORK gets
`own/` with the crops and their manifest, and `protocol.toml`. Generators and sources are dealt to folds whole, the
largest first; where all real files have one source, its pictures are dealt one by one instead. Folds of a WORK that
exists stay.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from corpus import ROOT, TASKS
from crops import STORED

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.deadline import Deadline
from deepfake_detect.errors import DeepfakeDetectError
from deepfake_detect.gather import Finders, Gathered, gather
from deepfake_detect.ingest import open_media
from deepfake_detect.media import FaceTrack, Picture, Pixels, SamplingPlan

FOLDS = 6
KINDS = {
    "synthetic-image": {"fake": ("diff_native", "gan_native"), "real": ("real_native",)},
    "face-manipulation": {"fake": ("swap_face", "composite_face", "edit_face", "reenact_face"), "real": ("real_face",)},
}
Item = dict[str, str]


def manifest(root: Path, task: str) -> list[Item]:
    """The rows of ROOT's manifest, or of its `real/` and `synthetic/`, that belong to the task."""
    if (root / "manifest.csv").exists():
        text = (root / "manifest.csv").read_text(encoding="utf-8")
    else:
        script = ROOT / "datasets" / "plain_folder" / "index.py"
        command = [sys.executable, str(script), str(root), "--task", task]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [row for row in csv.DictReader(text.splitlines()) if row["kind"] in KINDS[task][row["label"]]]


def cut(gathered: Gathered, task: str) -> tuple[Pixels, float] | None:
    """The crop of a file and the size of its face (nan without); None where there is none."""
    if task == "synthetic-image":
        pieces = [crop for picture in gathered.samples.get(Picture, ()) for crop in picture.crops]
        return (max(pieces, key=lambda crop: float(crop.pixels.std())).pixels, float("nan")) if pieces else None
    tracks = gathered.samples.get(FaceTrack, ())
    if not tracks:
        return None
    face = max(tracks[0].faces, key=lambda f: f.face_px)
    method = cv2.INTER_AREA if face.pixels.shape[0] > STORED else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(face.pixels, (STORED, STORED), interpolation=method), np.uint8), face.face_px


def owner(item: Item) -> str:
    return item["generator"] if item["label"] == "fake" else item["source_repo"]


def deal(items: list[Item]) -> list[str]:
    """A fold for each row, families whole: none is trained and tested on. Every fold gets both labels."""
    out, folds = [""] * len(items), folds_of(items)
    for label in ("fake", "real"):
        mine = [i for i, item in enumerate(items) if item["label"] == label]
        names = [owner(items[i]) for i in mine]
        if len(set(names)) == 1:
            names = [re.split(r"[#@]", items[i]["source_path"])[0] for i in mine]
        ranked = sorted(Counter(names).items(), key=lambda kv: (-kv[1], hashlib.sha256(kv[0].encode()).hexdigest()))
        place = {name: f"fold-{n % folds + 1}" for n, (name, _) in enumerate(ranked)}
        for i, name in zip(mine, names, strict=True):
            out[i] = place[name]
    return out


def folds_of(items: list[Item]) -> int:
    """As many folds as there are generators, at most six. Raises ValueError with fewer than two of either label."""
    generators = {owner(item) for item in items if item["label"] == "fake"}
    reals = [item for item in items if item["label"] == "real"]
    sources = {owner(item) for item in reals}
    pictures = len(sources) if len(sources) > 1 else len({item["source_path"] for item in reals})
    if len(generators) < 2 or pictures < 2:
        raise ValueError(
            f"{len(generators)} generators and {len(reals)} real files: two of each are needed, to leave one out"
        )
    return min(FOLDS, len(generators), pictures)


def crops_of(root: Path, items: list[Item], task: str, out: Path) -> tuple[list[Item], Counter[str]]:
    """Cut and store each row's crop; the rows with a crop, and why others have none."""
    finders = Finders(WeightStore(), "cpu", faces=task == "face-manipulation", speech=False)
    kept: list[Item] = []
    left_out: Counter[str] = Counter()
    for item in items:
        try:
            with open_media(root / item["file"]) as opened:
                found = cut(gather(opened, SamplingPlan(max_frames=8), finders, Deadline()), task)
        except DeepfakeDetectError as error:
            left_out[type(error).__name__] += 1
            continue
        if found is None:
            left_out["nothing to cut"] += 1
            continue
        name = hashlib.sha256(item["file"].encode()).hexdigest()[:24] + ".png"
        cv2.imwrite(str(out / name), found[0][..., ::-1])
        kept.append({**item, "file": name, "face_px": f"{found[1]:.0f}"})
    return kept, left_out


def protocol_text(task: str, folds: list[str]) -> str:
    kinds = {label: ", ".join(f'"{kind}"' for kind in names) for label, names in KINDS[task].items()}
    lines = ['packs = ["own"]', "cap = 1000", "fold_cap = 200", f"[{task}]"]
    lines += [f"fake_kinds = [{kinds['fake']}]", f"real_kinds = [{kinds['real']}]"]
    for fold in folds:
        lines += [f"[{task}.folds.{fold}]", "generators = []", "reals = []"]
    return "\n".join(lines) + "\n"


def prepare(root: Path, work: Path, task: str) -> None:
    """Fill WORK, once: what is there already is what the figures were promised on."""
    if (work / "protocol.toml").exists():
        return
    (work / "own").mkdir(parents=True, exist_ok=True)
    items, left_out = crops_of(root, manifest(root, task), task, work / "own")
    dealt = [{**item, "fold": fold} for item, fold in zip(items, deal(items), strict=True)]
    with (work / "own" / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(dealt[0]))
        writer.writeheader()
        writer.writerows(dealt)
    (work / "protocol.toml").write_text(protocol_text(task, sorted({item["fold"] for item in dealt})), encoding="utf-8")
    print(f"{len(dealt)} crops; left out: {dict(left_out)}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--task", choices=TASKS, required=True)
    args = parser.parse_args()
    prepare(args.root, args.work, args.task)
