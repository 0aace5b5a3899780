"""Reports as HTML: one file each, without script, that opens offline and requests nothing.

Every text that a template prints passes ``safe_text`` (Jinja's ``finalize``) and is then escaped. The policy in the
head forbids every request, so that a mistake here still could not load or run anything.
"""

from __future__ import annotations

import base64
from functools import cache, partial

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..explain.timeline import clock, timeline_svg
from ..findings import Evidence, EvidenceImage, Failure, Report
from ..media import ContainerFacts, MediaKind, Region, Span
from . import compared, measures, shown, terms, words
from .document import Document, Figure
from .gauge import gauge_svg
from .language import plain
from .lines import group_abstentions, group_lines
from .messages import said
from .names import title
from .pictures import Cover, is_whole
from .place import place_svg
from .review import ReviewPage
from .selection import Selection, policy, script
from .speech import voice_notes
from .text import safe_text

_PACKAGE = "deepfake_detect.report"
_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_ROWS = 200  # stretches of one line; the JSON holds all of them
_MAX_TEXT = 10_000  # characters of one text: as long as a person's conclusion may be


def render_report(report: Report, index: str | None = None, cover: Cover = Cover.WHOLE) -> str:
    """The page of one report. ``index``: relative address of the case's index, linked from the page. ``cover``: what of
    whole pictures is covered.

    A picture whose ``data`` is empty is named by its hash.
    """
    hidden = _whole_pictures(report) if cover is Cover.WHOLE else frozenset()
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
        "picture": partial(_picture, hidden=hidden),
        "hidden": hidden,
        "nudity_covered": cover is Cover.NUDITY,
    }
    return _environment().get_template("report.html.j2").render(values)


def _whole_pictures(report: Report) -> frozenset[str]:
    """The hashes of the pictures that show more than a face or a sound."""
    groups = [(f.subject, f.evidence) for f in report.findings] + [(s.kind, s.evidence) for s in report.subjects]
    return frozenset(
        item.image.sha256 for subject, items in groups for item in items if item.image and is_whole(item, subject)
    )


def render_failure(failure: Failure, index: str | None = None) -> str:
    """The page of a file that has no report: the reason and what to do, and no verdict."""
    return _environment().get_template("failure.html.j2").render(failure=failure, index=index)


def render_review(page: ReviewPage) -> str:
    """A page of the review list of a case: documents with verdict or reason, linked under ``reports/``."""
    return _environment().get_template("index.html.j2").render(page=page)


def render_selection(page: Selection) -> str:
    """The page of a case on which filters combine."""
    values = {"page": page, "policy": policy(), "data": Markup(page.data), "script": Markup(script())}
    return _environment().get_template("choose.html.j2").render(values)


def render_document(document: Document) -> str:
    """A report for one reader as one page."""
    return _environment().get_template("document.html.j2").render(document=document)


def environment(package: str) -> Environment:
    """The templates of ``package``, which may build on those of the reports and print as safely as they do."""
    return _environment().overlay(loader=ChoiceLoader([PackageLoader(package), PackageLoader(_PACKAGE)]))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        shown=safe_text, title=title, sentence=words.as_sentence, ratio=words.ratio, clock=clock,
        moment=shown.moment, signed=shown.signed, size=shown.size, rows=shown.rows, facts=shown.named_facts,
        number=shown.number, recorded=partial(said, _=plain),
    )  # fmt: skip
    environment.globals.update(
        words=words,
        support=words.finding_support,
        GRAIN=compared.GRAIN,
        ORIGINALS_INTRODUCTION=compared.INTRODUCTION,
        gauge=_gauge,
        place=_place,
        timeline=_timeline,
        error_rates=measures.error_rates,
        error_tables=measures.error_tables,
        spread=measures.spread,
        spread_sentence=measures.spread_sentence,
        explained=measures.explained,
        condition_name=terms.named,
        voice_notes=voice_notes,
        drawing=_drawing,
        embedded=_embedded,
    )
    return environment


def _finalize(value: object) -> object:
    """Whatever a template prints, unless it is markup made here."""
    return safe_text(value, _MAX_TEXT) if isinstance(value, str) and not isinstance(value, Markup) else value


def _gauge(llr: float, interval: tuple[float, float] | None) -> Markup:
    around = f", 95 % interval {shown.signed(interval[0])} to {shown.signed(interval[1])}" if interval else ""
    return gauge_svg(llr, interval, f"log10 likelihood ratio {shown.signed(llr)}{around}")


def _drawing(figure: Figure) -> Markup:
    """An SVG that was made here, with every text in it escaped."""
    return Markup(figure.data.decode())


def _embedded(figure: Figure) -> Markup:
    return Markup("data:image/png;base64,{}").format(base64.b64encode(figure.data).decode("ascii"))


def _place(region: Region, facts: ContainerFacts) -> Markup:
    assert facts.width and facts.height  # the template asks
    text = f"{region.width} by {region.height} pixels at {region.x}, {region.y} of {facts.width} by {facts.height}"
    return place_svg(region, facts.width, facts.height, text)


def _timeline(evidence: Evidence, subject: str) -> Markup:
    times = [time for time, _ in evidence.values]
    span = evidence.span or Span(max(min(times), 0.0), max(times))
    return timeline_svg(evidence.values, span, f"Raw score over time, {title(subject)}", threshold=evidence.threshold)


def _picture(image: EvidenceImage, alternative: str, hidden: frozenset[str] = frozenset()) -> Markup:
    if image.sha256 in hidden:
        cover = '<p class="cover" role="img" aria-label="{}: whole picture, covered">Whole picture, covered</p>'
        return Markup(cover).format(safe_text(alternative, 300))
    if not image.data.startswith(_PNG):
        return Markup('<p class="nopicture">Picture kept beside the JSON: {}</p>').format(safe_text(image.sha256, 70))
    data = base64.b64encode(image.data).decode("ascii")
    return Markup('<img src="data:image/png;base64,{}" width="{}" height="{}" alt="{}">').format(
        data, image.width, image.height, safe_text(alternative, 300)
    )
