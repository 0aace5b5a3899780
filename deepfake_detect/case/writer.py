"""Adding to a case: results, notes and tags, each entered in the custody log, until the case is finalised again."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from types import TracebackType

from ..errors import ReportError, UsageError
from ..findings import CaseRecord, EvidenceImage, Failure, Label, Note, Report
from ..ingest import Identity
from ..media import JsonValue
from ..nudity import nudity_finder
from ..report.html import render_failure, render_report, render_review, render_selection
from ..report.index import CaseIndex, IndexEntry, combine, failure_name, index_entry, merge, put, ranked, replaces
from ..report.review import review_pages
from ..report.selection import PATH, selection
from ..report.serialise import from_json, result_from_json, to_json
from .bag import finalise
from .cover import with_nudity_covered
from .custody import Action, CustodyLog, now, says_minor
from .evidence import EvidenceRecord, place
from .files import append_line, drop_torn, make_folder, reported, whole_lines, write_whole
from .known import KnownLog
from .layout import FORMAT, CaseFolder, CaseInfo, is_sha256
from .notes import NoteLine, TagLine, add_line, check_tag
from .private import Handling, prepared
from .reader import CaseReader
from .seal import check_seal
from .versions import with_added
from .wipe import overwrite


class CaseWriter:
    """Writes results into a case folder, new or begun earlier. Raises ``ReportError`` when it cannot be written, when
    another process writes it, or when a finalised case was changed since.

    ``roots``: absolute folders in which the evidence lies (see ``evidence.roots_of``). A context manager that
    finalises the case at its end, but not when it is interrupted.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        handling: Handling | None = None,
        roots: Sequence[str] = (),
    ) -> None:
        """Create ``folder`` with mode 0700, or go on with the case in it. A folder that holds anything else is
        refused. What the case was begun with stays: identifier, survivor's profile, that a child may be shown.
        """
        self.places = CaseFolder(Path(folder))
        self.folder = self.places.root
        handling = handling or Handling()
        with reported(self.folder):
            make_folder(self.folder, parents=True)
            new = self.places.is_empty()
            info = _new_info(handling) if new else self.places.read_info()
            self.handling = _agreed(info, handling)
            self._roots = () if self.handling.survivor else tuple(roots)
            self._info = info
            self._nudity_finder = cache(nudity_finder)  # loaded once for all pages
            self._log = CustodyLog(self.places.custody, self.handling.record)
            self._documents: dict[str, str] = {}  # SHA-256 of the document that the log vouches for, by name
            self._made: dict[str, tuple[str, Label | None]] = {}  # run and label of what this writer wrote
            self._given: dict[str, str] = {}  # run of each report that ``stored`` gave and ``add`` has not had yet
            try:
                self._begin(new)
            except BaseException:
                self._log.close()
                raise

    def __enter__(self) -> CaseWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An interrupted case stays open: hashing all of it would take long, and --resume goes on with it as it is.
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._log.close()
        else:
            self.finish()

    @property
    def minor(self) -> bool:
        """Whether a child is or may be shown, so that no picture is written or shown."""
        return self.handling.minor

    def add(self, result: Report | Failure) -> Path:
        """Write one result and return the path of its HTML document, which a report of a first pass does not have.

        The same bytes at another path, in a run with the same fingerprint, add that path to the index and write nothing
        else; nor does a failure replace a report. What ``stored`` gave, at a path that the case has, writes nothing.
        """
        self._reopen()
        result = prepared(result, self.handling)
        entry = index_entry(result, _document_name(result))
        before = self._entries.get(entry.name)
        page = self.places.reports / f"{entry.name}.html"
        run = result.run.id if isinstance(result, Report) else None
        given = run is not None and self._given.pop(entry.name, None) == run
        # The same answer at another path has no picture bytes with it: it may not take the place of the first.
        known = given or (run is not None and (run, entry.label) == self._made.get(entry.name))
        with reported(self.folder):
            document = None
            if not known and (before is None or replaces(entry, before) or entry.name not in self._documents):
                if isinstance(result, Report) and (info := with_added(self._info, result)) != self._info:
                    self._write_info(info)  # first: a crash may leave a version without a report, never the other way
                document = self._write_documents(result, page)
            combined = combine(before, entry)
            if combined != before:
                append_line(self.places.log("entries"), to_json(entry).encode("ascii"))
            new = self._record_evidence(result)
            if new or combined != before or not given:
                label = entry.label.value if entry.label else None
                self._log.append(Action.SCANNED, entry.sha256, name=entry.name, run=run, label=label, document=document)
        put(self._entries, combined)
        if document is not None:
            self._documents[entry.name] = document
            self._made[entry.name] = (run or "", entry.label)
        return page

    @property
    def fingerprints(self) -> set[str]:
        """The fingerprints of the runs that made the case's reports."""
        return {entry.fingerprint for entry in self._entries.values() if entry.fingerprint}

    def operating_point(self) -> str | None:
        """At which operating point the case's latest report was made; None without one."""
        latest = next((entry for entry in reversed(self._entries.values()) if entry.fingerprint), None)
        report = CaseReader(self.folder).result(latest.name, beside=False) if latest else None
        point = report.run.options.get("operating_point") if isinstance(report, Report) else None
        return str(point) if point else None

    def finished(self, sha256: str) -> IndexEntry | None:
        """What the index has on these bytes, if the result was written and logged whole; else None."""
        return self._entries.get(sha256) if sha256 in self._documents else None

    def stored(self, sha256: str) -> Report | None:
        """The report that stands in the case, without the bytes of its pictures.

        None if it cannot be read or is not the one logged, as a crash may leave it.
        """
        try:
            data = (self.places.reports / f"{sha256}.json").read_bytes()
        except OSError:
            data = b""
        try:
            vouched = hashlib.sha256(data).hexdigest() == self._documents.get(sha256)
            report = result_from_json(data) if vouched else None
        except ReportError:
            report = None
        if not isinstance(report, Report):
            self._documents.pop(sha256, None)
            return None
        self._given[sha256] = report.run.id
        return report

    def skip(self, identity: Identity, by: str) -> None:
        """Keep that a file was left out as known ``by`` one of its hashes."""
        path = None if self.handling.survivor else identity.path
        with reported(self.folder):
            self._known.add(identity.sha256, path, by)

    def close_known(self, lists: Mapping[str, str]) -> None:
        """Enter how many files were left out (``SKIPPED_KNOWN``), by lists of which name and SHA-256."""
        self._reopen()
        with reported(self.folder):
            self._known.flush()
            counted = dict(self._known.counted)
            self._log.append(Action.SKIPPED_KNOWN, None, files=sum(counted.values()), by=counted, lists=dict(lists))

    def note(self, sha256: str, note: Note) -> None:
        """Put a person's conclusion beside the tool's. Raises ``ReportError`` if the case has no such file."""
        self._change(sha256, Action.NOTED, NoteLine(sha256, note), "notes")

    def tag(self, sha256: str, tag: str, on: bool = True) -> None:
        """Set a tag on a file, or take it off. Raises ``UsageError`` for a tag that cannot be one."""
        self._change(sha256, Action.TAGGED, TagLine(now(), sha256, check_tag(tag), on), "tags")

    def declare_minor(self) -> int:
        """Write into the case that a child is or may be shown, and remove every picture in it; returns how many files
        that were.

        It cannot be taken back. The log entry comes last: a removal that was cut short is done again by the next
        command on the case.
        """
        self._reopen()
        with reported(self.folder):
            if not self._info.minor:
                self._write_info(replace(self._info, minor=True))
            self.handling = replace(self.handling, record=replace(self.handling.record, minor=True))
            shown = [path for path in self.places.data.rglob("*") if path.is_file() and self._may_show(path)]
            for path in shown:
                overwrite(path)
                path.unlink()
            for name in self._entries:
                self._strip(name)
            self._log.append(Action.DECLARED_MINOR, removed=len(shown))
        return len(shown)

    @property
    def _pictures_gone(self) -> bool:
        """Whether a child's case never had a picture, or all of them were removed."""
        entries = self._log.entries
        return entries[0].details.get("minor") is True or any(e.action is Action.DECLARED_MINOR for e in entries)

    def enter_originals(self, supplied: Mapping[str, str], by: str | None) -> None:
        """Enter the files that were supplied as originals (``ORIGINALS_SUPPLIED``), unless the log has them by the same
        person already. ``supplied``: when each was first looked at, by its SHA-256; ``by``: who supplied them.
        """
        self._reopen()
        earlier = (e.details for e in self._log.entries if e.action is Action.ORIGINALS_SUPPLIED)
        known = {str(item) for details in earlier if details.get("supplied_by") == by for item in _listed(details)}
        new = {sha256: supplied[sha256] for sha256 in sorted(supplied) if sha256 not in known}
        if new:
            with reported(self.folder):
                self._log.append(Action.ORIGINALS_SUPPLIED, None, supplied_by=by, originals=new)

    def enter(self, action: Action, subject: str | None = None, **details: JsonValue) -> None:
        """Enter what another command did in the log (``REPORTED``, ``MEDIA_SHOWN``). Raises ``ReportError``."""
        self._reopen()
        with reported(self.folder):
            self._log.append(action, subject, **details)

    def keep(self, name: str, data: bytes, **details: JsonValue) -> Path:
        """Keep a document that was made from the case (``REPORTED``) under ``data/documents``; returns its path.

        ``name``: lower-case letters, digits, dots and hyphens, never from the media. Raises ``ReportError``.
        """
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,99}", name) or ".." in name:
            raise ReportError(f"{name[:100]!r} is no name for a document", "This is a defect: tell its authors.")
        self._reopen()
        path = self.places.data / "documents" / name
        with reported(self.folder):
            make_folder(path.parent)
            write_whole(path, data)
            digest = hashlib.sha256(data).hexdigest()
            self._log.append(Action.REPORTED, None, name=f"documents/{name}", sha256=digest, **details)
        return path

    def finish(self) -> Path:
        """Write ``index.html`` and ``index.json`` over all documents, finalise the case and let others write to it.

        Returns the path of ``index.html``.
        """
        with reported(self.folder):
            self._reopen()
            index = self._index()
            write_whole(self.places.data / "index.json", (to_json(index, indent=2) + "\n").encode("ascii"))
            self._write_review(index)
            finalise(self.places, self._info, self._log)
            self._log.close()
        return self.places.data / "index.html"

    def _write_review(self, index: CaseIndex) -> None:
        """Write ``index.html`` and the lists beside it, and remove lists that are none any more."""
        made = set()
        for name, text in _review_documents(index):
            path = self.places.data / name
            make_folder(path.parent)
            write_whole(path, text.encode("utf-8"))
            made.add(path)
        for path in self.places.data.glob("list/*.html"):
            if path not in made:
                path.unlink()

    def _index(self) -> CaseIndex:
        """Every entry with what people added, ranked, headed by what the case was begun with."""
        reader, first = CaseReader(self.folder), self._log.entries[0]
        entries = tuple(
            replace(
                entry,
                tags=reader.tags.get(name, ()),
                concluded_by=tuple(dict.fromkeys(note.by for note in reader.notes.get(name, ()))),
            )
            for name, entry in self._entries.items()
        )
        record = CaseRecord(first.case_id, None, first.examiner, first.organisation, self.minor)
        return CaseIndex(ranked(entries), record, self._known.total())

    def _begin(self, new: bool) -> None:
        for path in (self.places.data, self.places.reports, self.places.images):
            make_folder(path)
        if new:
            self._write_info(self._info)
        if says_minor(self._log.entries):
            self.handling = replace(self.handling, record=replace(self.handling.record, minor=True))
        self._enter_opening()
        if self.handling.minor and not self._pictures_gone:
            self._entries = self._read_entries()
            self.declare_minor()
        elif self.handling.minor and not self._info.minor:
            self._write_info(replace(self._info, minor=True))
        self._write_info(replace(self._info, roots=tuple(dict.fromkeys((*self._info.roots, *self._roots)))))
        self._entries = self._read_entries()
        drop_torn(self.places.log("evidence"))
        self._known = KnownLog(self.places.log("known"))
        self._evidence = {hash(record) for record in CaseReader(self.folder).evidence}
        logged = (entry.details for entry in self._log.entries if entry.action is Action.SCANNED)
        self._documents = {str(d["name"]): str(d["document"]) for d in logged if d.get("document")}

    def _enter_opening(self) -> None:
        if self._log.finalised:
            check_seal(self.places)
        self._log.append(
            Action.REOPENED if self._log.entries else Action.OPENED, profile=self._info.profile.value,
            minor=self.handling.minor,
        )  # fmt: skip

    def _reopen(self) -> None:
        """Go on after ``finish``: take the lock again, and check that nothing was changed in between."""
        if self._log.is_open:
            return
        self._log = CustodyLog(self.places.custody, self.handling.record)
        self._enter_opening()

    def _write_info(self, info: CaseInfo) -> None:
        self.places.write_info(info)
        self._info = info

    def _read_entries(self) -> dict[str, IndexEntry]:
        path = self.places.log("entries")
        drop_torn(path)
        try:
            return merge(from_json(IndexEntry, line) for line in whole_lines(path)[0])
        except ReportError as error:
            raise ReportError(f"{path} is damaged: {error.message}", "Name an empty or new folder with -o.") from error

    def _record_evidence(self, result: Report | Failure) -> bool:
        """Record where the file lay; returns False if that is known."""
        media = result.media if isinstance(result, Report) else None
        sha256 = media.sha256 if media else getattr(result, "sha256", None)
        path = media.path if media else getattr(result, "path", None)
        if sha256 is None:
            return False
        root, within = None, None
        if path is not None:
            folder, within = place(path, self._info.roots)
            if folder not in self._info.roots:
                self._write_info(replace(self._info, roots=(*self._info.roots, folder)))
            root = self._info.roots.index(folder)
        written, drive = (result.case.modified, result.case.drive) if result.case else (None, ())
        record = EvidenceRecord(
            sha256, root, within, media.size if media else None, written, self.handling.record.exhibit, drive
        )
        if hash(record) in self._evidence:
            return False
        append_line(self.places.log("evidence"), to_json(record).encode("ascii"))
        self._evidence.add(hash(record))
        return True

    def _write_documents(self, result: Report | Failure, page: Path) -> str:
        """Write a result's pictures, JSON and, unless it is of a first pass, page; returns the SHA-256 of the JSON."""
        if isinstance(result, Report):
            for image in _images(result):
                self._write_image(image)
        document = (to_json(result, indent=2) + "\n").encode("ascii")
        write_whole(page.with_suffix(".json"), document)
        if isinstance(result, Failure) or not result.first_pass:
            self._write_page(result, page)
        return hashlib.sha256(document).hexdigest()

    def _write_page(self, result: Report | Failure, page: Path) -> None:
        index = "../index.html"
        if isinstance(result, Report):
            (shown,), cover = with_nudity_covered([result], self._nudity_finder)
            html = render_report(shown, index, cover)
        else:
            html = render_failure(result, index)
        write_whole(page, html.encode("utf-8"))

    def _write_image(self, image: EvidenceImage) -> None:
        if hashlib.sha256(image.data).hexdigest() != image.sha256:
            raise ReportError(
                f"a picture does not have the hash {image.sha256[:64]!r} it is named by",
                "This is a defect: tell its authors.",
            )
        path = self.places.images / f"{image.sha256}.png"
        if not path.exists():
            write_whole(path, image.data)

    def _change(self, sha256: str, action: Action, line: NoteLine | TagLine, log: str) -> None:
        """Add a line about one file, render its page anew, and enter it."""
        if sha256 not in self._entries:
            raise ReportError(f"the case has no report on {sha256}", "Scan the file into the case first.")
        self._reopen()
        with reported(self.folder):
            add_line(self.places.log(log), line)
            digest = hashlib.sha256(to_json(line).encode("ascii")).hexdigest()
            self._log.append(action, sha256, line=digest)
            reader = CaseReader(self.folder)
            self._write_page(reader.result(sha256), self.places.reports / f"{sha256}.html")

    def _may_show(self, path: Path) -> bool:
        """Whether a file below ``data`` can hold a picture: everything but the JSON documents and logs."""
        return path.suffix not in (".json", ".jsonl")

    def _strip(self, name: str) -> None:
        """Write a document and its page anew without pictures; what heads it stays."""
        result = CaseReader(self.folder).result(name, beside=False)
        record = replace(result.case or self.handling.record, minor=True)
        stripped = prepared(result, replace(self.handling, record=record))
        document = self._write_documents(stripped, self.places.reports / f"{name}.html")
        self._log.append(Action.SCANNED, self._entries[name].sha256, name=name, document=document, stripped=True)
        self._documents[name] = document


def _new_info(handling: Handling) -> CaseInfo:
    return CaseInfo(FORMAT, now(), handling.record.case_id, handling.profile, handling.minor, added={})


def _agreed(info: CaseInfo, handling: Handling) -> Handling:
    """How this run handles results, given what the case was begun with. Raises ``UsageError`` if they contradict."""
    record = handling.record
    if record.case_id is not None and record.case_id != info.case_id:
        raise UsageError(
            f"the folder holds the case {info.case_id or 'without an identifier'}", "Name another folder with -o."
        )
    if handling.survivor and info.profile is not handling.profile:
        raise UsageError(
            "the case in this folder was begun without the survivor profile",
            "Name a new folder with -o.",
        )
    record = replace(record, case_id=info.case_id, minor=record.minor or info.minor)
    return Handling(record, info.profile)


def _listed(details: Mapping[str, JsonValue]) -> Iterator[str]:
    """The hashes of an entry on originals."""
    originals = details.get("originals")
    return iter(originals) if isinstance(originals, Mapping) else iter(())


def _document_name(result: Report | Failure) -> str:
    sha256 = result.media.sha256 if isinstance(result, Report) else result.sha256
    if sha256 is None:
        path = getattr(result, "path", None)
        if path is None:  # a survivor's: even the hash of a path would tell it to whoever guesses
            return "failure-" + secrets.token_hex(8)
        return failure_name(path)
    if not is_sha256(sha256):
        raise ReportError("the report's sha256 is not a SHA-256", "Give a report that this tool wrote, unchanged.")
    return sha256


def _review_documents(index: CaseIndex) -> Iterator[tuple[str, str]]:
    """The pages of the review list, each by its place under ``data/``."""
    yield from ((page.path, render_review(page)) for page in review_pages(index))
    chosen = selection(index)
    if chosen is not None:
        yield PATH, render_selection(chosen)


def _images(report: Report) -> Iterator[EvidenceImage]:
    groups = [finding.evidence for finding in report.findings] + [subject.evidence for subject in report.subjects]
    for evidence in chain.from_iterable(groups):
        if evidence.image is not None and evidence.image.data:
            yield evidence.image
