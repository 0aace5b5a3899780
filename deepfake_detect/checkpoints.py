"""Weights: where they are, whether they are the ones the manifest pins, and how they are loaded.

Every file is hashed before it is used, and the bytes that were hashed are the bytes that are loaded. Only safetensors
and ONNX are loaded; the two foreign packages whose files are read in place are pinned in the same manifest. What a
person added has a manifest of its own, in their data folder (see ``adding``).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import WeightsError, WeightsMissingError
from .findings import WeightRecord

WEIGHTS_VARIABLE = "DEEPFAKE_DETECT_WEIGHTS"
FORMATS = ("safetensors", "onnx", "facenet-pytorch")
ADDED_FORMATS = ("safetensors", "onnx", "json")
SHIPPED, ADDED = "shipped", "added by the user"
ADDED_MANIFEST = "added.json"
BROKEN = "Move the file away and add the weights again, or scan with --no-plugins."
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


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
    """One set of weights as a manifest pins it.

    ``spec``: JSON text, only of what a person added: how its network is built and fed. ``calibration_sha256``: of the
    calibration file, where the manifest pins it. ``optional``: only of use with an extra, so it may be absent.
    """

    id: str
    version: str
    kind: str
    licence: str
    commercial_use: bool
    source: str
    files: tuple[WeightsFile, ...]
    card: str | None = None
    calibration: str | None = None
    origin: str = SHIPPED
    spec: str | None = None
    calibration_sha256: str | None = None
    optional: bool = False

    @property
    def sha256(self) -> str:
        """One hash for the set: that of its only file, or SHA-256 over the sorted hashes of files and ``spec``."""
        hashes = [f.sha256 for f in self.files]
        if self.spec is not None:
            hashes.append(hashlib.sha256(self.spec.encode()).hexdigest())
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(f.bytes for f in self.files)


def _parse_file(raw: Mapping[str, Any], id_: str, formats: tuple[str, ...]) -> WeightsFile:
    path = PurePosixPath(raw["path"])
    if path.is_absolute() or ".." in path.parts or "\\" in str(path) or ":" in str(path):
        raise WeightsError(
            f"weights {id_}: path {path} leaves its folder", "Paths in a manifest are relative and stay inside."
        )
    if raw["format"] not in formats:
        raise WeightsError(f"weights {id_}: format {raw['format']} is refused", f"Accepted: {', '.join(formats)}.")
    return WeightsFile(path, raw["sha256"], int(raw["bytes"]), raw["format"], raw.get("package"))


def _parse_entry(raw: Mapping[str, Any], origin: str) -> WeightsEntry:
    added = origin == ADDED
    entry = WeightsEntry(
        id=raw["id"], version=raw["version"], kind=raw["kind"], licence=raw["licence"],
        commercial_use=raw["commercial_use"], source=raw["source"], card=raw.get("card"),
        calibration=raw.get("calibration"), origin=origin,
        files=tuple(_parse_file(f, raw["id"], ADDED_FORMATS if added else FORMATS) for f in raw["files"]),
        spec=raw["spec"] if added else None, calibration_sha256=raw.get("calibration_sha256"),
        optional=not added and bool(raw.get("optional")),
    )  # fmt: skip
    paths = [*(f.path for f in entry.files), *([PurePosixPath(entry.calibration)] if entry.calibration else [])]
    if added and not (
        ID.fullmatch(entry.id)
        and all(path.parts[:1] == (entry.id,) and ".." not in path.parts for path in paths)
        and not any(f.package for f in entry.files)
        and (entry.calibration is None) == (entry.calibration_sha256 is None)
    ):
        raise WeightsError(f"weights {entry.id}: a file that was added lies in the folder of its id, and is pinned")
    return entry


def _parse_entries(raws: Sequence[Mapping[str, Any]], origin: str) -> dict[str, WeightsEntry]:
    entries: dict[str, WeightsEntry] = {}
    for raw in raws:
        entry = _parse_entry(raw, origin)
        if entry.id in entries:
            raise WeightsError(f"weights {entry.id} stand twice in the manifest")
        entries[entry.id] = entry
    return entries


def parse_manifest(text: str) -> dict[str, WeightsEntry]:
    """Read the shipped manifest. Raises ``WeightsError`` on a missing field, a refused format, a path outside or an id
    that stands twice.
    """
    try:
        return _parse_entries(tomllib.loads(text).get("weights", []), SHIPPED)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"the weights manifest cannot be read: {error!r}", "Restore weights/manifest.toml."
        ) from error


def version_numbers(version: str) -> tuple[int, ...]:
    """A version such as 1.10.2 as numbers, to be compared."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def added_manifest(folder: Path | None = None) -> list[dict[str, Any]]:
    """The raw entries of the manifest of what a person added to ``folder``, none if there is no such file, or if it is
    in a folder that this process may not enter.

    Raises ``WeightsError`` if it cannot be read.
    """
    path = (folder or user_folder()) / ADDED_MANIFEST
    try:
        return list(json.loads(path.read_bytes())["weights"])
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} cannot be read: {error!r}", BROKEN) from error


def added_entries(folder: Path | None = None) -> dict[str, WeightsEntry]:
    """What a person added to ``folder`` (their data folder), by id. Raises ``WeightsError``."""
    path = (folder or user_folder()) / ADDED_MANIFEST
    try:
        return _parse_entries(added_manifest(folder), ADDED)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read: {error!r}", BROKEN) from error


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
        self._shipped = parse_manifest((package / "manifest.toml").read_text(encoding="utf-8"))

    def entries(self) -> tuple[WeightsEntry, ...]:
        """All pinned weights: the shipped ones, then what was added."""
        return (*self._shipped.values(), *self._added().values())

    def entry(self, id_: str) -> WeightsEntry:
        """One set by id. Raises ``WeightsMissingError`` if no manifest knows it."""
        found = self._shipped.get(id_) or self._added().get(id_)
        if found is None:
            raise WeightsMissingError(f"no weights named {id_} in a manifest", "See `deepfake-detect weights list`.")
        return found

    def _added(self) -> dict[str, WeightsEntry]:
        """What a person added; read anew each time, since it may grow. Never in the place of shipped weights."""
        added = added_entries()
        for id_ in added.keys() & self._shipped.keys():
            raise WeightsError(
                f"weights {id_} were added under the id of shipped ones",
                f"Remove them: deepfake-detect weights remove {id_}",
            )
        return added

    def record(self, id_: str) -> WeightRecord:
        """What the report says of these weights."""
        entry = self.entry(id_)
        return WeightRecord(entry.id, entry.version, entry.sha256, entry.origin)

    def locate(self, entry: WeightsEntry, file: WeightsFile) -> Path:
        """The first place in the search order that has the file. Raises ``WeightsMissingError``."""
        if entry.origin == ADDED:
            candidates = [user_folder() / file.path]
        elif file.package is not None:
            folder = _package_folder(file.package)
            candidates = [folder / file.path] if folder else []
        else:
            candidates = [folder / file.path for folder in self._folders]
        for candidate in candidates:
            if candidate.is_file():
                return candidate
        raise WeightsMissingError(
            f"weights {entry.id}: {file.path} is missing",
            f"Add it again: deepfake-detect weights add ... --id {entry.id}" if entry.origin == ADDED
            else "Reinstall the package, or set DEEPFAKE_DETECT_WEIGHTS to the folder that holds it.",
        )  # fmt: skip

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

    def calibration(self, entry: WeightsEntry) -> str | None:
        """The calibration file of a set, or None if it has none. Raises ``WeightsError`` if it is missing, or is not
        the one that a manifest pins.
        """
        if entry.calibration is None or entry.origin != ADDED:
            return None if entry.calibration is None else self.text(entry.calibration)
        path = user_folder() / PurePosixPath(entry.calibration)
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != entry.calibration_sha256:
            raise WeightsError(
                f"weights {entry.id}: {path} is not the calibration that the manifest pins",
                f"Do not use it. Make it again: deepfake-detect calibrate {entry.id} --data FOLDER",
            )
        return data.decode("utf-8")

    def verify(self) -> Iterator[FileState]:
        """Look at every pinned file, loading none; those of an extra only if its package is there."""
        for entry in self.entries():
            for file in entry.files:
                if entry.optional and file.package and _package_folder(file.package) is None:
                    continue
                yield FileState(entry, file, self._state(entry, file))

    def _state(self, entry: WeightsEntry, file: WeightsFile) -> str:
        try:
            self.read(entry, file)
        except WeightsMissingError:
            return "missing"
        except WeightsError:
            return "changed"
        return "ok"
