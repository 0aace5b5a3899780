"""Reports as HTML: one file each, without script, that opens offline and requests nothing.

Every text that a template prints passes ``safe_text`` (Jinja's ``finalize``) and is then escaped. The policy in the
head forbids every request, so that a mistake here still could not load or run anything.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..explain.timeline import clock, timeline_svg
from ..findings import CaseRecord, DetectorRecord, Evidence, EvidenceImage, Failure, Finding, Label, Report
from ..media import JsonValue, MediaKind, Span
from . import words
from .gauge import gauge_svg
from .index import IndexEntry
from .lines import group_abstentions, group_lines
from .text import safe_text

_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_ROWS = 200  # of facts or metadata; the JSON holds all of them
_MAX_DEPTH = 8
_ACRONYMS = frozenset({"auc", "eer", "fpr", "fnr", "tpr", "jpeg", "mp3"})
_MAX_TEXT = 2_000  # characters of one text


def render_report(report: Report, index: str | None = None) -> str:
    """The page of one report. ``index``: relative address of the case's index, linked from the page.

    A picture whose ``data`` is empty is named by its hash.
    """
    media = report.media
    still = media.kind is MediaKind.IMAGE and media.facts is not None and not media.facts.seconds
    values = {
        "report": report,
        "words_of": words.verdict_words(report),
        "lines": group_lines(report.findings),
        "facts": [finding for finding in report.findings if finding.score is None],
        "abstentions": group_abstentions(report.abstentions),
        "detectors": {record.id: record for record in report.run.detectors},
        "timed": not still,
        "max_rows": _MAX_ROWS,
        "index": index,
    }
    return _environment().get_template("report.html.j2").render(values)


def render_failure(failure: Failure, index: str | None = None) -> str:
    """The page of a file that has no report: the reason and what to do, and no verdict."""
    return _environment().get_template("failure.html.j2").render(failure=failure, index=index)


def render_index(entries: Sequence[IndexEntry], record: CaseRecord | None = None) -> str:
    """The first page of a case: every document with its verdict or reason, linked under ``reports/``.

    ``record``: what heads the case.
    """
    values = {"entries": entries, "counts": _counts(entries), "record": record}
    return _environment().get_template("index.html.j2").render(values)


def _counts(entries: Sequence[IndexEntry]) -> list[tuple[str, int]]:
    """How many files got each label, in the order of the labels, those without a verdict last."""
    counts = Counter(entry.label for entry in entries)
    return [(words.label_words(label), counts[label]) for label in (*Label, None) if counts[label]]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("deepfake_detect.report"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        shown=safe_text, title=words.title, sentence=words.as_sentence, ratio=words.ratio, clock=clock,
        moment=_moment, signed=_signed, size=_size, rows=_rows, facts=_facts, number=_number,
    )  # fmt: skip
    environment.globals.update(
        words=words, support=_support, gauge=_gauge, timeline=_timeline, picture=_picture, error_rates=_error_rates
    )
    return environment


def _finalize(value: object) -> object:
    """Whatever a template prints, unless it is markup made here."""
    return safe_text(value, _MAX_TEXT) if isinstance(value, str) and not isinstance(value, Markup) else value


def _signed(llr: float) -> str:
    return f"{llr:+.2f}".replace("-", "−")


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _size(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit} ({size:,} bytes)"
    return f"{size:,} bytes"


def _moment(span: Span) -> str:
    return clock(span.start) if span.start == span.end else f"{clock(span.start)} to {clock(span.end)}"


def _support(finding: Finding) -> str:
    """A calibrated finding in words, as a sentence."""
    if finding.llr is None:
        return "No likelihood ratio: the raw score has not been calibrated and says nothing by itself."
    if finding.proposition is None:
        return f"The findings give {words.strength(finding.llr)} support; their propositions are not stated."
    sentence = words.support(finding.llr, finding.proposition)
    return sentence[0].upper() + sentence[1:]


def _gauge(llr: float, interval: tuple[float, float] | None) -> Markup:
    around = f", 95 % interval {_signed(interval[0])} to {_signed(interval[1])}" if interval else ""
    return gauge_svg(llr, interval, f"log10 likelihood ratio {_signed(llr)}{around}")


def _timeline(evidence: Evidence, subject: str) -> Markup:
    times = [time for time, _ in evidence.values]
    span = evidence.span or Span(max(min(times), 0.0), max(times))
    return timeline_svg(evidence.values, span, f"Raw score over time, {words.title(subject)}")


def _picture(image: EvidenceImage, alternative: str) -> Markup:
    if not image.data.startswith(_PNG):
        return Markup('<p class="nopicture">Picture kept beside the JSON: {}</p>').format(safe_text(image.sha256, 70))
    data = base64.b64encode(image.data).decode("ascii")
    return Markup('<img src="data:image/png;base64,{}" width="{}" height="{}" alt="{}">').format(
        data, image.width, image.height, safe_text(alternative, 300)
    )


def _rows(facts: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    """Nested facts as rows of (name, text), bounded in number and depth."""
    rows: list[tuple[str, str]] = []
    for row in _flatten(facts, "", 0):
        if len(rows) == _MAX_ROWS:
            return [*rows, ("more", f"only the first {_MAX_ROWS} are shown; all are in the JSON")]
        rows.append(row)
    return rows


def _flatten(value: JsonValue, name: str, depth: int) -> Iterator[tuple[str, str]]:
    nested = isinstance(value, Mapping | tuple | list)
    if nested and depth >= _MAX_DEPTH:
        yield name, "nested more deeply than is shown; see the JSON"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            shown = safe_text(key, 80)
            yield from _flatten(item, f"{name} › {shown}" if name else shown, depth + 1)
    elif isinstance(value, tuple | list) and not any(isinstance(item, Mapping | tuple | list) for item in value):
        separator = " to " if len(value) == 2 and "interval" in name else ", "
        yield name, separator.join(map(_plain, value)) or "none"
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value, 1):
            yield from _flatten(item, f"{name} {i}", depth + 1)
    else:
        yield name, _plain(value)


def _plain(value: JsonValue) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value) if isinstance(value, float) else safe_text(str(value), 400)


def _error_rates(finding: Finding, record: DetectorRecord | None) -> list[tuple[str, str]]:
    """What was measured for the condition that matched this finding; empty means not measured."""
    measured = record.error_rates.get(finding.condition) if record and finding.condition else None
    if not isinstance(measured, Mapping):
        return []
    return _facts(measured)


def _facts(facts: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    """Rows of facts that the program named, their names as words."""
    return [(_as_words(name), text) for name, text in _rows(facts)]


def _as_words(name: str) -> str:
    parts = name.replace("_", " ").split(" ")
    title = " ".join(part.upper() if part.lower() in _ACRONYMS else part for part in parts)
    return title[:1].upper() + title[1:]
