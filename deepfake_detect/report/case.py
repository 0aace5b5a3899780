"""A case: a folder with a JSON and an HTML document for each file, their pictures, and an index of all.

Documents are named by the SHA-256 of the file, never by the file's name. Each is written whole or not at all.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from ..errors import ReportError
from ..findings import SCHEMA_VERSION, EvidenceImage, Failure, Report
from .html import render_failure, render_index, render_report
from .index import CaseIndex, IndexEntry, combine, index_entry, merge, replaces
from .serialise import from_json, to_json

_MARKER, _ENTRIES = "case.json", "entries.jsonl"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) if hasattr(errno, "EDQUOT") else (errno.ENOSPC, errno.EFBIG)


class CaseWriter:
    """Writes results into a case folder, new or begun earlier. Raises ``ReportError`` when it cannot be written."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Create ``folder`` with mode 0700, or go on with the case in it. A folder that holds anything else is
        refused.
        """
        self.folder = Path(folder)
        with _reported(self.folder):
            self._open()
            self._entries = merge(self._read_entries())

    def add(self, result: Report | Failure) -> Path:
        """Write one result and return the path of its HTML document.

        The same bytes at another path, in a run with the same fingerprint, add that path to the index and write nothing
        else; nor does a failure replace a report.
        """
        entry = index_entry(result, _document_name(result))
        before = self._entries.get(entry.name)
        page = self.folder / "reports" / f"{entry.name}.html"
        with _reported(self.folder):
            if before is None or replaces(entry, before):
                self._write_documents(result, page)
            combined = combine(before, entry)
            if combined != before:
                _append_line(self.folder / _ENTRIES, to_json(entry).encode("ascii"))
        self._entries[entry.name] = combined
        return page

    def finish(self) -> Path:
        """Write ``index.html`` and ``index.json`` over all documents of the case; returns the path of the former."""
        entries = tuple(self._entries.values())
        with _reported(self.folder):
            _write(self.folder / "index.json", (to_json(CaseIndex(entries), indent=2) + "\n").encode("ascii"))
            _write(self.folder / "index.html", render_index(entries).encode("utf-8"))
        return self.folder / "index.html"

    def _open(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker = self.folder / _MARKER
        if marker.exists():
            _check_marker(marker)
        elif any(self.folder.iterdir()):
            raise ReportError(f"{self.folder} holds files that are no case", "Name an empty or new folder with -o.")
        else:
            created = datetime.now(UTC).isoformat(timespec="seconds")
            content = {"format": "deepfake-detect case", "schema": SCHEMA_VERSION, "created": created}
            _write(marker, (json.dumps(content, indent=2) + "\n").encode("ascii"))
        for name in ("reports", "images"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)

    def _read_entries(self) -> list[IndexEntry]:
        path = self.folder / _ENTRIES
        data = path.read_bytes() if path.exists() else b""
        whole, _, torn = data.rpartition(b"\n")
        if torn:  # by a crash; the next line must not be glued to it
            _write(path, whole + b"\n" if whole else b"")
        try:
            return [from_json(IndexEntry, line) for line in whole.split(b"\n") if line]
        except ReportError as error:
            raise ReportError(f"{path} is damaged: {error.message}", "Name an empty or new folder with -o.") from error

    def _write_documents(self, result: Report | Failure, page: Path) -> None:
        index = "../index.html"
        if isinstance(result, Report):
            for image in _images(result):
                self._write_image(image)
            html = render_report(result, index)
        else:
            html = render_failure(result, index)
        _write(page.with_suffix(".json"), (to_json(result, indent=2) + "\n").encode("ascii"))
        _write(page, html.encode("utf-8"))

    def _write_image(self, image: EvidenceImage) -> None:
        if hashlib.sha256(image.data).hexdigest() != image.sha256:
            raise ReportError(
                f"a picture does not have the hash {image.sha256[:64]!r} it is named by",
                "This is a defect: tell its authors.",
            )
        path = self.folder / "images" / f"{image.sha256}.png"
        if not path.exists():
            _write(path, image.data)


def _document_name(result: Report | Failure) -> str:
    sha256 = result.media.sha256 if isinstance(result, Report) else result.sha256
    if sha256 is None:
        path = getattr(result, "path", None) or ""
        return "failure-" + hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ReportError("the report's sha256 is not a SHA-256", "Give a report that this tool wrote, unchanged.")
    return sha256


def _images(report: Report) -> Iterator[EvidenceImage]:
    groups = [finding.evidence for finding in report.findings] + [subject.evidence for subject in report.subjects]
    for evidence in chain.from_iterable(groups):
        if evidence.image is not None and evidence.image.data:
            yield evidence.image


def _check_marker(marker: Path) -> None:
    try:
        content = json.loads(marker.read_bytes())
        major = str(content["schema"]).split(".")[0]
        known = content["format"] == "deepfake-detect case" and major == SCHEMA_VERSION.split(".")[0]
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise ReportError(f"{marker} is not of a case this version can add to", "Name an empty or new folder with -o.")


def _write(path: Path, data: bytes) -> None:
    """Write ``path`` whole or not at all: a temporary file beside it, synchronised, then put in its place."""
    descriptor, temporary = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    _sync_folder(path.parent)


def _append_line(path: Path, line: bytes) -> None:
    """Append ``line`` whole, or leave the file as long as it was."""
    with path.open("ab") as stream:
        length = stream.tell()
        try:
            stream.write(line + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(path, length)
            raise


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system has folders that can be synchronised."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reported(folder: Path) -> Iterator[None]:
    """Turn the system's errors into one that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            hint = "Free space there, or name a folder elsewhere with -o, and run again."
        else:
            hint = "Name a folder with -o in which you may write."
        raise ReportError(f"cannot write the case {folder}: {error.strerror or error}", hint) from error
