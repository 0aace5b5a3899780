"""Whether a finalised case is what it was: log, manifests and every file."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..errors import ReportError
from .bag import TAG_MANIFEST, Listed, chain_facts, file_sha256, parse_manifest, sealed_files
from .custody import Action, CustodyEntry, read_chain
from .layout import CaseFolder

UNSIGNED = (
    "unsigned: shows accident, not intent. Whoever changes the case on purpose can also compute its hashes and its log "
    "anew; keep a copy of the last custody hash elsewhere."
)


class ProblemKind(StrEnum):
    """What is wrong."""

    LOG = "log"
    OPEN = "open"
    CHANGED = "changed"
    MISSING = "missing"
    UNLISTED = "unlisted"
    EVIDENCE = "evidence"
    WEIGHTS = "weights"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong, with what: a path in the case, a SHA-256, an id of weights."""

    kind: ProblemKind
    what: str
    detail: str


def check_seal(places: CaseFolder) -> None:
    """Raise ``ReportError`` if a finalised case was changed since. Raises ``OSError``."""
    problem = next(seal_problems(places), None)
    if problem is not None:
        raise ReportError(
            f"the case {places.root} was changed since it was finalised: {problem.what}: {problem.detail}",
            "Nothing was added. `deepfake-detect verify` lists every change.",
        )


def seal_problems(places: CaseFolder) -> Iterator[Problem]:
    """Everything wrong with log, manifests and files. Raises ``OSError``."""
    if not places.custody.is_file() or places.custody.is_symlink():
        yield Problem(ProblemKind.MISSING, places.custody.name, "the case has no custody log")
        return
    entries, faults = read_chain(places.custody)
    yield from (Problem(ProblemKind.LOG, places.custody.name, fault) for fault in faults)
    if not entries or entries[-1].action is not Action.FINALISED:
        if not faults:
            yield Problem(ProblemKind.OPEN, ".", "the case was not finalised, so its files are checked in part only")
        yield from _document_problems(places, entries)
        return
    text = str(entries[-1].details.get("tag_manifest", ""))
    yield from _tag_problems(places, text, entries)
    yield from _payload_problems(places)


def _document_problems(places: CaseFolder, entries: list[CustodyEntry]) -> Iterator[Problem]:
    """An open case has no manifest yet, but the log holds the hash of each JSON document as it was last written."""
    documents = {str(e.details["name"]): e.details["document"] for e in entries if e.details.get("document")}
    listed = [Listed(f"data/reports/{name}.json", str(sha256)) for name, sha256 in documents.items()]
    yield from _file_problems(places.root, listed)


def _tag_problems(places: CaseFolder, text: str, entries: list[CustodyEntry]) -> Iterator[Problem]:
    """The tag manifest against the exact bytes in the log, the tag files against it, and the log against the bag."""
    data = text.encode("utf-8", "surrogateescape")
    manifest = places.root / TAG_MANIFEST
    if not manifest.is_file() or manifest.is_symlink():
        yield Problem(ProblemKind.MISSING, TAG_MANIFEST, "the tag manifest is gone")
    elif manifest.read_bytes() != data:
        yield Problem(ProblemKind.CHANGED, TAG_MANIFEST, "not the bytes that the custody log holds")
    try:
        listed = parse_manifest(data)
    except ValueError as error:
        yield Problem(ProblemKind.LOG, places.custody.name, f"it holds no tag manifest: {error}")
        return
    yield from _file_problems(places.root, listed)
    known = {item.path for item in listed} | {TAG_MANIFEST, places.custody.name}
    there = (path for path in sealed_files(places.root, places.root) if not path.startswith("data/"))
    yield from _unlisted(there, known)
    info = places.root / "bag-info.txt"
    said = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    for name, value in chain_facts(entries[:-1]).items():
        if f"{name}: {value}" not in said:
            yield Problem(ProblemKind.LOG, places.custody.name, f"not the log that the bag was closed with ({name})")


def _payload_problems(places: CaseFolder) -> Iterator[Problem]:
    manifest = places.root / "manifest-sha256.txt"
    if not manifest.is_file():  # already told: the tag manifest lists it
        return
    try:
        listed = parse_manifest(manifest.read_bytes())
    except ValueError as error:
        yield Problem(ProblemKind.CHANGED, manifest.name, str(error))
        return
    yield from _file_problems(places.root, listed)
    there = (path for path in sealed_files(places.root, places.root) if path.startswith("data/"))
    yield from _unlisted(there, {item.path for item in listed})


def _file_problems(root: Path, listed: list[Listed]) -> Iterator[Problem]:
    for item in listed:
        path = root / item.path
        if not path.exists() and not path.is_symlink():
            yield Problem(ProblemKind.MISSING, item.path, "listed, but not there")
        elif not stat.S_ISREG(path.lstat().st_mode):
            yield Problem(ProblemKind.CHANGED, item.path, "a link or special file stands in its place")
        elif (found := file_sha256(path)) != item.sha256:
            yield Problem(ProblemKind.CHANGED, item.path, f"SHA-256 {found}, listed {item.sha256}")


def _unlisted(there: Iterator[str], known: set[str]) -> Iterator[Problem]:
    yield from (Problem(ProblemKind.UNLISTED, path, "nobody lists this file") for path in there if path not in known)
