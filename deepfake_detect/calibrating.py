"""Calibrating added weights on files whose origin a person knows: one scored sample for each file, curves, error rates.

What comes out is marked experimental: the files were chosen by who calibrates, and nobody else has seen them.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .adding import pin_calibration
from .checkpoints import ADDED, WeightStore
from .deadline import Deadline
from .detect import Detector, Refusal, Registry, Score
from .detect.sound_quality import NARROW_DB
from .errors import IngestError, UnreadableError, UsageError
from .fuse.calibrate import Range
from .fuse.fit import FOLDS, Fitted, Row, as_json, fit
from .gather import Finders, gather
from .ingest import find_files, identify
from .ingest.isolate import Isolation
from .media import FaceTrack, JsonValue, SpeechWindow
from .options import ScanOptions

SIDES = {"real": False, "synthetic": True}
MANIFEST = "manifest.csv"
MANIFEST_LABELS = {"real": False, "fake": True}
LAYOUT = "Give a folder with real/ and synthetic/, or with a manifest.csv of datasets/ (columns file and label)."
REASON = (
    "calibrated by its user, on {real} real and {synthetic} synthetic files of their own choice; not measured on files"
    " that its authors and its user had no hand in"
)
WIDE, LARGE, SHARP = NARROW_DB, 100.0, 2.0
SPLITS: Mapping[str, Mapping[str, Mapping[str, Range]]] = {
    "voice": {"narrow band": {"high_band_db": (None, WIDE)}, "wide band": {"high_band_db": (WIDE, None)}},
    "face": {
        "faces of 100 pixels and more": {"face_px": (LARGE, None)},
        "faces under 100 pixels": {"face_px": (None, LARGE)},
    },
    "picture": {"crisp": {"detail": (SHARP, None)}, "soft": {"detail": (None, SHARP)}},
}
SPLITS = {**SPLITS, "pieces": SPLITS["picture"]}


@dataclass(frozen=True, slots=True)
class Known:
    """A file of known origin. ``group``: what it is related to, so that related files are left out together."""

    path: Path
    synthetic: bool
    group: str


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What a calibration came to. ``left_out``: files without a usable score, by reason, with their number."""

    path: Path
    fitted: Fitted
    left_out: Mapping[str, int]


def calibrate(
    id_: str, data: Path, *, device: str = "cpu", progress: Callable[[int, int], None] = lambda done, all_: None
) -> Calibrated:
    """Score the files of ``data`` with added weights, fit, and keep the calibration beside the weights.

    ``progress`` is told files done and files in all. Raises ``UsageError`` for a detector that is not an added one, for
    a folder without labels, and for too few files; ``WeightsError`` if the weights do not load.
    """
    (registered,) = Registry().select((id_,))
    if registered.origin != ADDED:
        raise UsageError(f"{id_} is no added detector", "Shipped ones bring a calibration; plug-ins bring their own.")
    files, store, detector = known_files(data), WeightStore(), registered.create()
    entry, left_out = store.entry(id_), Counter[str]()
    detector.load(store, device)
    rows = list(_rows(detector, files, store, left_out, progress))
    spec = json.loads(entry.spec or "{}")
    fitted = fit(rows, SPLITS[spec["looks_at"]])
    counts = {name: sum(row.synthetic is side for row in rows) for name, side in SIDES.items()}
    facts: dict[str, JsonValue] = {
        "command": f"deepfake-detect calibrate {id_} --data FOLDER",
        "files": counts,
        "data_sha256": _data_hash(rows),
    }
    weights = {"id": id_, "sha256": entry.sha256}
    text = json.dumps(as_json(fitted, id_, weights, REASON.format(**counts), facts), indent=1)
    return Calibrated(pin_calibration(id_, text + "\n"), fitted, left_out)


def known_files(data: Path) -> tuple[Known, ...]:
    """The labelled files of a folder. Raises ``UsageError`` if it has no labels."""
    if (data / MANIFEST).is_file():
        return _grouped(_of_manifest(data))
    if not all((data / side).is_dir() for side in SIDES):
        raise UsageError(f"{data} holds neither real/ and synthetic/ nor {MANIFEST}", LAYOUT)
    return _grouped(known for side, synthetic in SIDES.items() for known in _of_folder(data / side, synthetic))


def _of_folder(side: Path, synthetic: bool) -> Iterator[Known]:
    """The files below ``side``; those of one folder in it are related."""
    for path in find_files([side]):
        if isinstance(path, Path):
            yield Known(path, synthetic, f"{side.name}/{path.relative_to(side).parts[0]}")


def _of_manifest(data: Path) -> Iterator[Known]:
    """The rows of a manifest as `datasets/` writes it. Raises ``UsageError`` for one without the columns."""
    with (data / MANIFEST).open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        if not {"file", "label"} <= set(reader.fieldnames or ()):
            raise UsageError(f"{data / MANIFEST} has no columns file and label", LAYOUT)
        for row in reader:
            if row["label"] not in MANIFEST_LABELS:
                raise UsageError(f"{data / MANIFEST}: the label {row['label'][:40]!r} is not real or fake", LAYOUT)
            yield Known(data / row["file"], MANIFEST_LABELS[row["label"]], row.get("source_path") or row["file"])


def _grouped(files: Iterable[Known]) -> tuple[Known, ...]:
    """Files by their groups, or each alone where a label has too few of these to leave some out."""
    known = tuple(files)
    few = {side for side in SIDES.values() if len({k.group for k in known if k.synthetic is side}) < FOLDS}
    return tuple(replace(k, group=str(k.path)) if k.synthetic in few else k for k in known)


def _rows(
    detector: Detector[Any], files: Sequence[Known], store: WeightStore, left_out: Counter[str],
    progress: Callable[[int, int], None],
) -> Iterator[Row]:  # fmt: skip
    """One row for each file that gives a score; the same bytes count once. Raises ``UsageError``."""
    options, consumes = ScanOptions(), detector.card.consumes
    finders = Finders(store, "cpu", consumes is FaceTrack, consumes is SpeechWindow)
    labels: dict[str, bool] = {}
    with Isolation(options.limits) as isolation:
        for index, known in enumerate(files):
            progress(index, len(files))
            try:
                identity = identify(known.path)
                if _seen(labels, identity.sha256, known):
                    left_out["the same bytes again"] += 1
                    continue
                with isolation.open_media(known.path, identity, options.limits) as opened:
                    samples = gather(opened, options.plan, finders, Deadline()).samples.get(consumes, ())
            except (UnreadableError, IngestError):
                left_out["could not be read"] += 1
                continue
            yield from _row(detector, known, samples, left_out)


def _seen(labels: dict[str, bool], sha256: str, known: Known) -> bool:
    """Whether these bytes came before. Raises ``UsageError`` if they did so with the other label."""
    if sha256 not in labels:
        labels[sha256] = known.synthetic
        return False
    if labels[sha256] != known.synthetic:
        raise UsageError(f"{known.path} stands among the real and among the synthetic files", "It can be only one.")
    return True


def _row(detector: Detector[Any], known: Known, samples: Sequence[Any], left_out: Counter[str]) -> Iterator[Row]:
    """The middle sample of a file: windows of one recording are not independent, and count as one."""
    if not samples:
        left_out["nothing in it to look at"] += 1
    elif len(samples) > 1 and isinstance(samples[0], FaceTrack):
        left_out["more than one person: whose face was changed is not known"] += 1
    else:
        (outcome,) = detector.score([samples[len(samples) // 2]])
        if isinstance(outcome, Score):
            yield Row(outcome.value, known.synthetic, outcome.quantities, known.group)
        else:
            left_out[outcome.detail if isinstance(outcome, Refusal) else "no score"] += 1


def _data_hash(rows: Sequence[Row]) -> str:
    """One hash of all labelled scores, so that two calibrations can be told apart."""
    lines = sorted(f"{row.group} {row.synthetic} {row.score!r}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
