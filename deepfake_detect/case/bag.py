"""A case as a BagIt bag, version 1.0 (RFC 8493), with SHA-256 manifests.

The reference tool changes the working directory of its process, so the bag is written here; that tool then checks it
(see the tests). ``custody.jsonl`` is a tag file that the tag manifest does not list, since it holds that manifest.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from ..report.text import safe_text
from .custody import START, Action, CustodyEntry, CustodyLog
from .files import TEMPORARY, write_whole
from .layout import CaseFolder, CaseInfo

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
TAG_MANIFEST, MANIFEST = "tagmanifest-sha256.txt", "manifest-sha256.txt"
_UNLISTED_BY_TAG_MANIFEST = {TAG_MANIFEST, "custody.jsonl"}
_BLOCK = 1 << 20
_CODEC = ("utf-8", "surrogateescape")  # a name that somebody put here may be no UTF-8
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a manifest: its path in the bag with ``/``, and its SHA-256."""

    path: str
    sha256: str


def finalise(folder: CaseFolder, info: CaseInfo, log: CustodyLog) -> None:
    """Write the bag over what the case holds now, and close the log with its tag manifest. Raises ``OSError``."""
    _remove_temporaries(folder.root)
    payload = [*sealed_files(folder.data, folder.root)]
    listed = [Listed(path, file_sha256(folder.root / path)) for path in payload]
    size = sum((folder.root / path).stat().st_size for path in payload)
    write_whole(folder.root / "bagit.txt", DECLARATION)
    write_whole(folder.root / MANIFEST, manifest_bytes(listed))
    write_whole(folder.root / "bag-info.txt", _bag_info(info, log.entries, size, len(payload)))
    tags = [p for p in sealed_files(folder.root, folder.root) if not p.startswith("data/")]
    tag_files = [Listed(p, file_sha256(folder.root / p)) for p in tags if p not in _UNLISTED_BY_TAG_MANIFEST]
    text = manifest_bytes(tag_files)
    write_whole(folder.root / TAG_MANIFEST, text)
    log.append(Action.FINALISED, tag_manifest=text.decode(*_CODEC))


def _remove_temporaries(below: Path) -> None:
    """What a crash left half written."""
    for path in below.rglob(TEMPORARY + "*"):
        path.unlink()


def chain_facts(entries: list[CustodyEntry]) -> Mapping[str, str]:
    """What ``bag-info.txt`` says of the log before it is closed, so that a log cut short no longer fits."""
    head = entries[-1].hash if entries else START
    return {"Custody-Entries": str(len(entries)), "Custody-Head": head}


def _bag_info(info: CaseInfo, entries: list[CustodyEntry], size: int, files: int) -> bytes:
    last = entries[-1] if entries else None
    fields = {
        "Bagging-Date": last.time[:10] if last else "",
        "Bag-Software-Agent": f"deepfake-detect {version('deepfake-detect')}",
        "External-Identifier": info.case_id or "",
        "Source-Organization": (last.organisation if last else None) or "",
        "Payload-Oxum": f"{size}.{files}",
        **chain_facts(entries),
    }
    return "".join(f"{name}: {safe_text(value, 400)}\n" for name, value in fields.items() if value).encode("utf-8")


def sealed_files(below: Path, root: Path) -> Iterator[str]:
    """Every file below, links and special files included, as a path from ``root`` with ``/``, sorted."""
    found = []
    for parent, folders, files in os.walk(below, followlinks=False):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        found += [(Path(parent) / name).relative_to(root).as_posix() for name in (*files, *links)]
    return iter(sorted(found))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file. Raises ``OSError``."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def manifest_bytes(listed: list[Listed]) -> bytes:
    """A manifest; line ends and percent signs in names are written as RFC 8493, section 2.1.3, has it."""
    return "".join(f"{item.sha256}  {_encoded(item.path)}\n" for item in listed).encode(*_CODEC)


def parse_manifest(data: bytes) -> list[Listed]:
    """The files of a manifest. Raises ``ValueError`` on a line, or a path, that ``manifest_bytes`` never writes."""
    listed = []
    for line in data.decode(*_CODEC).split("\n")[:-1]:
        match = _LINE.fullmatch(line)
        if not match:
            raise ValueError(f"not a line of a manifest: {safe_text(line, 80)}")
        path = match[2].replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError(f"a path that leaves the bag: {safe_text(path, 80)}")
        listed.append(Listed(path, match[1]))
    if manifest_bytes(listed) != data or len({item.path for item in listed}) != len(listed):
        raise ValueError("not in the form in which it was written")
    return listed


def _encoded(path: str) -> str:
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
