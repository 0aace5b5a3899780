"""Reading a case: its results with what people added to them. Nothing is written."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from ..errors import ReportError
from ..findings import CaseRecord, DriveRecord, Evidence, Failure, Note, Report
from ..report.index import IndexEntry, merge
from ..report.serialise import from_json, result_from_json
from .custody import CustodyEntry, read_chain, says_minor
from .evidence import EvidenceRecord
from .files import whole_lines
from .layout import CaseFolder, CaseInfo, is_sha256
from .notes import read_notes, read_tags
from .private import without_pictures

T = TypeVar("T")


class CaseReader:
    """A case, open or finalised. Raises ``ReportError`` if the folder is none, or a log in it is damaged."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.places = CaseFolder(Path(folder))
        self.info: CaseInfo = self.places.read_info()

    @cached_property
    def chain(self) -> list[CustodyEntry]:
        """The custody log, as far as it is whole."""
        return read_chain(self.places.custody)[0] if self.places.custody.is_file() else []

    @cached_property
    def minor(self) -> bool:
        """Whether a child is or may be shown: then no picture may be shown. The custody log says it as well as
        ``info.json``, so that a change to one does not take it back.
        """
        return self.info.minor or says_minor(self.chain)

    @cached_property
    def entries(self) -> dict[str, IndexEntry]:
        """The documents of the case by name, in the order in which they were added."""
        return merge(self._records("entries", IndexEntry))

    @cached_property
    def evidence(self) -> tuple[EvidenceRecord, ...]:
        """The files that were scanned."""
        return tuple(dict.fromkeys(self._records("evidence", EvidenceRecord)))

    @cached_property
    def notes(self) -> dict[str, tuple[Note, ...]]:
        """People's conclusions by SHA-256."""
        return read_notes(self.places.log("notes"))

    @cached_property
    def tags(self) -> dict[str, tuple[str, ...]]:
        """Tags by SHA-256."""
        return read_tags(self.places.log("tags"))

    @cached_property
    def _drive(self) -> dict[str, tuple[DriveRecord, ...]]:
        """What manifests say, by SHA-256, wherever the same bytes lay."""
        found: dict[str, dict[DriveRecord, None]] = {}
        for record in self.evidence:
            found.setdefault(record.sha256, {}).update(dict.fromkeys(record.drive))
        return {sha256: tuple(records) for sha256, records in found.items() if records}

    def results(self) -> Iterator[Report | Failure]:
        """Every result, with its pictures unless a child may be shown, and with paths, tags and notes in ``case``."""
        return (self.result(name) for name in self.entries)

    def result(self, name: str, beside: bool = True) -> Report | Failure:
        """One result by the name of its document. ``beside``: with paths, tags and notes.

        Raises ``ReportError`` if it is not there or not what was written.
        """
        path = self.places.reports / f"{name}.json"
        if name not in self.entries:
            raise ReportError(f"the case has no report named {name[:80]}", "See data/index.html in the case.")
        try:
            result = result_from_json(path.read_bytes())
        except OSError as error:
            raise ReportError(f"{path} cannot be read: {error.strerror}", "Run `deepfake-detect verify`.") from error
        except ReportError as error:
            raise ReportError(f"{path} is damaged: {error.message}", "Run `deepfake-detect verify`.") from error
        if isinstance(result, Report):
            result = without_pictures(result) if self.minor else self._with_pictures(result)
        return replace(result, case=self._beside(name, result.case)) if beside else result

    def record_for(self, sha256: str | None, by: str | None) -> CaseRecord:
        """What heads an entry of the log that ``by`` makes about a file, or about the whole case."""
        record = self.result(sha256, beside=False).case if sha256 is not None else None
        record = record or CaseRecord(self.info.case_id)
        return replace(record, examiner=by)

    def find(self, text: str) -> str:
        """The SHA-256 of a file of the case, named by its SHA-256, the first eight or more digits of it, or its path as
        it was scanned or on this disk. Raises ``ReportError`` if there is none, or more than one.
        """
        wanted = text.lower()
        hashes = [entry.sha256 for entry in self.entries.values() if entry.sha256]
        if len(wanted) >= 8 and set(wanted) <= set("0123456789abcdef"):
            found = [sha256 for sha256 in hashes if sha256.startswith(wanted)]
        else:
            found = [entry.sha256 for entry in self.entries.values() if text in entry.paths and entry.sha256]
        if not found and Path(text).is_file():
            from ..ingest import identify

            found = [sha256 for sha256 in hashes if sha256 == identify(text).sha256]
        if len(set(found)) != 1:
            what = "more than one file" if found else "no file"
            raise ReportError(f"{what} of the case is named by {text[:200]}", "Name it by its SHA-256.")
        return found[0]

    def _records(self, name: str, cls: type[T]) -> Iterator[T]:
        path = self.places.log(name)
        for line in whole_lines(path)[0]:
            try:
                yield from_json(cls, line)
            except ReportError as error:
                raise ReportError(f"{path} is damaged: {error.message}", "Run `deepfake-detect verify`.") from error

    def _beside(self, name: str, record: CaseRecord | None) -> CaseRecord:
        record = record or CaseRecord(self.info.case_id)
        paths = self.entries[name].paths
        return replace(
            record, minor=self.minor, paths=paths, tags=self.tags.get(name, ()), notes=self.notes.get(name, ()),
            drive=self._drive.get(name, record.drive),
        )  # fmt: skip

    def _with_pictures(self, report: Report) -> Report:
        return replace(
            report,
            findings=tuple(replace(f, evidence=self._loaded(f.evidence)) for f in report.findings),
            subjects=tuple(replace(s, evidence=self._loaded(s.evidence)) for s in report.subjects),
        )

    def _loaded(self, evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        """Evidence with the bytes of its pictures; one that is missing or changed stays without."""
        return tuple(
            replace(item, image=replace(item.image, data=self._image(item.image.sha256))) if item.image else item
            for item in evidence
        )

    def _image(self, sha256: str) -> bytes:
        path = self.places.images / f"{sha256}.png"
        if not is_sha256(sha256) or not path.is_file():
            return b""
        data = path.read_bytes()
        return data if hashlib.sha256(data).hexdigest() == sha256 else b""
