"""What the tool that exported files says of them (``--manifest``): original path, times, state, MD5.

Column names were read in the sources of Autopsy (the ``FileReportDataTypes`` of its report "Files - Text", and
``AbstractAbstractFileNode`` for a table saved as CSV) and IPED (``ExportCSVTask.CsvColNames``, English). Neither those
of Cellebrite's tables nor a document on them was to be had: its files are read where their headers are among the plain
names below, which are guesses. All of it is what somebody else says, kept as it stands and shown as text.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from .errors import UsageError
from .findings import DriveRecord

MAX_BYTES = 2 * 2**30
MAX_CELL = 4096  # characters kept of one cell
MAX_TITLE = 5  # lines in which the header is looked for: tables that were exported from a workbook begin with a title
MAX_ROWS_SHOWN = 16  # of one file: a picture may lie on a drive a thousand times

# Header, in lower case without brackets, dashes and underscores, to field.
_FIELDS = {
    "exported path": "exported", "exported file": "exported", "export path": "exported", "link": "exported",
    "original path": "original_path", "full path": "original_path", "path": "original_path",
    "file path": "original_path", "location": "original_path",
    "created": "created", "created time": "created", "file created": "created", "created date": "created",
    "creation time": "created", "modified": "modified", "modified time": "modified", "last modified": "modified",
    "modified date": "modified", "accessed": "accessed", "access time": "accessed", "last accessed": "accessed",
    "accessed date": "accessed", "changed": "changed", "change time": "changed", "changed time": "changed",
    "md5": "listed_md5", "md5 hash": "listed_md5", "hash value": "listed_md5",
    "deleted": "deleted", "is deleted": "deleted", "carved": "carved", "state": "state", "status": "state",
    "allocation": "state", "flags dir": "state", "flags meta": "state",
}  # fmt: skip
_TOOLS = (
    ("Autopsy file list", {"name", "location", "md5 hash"}),
    ("Autopsy report", {"full path", "hash value", "is deleted"}),
    ("IPED", {"link", "carved", "trackid"}),
)
_YES = {"true", "yes", "y", "1", "deleted", "carved"}
_LINK = re.compile(r'=?\s*HYPERLINK\(\s*"+([^"]*)"+', re.IGNORECASE)
_MD5 = re.compile(r"[0-9a-f]{32}\Z")


class DriveManifest:
    """The rows of a manifest, found by the path of the exported file or by the MD5 of its bytes.

    Raises ``UsageError`` for a file that cannot be read or has no column to join on. ``rows``: how many it has.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._folder = Path(os.path.abspath(path)).parent  # noqa: PTH100  as typed; no link is resolved
        self._by_path: dict[str, list[DriveRecord]] = defaultdict(list)
        self._by_md5: dict[str, list[DriveRecord]] = defaultdict(list)
        self.rows = 0
        data = _read(Path(path))
        self.sha256 = hashlib.sha256(data).hexdigest()
        try:
            self._fill(data)
        except csv.Error as error:
            raise UsageError(f"--manifest {path}: {error}", "Export it again as CSV in UTF-8.") from error

    def find(self, path: str | None, md5: str | None) -> tuple[DriveRecord, ...]:
        """What the manifest says of a file, by its path first; at most ``MAX_ROWS_SHOWN`` rows."""
        rows = self._by_path.get(_key(Path(os.path.abspath(path)))) if path is not None else None  # noqa: PTH100
        rows = rows or (self._by_md5.get(md5) if md5 is not None else None) or []
        return tuple(_compared(row, md5) for row in rows[:MAX_ROWS_SHOWN])

    def _fill(self, data: bytes) -> None:
        rows = _rows(_text(data))
        names, fields = _header(rows)
        tool = next((tool for tool, signs in _TOOLS if signs <= set(names)), "plain columns")
        for row in rows:
            if any(row):
                self.rows += 1
                self._add(tool, _values(fields, row), dict(zip(names, row, strict=False)))

    def _add(self, tool: str, values: Mapping[str, str], named: Mapping[str, str]) -> None:
        original = values.get("original_path")
        if tool == "Autopsy file list" and original and not original.endswith(named.get("name", "")):
            original = f"{original.rstrip('/')}/{named['name']}"[:MAX_CELL]
        md5 = values.get("listed_md5", "").lower()
        record = DriveRecord(
            tool, self.sha256, original, values.get("created"), values.get("modified"), values.get("accessed"),
            values.get("changed"), _state(values, original or ""), md5 or None,
        )  # fmt: skip
        for key in self._keys(values):
            self._by_path[key].append(record)
        if _MD5.match(md5):
            self._by_md5[md5].append(record)

    def _keys(self, values: Mapping[str, str]) -> Iterator[str]:
        """Where the exported file lies: as the manifest has it, relative to the manifest's own folder."""
        exported = values.get("exported") or values.get("original_path")
        if exported:
            link = _LINK.match(exported)
            yield _key(self._folder / (link[1] if link else exported).replace("\\", "/"))


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"--manifest {path} is larger than 2 GiB", "Export the columns that are needed.")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"--manifest {path} cannot be read: {error.strerror}", "Name a CSV file.") from error


def _text(data: bytes) -> str:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return data.decode("utf-16" if wide else "utf-8-sig", "replace").replace("\0", "")


def _header(rows: Iterator[list[str]]) -> tuple[list[str], list[str | None]]:
    """The names of the columns, and the field of each. Raises ``UsageError`` if none of them can be joined on."""
    for row in islice(rows, MAX_TITLE):
        names = [_plain(name) for name in row]
        if _joins(names):
            return names, [_FIELDS.get(name) for name in names]
    raise UsageError(
        "the manifest has no column for a path or an MD5",
        "Name them in its first line: Exported Path, Original Path, MD5.",
    )


def _joins(names: Iterable[str]) -> bool:
    """Whether a file can be found by one of these columns."""
    return not {"exported", "listed_md5", "original_path"}.isdisjoint(map(_FIELDS.get, names))


def _rows(text: str) -> Iterator[list[str]]:
    """Rows, separated by whichever of comma, semicolon and tab the header has most of."""
    lines = text.split("\n", MAX_TITLE)[:MAX_TITLE]
    header = next((line for line in lines if _joins(map(_plain, re.split("[,;\t]", line)))), lines[0])
    delimiter = max(",;\t", key=header.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[^\w]|_", " ", name).lower().split())


def _values(fields: Sequence[str | None], row: Sequence[str]) -> dict[str, str]:
    """The first filled cell of each field; two columns that say the same thing (flags) are joined."""
    values: dict[str, str] = {}
    for field, cell in zip(fields, row, strict=False):
        text = cell.strip()[:MAX_CELL]
        if field == "state" and field in values:
            values[field] += f" {text}"
        elif field is not None and text:
            values.setdefault(field, text)
    return values


def _state(values: Mapping[str, str], original: str) -> str | None:
    said = values.get("state", "").lower()
    if values.get("carved", "").lower() in _YES or "carved" in said or "/$CarvedFiles/" in original:
        return "carved"
    if values.get("deleted", "").lower() in _YES or "deleted" in said or "unalloc" in said:
        return "deleted"
    return "allocated" if "alloc" in said or "deleted" in values or "carved" in values else None


def _key(path: Path) -> str:
    return os.path.normcase(os.path.normpath(path))


def _compared(row: DriveRecord, md5: str | None) -> DriveRecord:
    if row.listed_md5 is None or md5 is None:
        return row
    return replace(row, md5_agrees=row.listed_md5 == md5)
