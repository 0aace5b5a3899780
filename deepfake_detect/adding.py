"""Adding foreign weights to a person's own data folder: read, converted, tried and pinned, before any scan uses them.

No pickle is kept: tensors of a ``.pth`` are read once with ``weights_only=True``, which runs no code of the file, and
written as safetensors.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .checkpoints import (
    ADDED,
    ADDED_MANIFEST,
    ID,
    WeightsEntry,
    WeightStore,
    added_entries,
    added_manifest,
    user_folder,
    version_numbers,
)
from .detect import Registry
from .detect.added.foreign import Foreign, read_foreign
from .detect.added.predictors import build_predictor
from .detect.added.spec import SAMPLE_RATE, AddedSpec, parse_spec
from .errors import UsageError, WeightsError

KIND = "added detector"
SUFFIX = {".safetensors": "safetensors", ".onnx": "onnx", ".json": "json"}
CARD = "card.toml"
RESERVED = frozenset({"scan", "originals", "file", "voice", "picture"})


def add_weights(
    source: Path, *, card: Path | None = None, id_: str | None = None, synthetic: Sequence[str] = (),
    version: str | None = None,
) -> WeightsEntry:  # fmt: skip
    """Add a file or folder of weights as a detector; it abstains until it is calibrated.

    ``card``: a TOML file with the fields of ``AddedSpec``; by default ``card.toml`` in the folder. ``id_``,
    ``synthetic`` (labels) and ``version`` go before what the card says. Raises ``WeightsError`` for what is refused,
    ``UsageError`` for an id that is taken and for a version that is not higher than the one there.
    """
    foreign = _read(source, card)
    given = {"id": id_, "version": version, "synthetic": tuple(synthetic) or None}
    raw = {"version": "1.0.0"} | dict(foreign.known) | {k: v for k, v in given.items() if v is not None}
    spec = parse_spec(raw)
    _check_id(spec)
    _try(spec, foreign.contents)
    return _keep(spec, foreign.contents)


def remove_weights(id_: str) -> None:
    """Take added weights, their card and their calibration away. Raises ``UsageError`` if there are none."""
    entries = added_manifest()
    left = [raw for raw in entries if raw.get("id") != id_]
    if len(left) == len(entries) or not ID.fullmatch(id_):
        raise UsageError(f"no weights named {id_} were added", "See `deepfake-detect weights list`.")
    _write_manifest(left)
    shutil.rmtree(user_folder() / id_, ignore_errors=True)


def pin_calibration(id_: str, text: str) -> Path:
    """Keep a calibration file beside added weights and pin it; returns its path. Raises ``UsageError``."""
    entries, path = added_manifest(), user_folder() / id_ / "calibration.json"
    raw = next((raw for raw in entries if raw.get("id") == id_), None)
    if raw is None:
        raise UsageError(f"no weights named {id_} were added", "Only added weights are calibrated by their user.")
    _write(path, text.encode())
    raw["calibration"] = f"{id_}/calibration.json"
    raw["calibration_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    _write_manifest(entries)
    return path


def _read(source: Path, card: Path | None) -> Foreign:
    """The files and what is known of them: what they say themselves, then the card."""
    if card is None and (source / CARD).is_file():
        card = source / CARD
    raw = _read_card(card) if card else {}
    named = raw.pop("file", None)
    if named is not None and source.is_dir():
        source = _inside(source, str(named))
    foreign = read_foreign(source, str(raw.get("kind", "")))
    return Foreign(foreign.contents, {**foreign.known, **raw})


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise WeightsError(f"the card's file {name[:100]!r} lies outside of its folder", "It is not added.")
    return path


def _read_card(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"the card {path} cannot be read: {error}", "It is a TOML file in UTF-8.") from error


def _check_id(spec: AddedSpec) -> None:
    """Raises ``UsageError`` if the id is that of something else, or its version is not above the one there."""
    before = added_entries()
    taken = {entry.id for entry in WeightStore().entries()} | set(Registry().ids()) | RESERVED
    if spec.id in taken - before.keys():
        raise UsageError(f"the id {spec.id} is taken", "Give another one with --id: shipped ones are never replaced.")
    if spec.id in before and version_numbers(spec.version) <= version_numbers(before[spec.id].version):
        raise UsageError(
            f"{spec.id} {before[spec.id].version} is there: version {spec.version} is not higher",
            "Give a higher one with --version, another id with --id, or remove the old one first.",
        )


def _try(spec: AddedSpec, contents: Mapping[str, bytes]) -> None:
    """Load the network and run it once on noise. Raises ``WeightsError``."""
    rng = np.random.default_rng(0)
    sound = (0.1 * rng.standard_normal(4 * SAMPLE_RATE)).astype(np.float32)
    picture = rng.integers(0, 256, (224, 224, 3), np.uint8)
    predictor, _ = build_predictor(spec, contents, "cpu")
    try:
        predictor([sound if spec.looks_at == "voice" else picture])
    except WeightsError:
        raise
    except Exception as error:  # a foreign network may raise anything
        raise WeightsError(f"{spec.id}: it does not take its input: {error}", "Does the card fit?") from error


def _keep(spec: AddedSpec, contents: Mapping[str, bytes]) -> WeightsEntry:
    """Write the files, then the manifest that pins them; the files of an older version go last."""
    folder = user_folder() / spec.id
    place = folder / spec.version
    files = []
    for name, data in sorted(contents.items()):
        _write(place / name, data)
        digest = hashlib.sha256(data).hexdigest()
        path = f"{spec.id}/{spec.version}/{name}"
        files.append({"path": path, "format": SUFFIX[Path(name).suffix], "bytes": len(data), "sha256": digest})
    raw = {
        "id": spec.id, "version": spec.version, "kind": KIND, "licence": spec.licence,
        "commercial_use": spec.commercial_use, "source": spec.source, "files": files, "spec": spec.as_json(),
    }  # fmt: skip
    _write_manifest([*(entry for entry in added_manifest() if entry.get("id") != spec.id), raw])
    for old in folder.iterdir():
        if old != place:
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    return added_entries()[spec.id]


def _write_manifest(entries: Sequence[Mapping[str, Any]]) -> None:
    text = json.dumps({"schema": 1, "origin": ADDED, "weights": list(entries)}, indent=1)
    _write(user_folder() / ADDED_MANIFEST, text.encode())


def _write(path: Path, data: bytes) -> None:
    """Write whole or not at all. Raises ``WeightsError``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be written: {error}", "Make room, or set XDG_DATA_HOME.") from error
