"""Weights: where they are, whether they are the ones the manifest pins, and how they are loaded.

Every file is hashed before it is used, and the bytes that were hashed are the bytes that are loaded. Only safetensors
and ONNX are loaded; the two foreign packages whose files are read in place are pinned in the same manifest.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import WeightsError, WeightsMissingError
from .findings import WeightRecord

WEIGHTS_VARIABLE = "DEEPFAKE_DETECT_WEIGHTS"
FORMATS = ("safetensors", "onnx", "facenet-pytorch")


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One pinned file. ``package`` names the installed package that carries it, if not this one."""

    path: PurePosixPath
    sha256: str
    bytes: int
    format: str
    package: str | None = None


@dataclass(frozen=True, slots=True)
class WeightsEntry:
    """One set of weights as ``manifest.toml`` pins it."""

    id: str
    version: str
    kind: str
    licence: str
    commercial_use: bool
    source: str
    files: tuple[WeightsFile, ...]
    card: str | None = None
    calibration: str | None = None
    origin: str = "shipped"

    @property
    def sha256(self) -> str:
        """One hash for the set: that of its only file, or SHA-256 over the sorted file hashes."""
        if len(self.files) == 1:
            return self.files[0].sha256
        return hashlib.sha256("\n".join(sorted(f.sha256 for f in self.files)).encode()).hexdigest()

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(f.bytes for f in self.files)


def _parse_file(raw: Mapping[str, Any], id_: str) -> WeightsFile:
    path = PurePosixPath(raw["path"])
    if path.is_absolute() or ".." in path.parts or "\\" in str(path) or ":" in str(path):
        raise WeightsError(
            f"weights {id_}: path {path} leaves its folder", "Paths in a manifest are relative and stay inside."
        )
    if raw["format"] not in FORMATS:
        raise WeightsError(f"weights {id_}: format {raw['format']} is refused", f"Accepted: {', '.join(FORMATS)}.")
    return WeightsFile(path, raw["sha256"], int(raw["bytes"]), raw["format"], raw.get("package"))


def parse_manifest(text: str, origin: str = "shipped") -> dict[str, WeightsEntry]:
    """Read a manifest. Raises ``WeightsError`` on a missing field, a refused format, a path outside or an id that
    stands twice.
    """
    entries: dict[str, WeightsEntry] = {}
    try:
        for raw in tomllib.loads(text).get("weights", []):
            entry = WeightsEntry(
                id=raw["id"], version=raw["version"], kind=raw["kind"], licence=raw["licence"],
                commercial_use=raw["commercial_use"], source=raw["source"], card=raw.get("card"),
                calibration=raw.get("calibration"), origin=origin,
                files=tuple(_parse_file(f, raw["id"]) for f in raw["files"]),
            )  # fmt: skip
            if entry.id in entries:
                raise WeightsError(f"weights {entry.id} stand twice in the manifest")
            entries[entry.id] = entry
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise WeightsError(
            f"the weights manifest cannot be read: {error!r}", "Restore weights/manifest.toml."
        ) from error
    return entries


def _package_folder(name: str) -> Path | None:
    """Where an installed package lies, without importing it."""
    spec = find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def user_folder() -> Path:
    """The folder for weights that people add themselves."""
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "deepfake-detect" / "weights"


@dataclass(frozen=True, slots=True)
class FileState:
    """What ``verify`` found for one file: ``ok``, ``missing`` or ``changed``."""

    entry: WeightsEntry
    file: WeightsFile
    state: str


class WeightStore:
    """Finds, verifies and reads weights.

    ``folder``: looked at first; then ``$DEEPFAKE_DETECT_WEIGHTS``, the installed package, the user's folder.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        package = Path(str(files("deepfake_detect.weights")))
        explicit = [Path(p) for p in (folder, os.environ.get(WEIGHTS_VARIABLE)) if p]
        self._folders = (*explicit, package, user_folder())
        self._package = package
        self._entries = parse_manifest((package / "manifest.toml").read_text(encoding="utf-8"))

    def entries(self) -> tuple[WeightsEntry, ...]:
        """All pinned weights."""
        return tuple(self._entries.values())

    def entry(self, id_: str) -> WeightsEntry:
        """One set by id. Raises ``WeightsMissingError`` if the manifest does not know it."""
        try:
            return self._entries[id_]
        except KeyError:
            raise WeightsMissingError(
                f"no weights named {id_} in the manifest", "See `deepfake-detect weights list`."
            ) from None

    def record(self, id_: str) -> WeightRecord:
        """What the report says of these weights."""
        entry = self.entry(id_)
        return WeightRecord(entry.id, entry.version, entry.sha256, entry.origin)

    def locate(self, entry: WeightsEntry, file: WeightsFile) -> Path:
        """The first place in the search order that has the file. Raises ``WeightsMissingError``."""
        if file.package is not None:
            folder = _package_folder(file.package)
            candidates = [folder / file.path] if folder else []
        else:
            candidates = [folder / file.path for folder in self._folders]
        for candidate in candidates:
            if candidate.is_file():
                return candidate
        raise WeightsMissingError(
            f"weights {entry.id}: {file.path} is missing",
            "Reinstall the package, or set DEEPFAKE_DETECT_WEIGHTS to the folder that holds it.",
        )

    def read(self, entry: WeightsEntry, file: WeightsFile) -> bytes:
        """The bytes of a file, verified against the manifest.

        Raises ``WeightsError`` naming the file if they differ.
        """
        path = self.locate(entry, file)
        data = path.read_bytes()
        if len(data) != file.bytes or hashlib.sha256(data).hexdigest() != file.sha256:
            raise WeightsError(
                f"weights {entry.id}: {path} is not the file that the manifest pins (SHA-256 differs)",
                "Do not use it. Reinstall the package, and find out who changed it.",
            )
        return data

    def read_all(self, id_: str) -> dict[str, bytes]:
        """All files of a set by file name, each verified."""
        entry = self.entry(id_)
        return {f.path.name: self.read(entry, f) for f in entry.files}

    def text(self, name: str) -> str:
        """A text that belongs to the weights (a card, a calibration file). Raises ``WeightsMissingError``."""
        path = self._package / PurePosixPath(name)
        if not path.is_file():
            raise WeightsMissingError(f"{name} is missing from the package", "Reinstall the package.")
        return path.read_text(encoding="utf-8")

    def verify(self) -> Iterator[FileState]:
        """Look at every pinned file, loading none."""
        for entry in self.entries():
            for file in entry.files:
                yield FileState(entry, file, self._state(entry, file))

    def _state(self, entry: WeightsEntry, file: WeightsFile) -> str:
        try:
            self.read(entry, file)
        except WeightsMissingError:
            return "missing"
        except WeightsError:
            return "changed"
        return "ok"
