"""Reports made from a case: chosen files, one reader, one language, kept in the case and entered in its custody log."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from ..errors import ReportError, UsageError
from ..findings import CaseRecord, Failure, Report
from ..report.court import court_document
from ..report.document import Document
from ..report.html import render_document
from ..report.language import Language
from ..report.pdf import render_pdf
from ..report.pictures import Cover
from ..report.referrals import choose, read_referrals
from ..report.survivor import survivor_document
from .cover import with_nudity_covered
from .custody import Action
from .private import Handling
from .reader import CaseReader
from .writer import CaseWriter


class Audience(StrEnum):
    """For whom a report is."""

    COURT = "court"
    SURVIVOR = "survivor"


class PageFormat(StrEnum):
    """The form of a report."""

    HTML = "html"
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. ``only``: files as ``CaseReader.find`` takes them; ``tagged``: only files with a tag;
    ``country``: ISO 3166 code that chooses the addresses of help, from ``referrals`` or the library's own file.
    """

    audience: Audience
    language: Language
    format: PageFormat
    only: tuple[str, ...] = ()
    tagged: bool = False
    country: str | None = None
    referrals: Path | None = None
    show_media: bool = False
    by: str | None = None


def produce(folder: Path, order: Order) -> Path:
    """Make the report and return its path in the case. Raises ``UsageError`` for an order that cannot be carried out,
    ``ReportError`` for a case that cannot be read or written.
    """
    reader = CaseReader(folder)
    names, record, document = _compose(reader, order)
    data = render_pdf(document) if order.format is PageFormat.PDF else render_document(document).encode("utf-8")
    name = f"{order.audience}-{order.language}"
    if len(names) < len(reader.entries):
        name += "-" + hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    with CaseWriter(folder, Handling(reader.record_for(None, order.by))) as writer:
        if writer.minor and not record.minor:
            raise ReportError("it was just declared that a child is or may be shown", "Make the report again.")
        if order.show_media:
            writer.enter(Action.MEDIA_SHOWN, None, files=tuple(names))
        return writer.keep(
            f"{name}.{order.format}", data, audience=order.audience.value, language=order.language.value,
            files=tuple(names), show_media=order.show_media,
        )  # fmt: skip


def compose(folder: Path, order: Order) -> Document:
    """What ``produce`` writes, to be shown at once and kept nowhere. Raises as ``produce`` does."""
    return _compose(CaseReader(folder), order)[2]


def _compose(reader: CaseReader, order: Order) -> tuple[list[str], CaseRecord, Document]:
    """The names of the documents that are meant, what heads the report, and the report."""
    _check(order, reader.minor)
    names = _chosen(reader, order)
    results = [reader.result(name) for name in names]
    record = _record(reader, results)
    return names, record, _document(order, results, record)


def _check(order: Order, minor: bool) -> None:
    if order.show_media and minor:
        raise UsageError("a child is or may be shown: no picture is shown, ever", "Leave --show-media out.")
    if order.show_media and order.audience is Audience.SURVIVOR:
        raise UsageError("the page for a survivor shows no picture", "Leave --show-media out.")
    country = order.country
    if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise UsageError("--country takes two letters", "Examples: VN, FR, SN.")
    if order.only and order.tagged:
        raise UsageError("--only and --tagged contradict each other", "Give one of them.")


def _chosen(reader: CaseReader, order: Order) -> list[str]:
    """The names of the documents, in the order in which they were added."""
    if order.only:
        found = {reader.find(text) for text in order.only}
        return [name for name, entry in reader.entries.items() if entry.sha256 in found]
    names = [name for name in reader.entries if not order.tagged or reader.tags.get(name)]
    if not names:
        what = "no file of the case has a tag" if order.tagged else "the case holds no result"
        raise UsageError(what, "Set one with `deepfake-detect tag`, or leave --tagged out." if order.tagged else "")
    return names


def _record(reader: CaseReader, results: Sequence[Report | Failure]) -> CaseRecord:
    """What heads the report: what all its files were scanned with."""
    records = [result.case for result in results if result.case]

    def common(values: set[str | None]) -> str | None:
        return "; ".join(sorted(value for value in values if value)) or None

    return CaseRecord(
        reader.info.case_id,
        common({record.exhibit for record in records}),
        common({record.examiner for record in records}),
        common({record.organisation for record in records}),
        reader.minor,
    )


def _document(order: Order, results: Sequence[Report | Failure], record: CaseRecord) -> Document:
    if order.audience is Audience.COURT:
        shown, cover = (results, Cover.NOTHING) if order.show_media else with_nudity_covered(results)
        return court_document(shown, record, order.language, cover)
    country = order.country.upper() if order.country else None
    helpers = choose(read_referrals(order.referrals), country, record.minor)
    return survivor_document(results, record.minor, helpers, order.language, datetime.now(UTC).date())
