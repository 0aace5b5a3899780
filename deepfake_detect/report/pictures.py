"""What of the pictures in a record a report shows. Faces and maps over them are shown, small; whole pictures are
covered by a solid box, since nothing here tells what else they show, unless the nudity in them was filled before
(``case.cover``) or somebody asked for them by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from ..explain.timeline import stretches_above, timeline_svg
from ..findings import Evidence
from ..media import Span
from . import shown, words
from .document import Block, Figure, Figures, Heading, Text
from .gauge import gauge_svg
from .language import Gettext
from .messages import said


class Cover(StrEnum):
    """What of whole pictures is covered."""

    WHOLE = "whole"
    NUDITY = "nudity"
    NOTHING = "nothing"


_FACES = ("crop", "map")
_SOUND = "spectrogram"
PNG = b"\x89PNG\r\n\x1a\n"


def is_whole(item: Evidence, subject: str) -> bool:
    """Whether a picture shows more than a face or a sound. ``subject``: as for ``blocks``."""
    face = item.kind in _FACES and subject.startswith("person")
    return item.image is not None and item.kind != _SOUND and not face


def blocks(title: str, evidence: Sequence[Evidence], subject_kind: str, cover: Cover, _: Gettext) -> Iterator[Block]:
    """The pictures and notes of a finding or a subject under a heading; nothing if there are none.

    ``subject_kind``: ``person`` or ``person-1`` if the pictures were cut around a face.
    """
    if not evidence:
        return
    yield Heading(title)
    if cover is Cover.NUDITY and any(is_whole(item, subject_kind) for item in evidence):
        yield Text(_(words.NUDITY_COVERED), "quiet")
    visible = cover is not Cover.WHOLE
    for kind in _FACES:
        small = [item for item in evidence if item.kind == kind and item.image]
        if small:
            figures = tuple(_small(item, not is_whole(item, subject_kind), visible, _) for item in small)
            yield Figures(figures, large=kind == "map")
    for item in evidence:
        if item.image is None and not item.values:
            yield Text(words.as_sentence(said(item.caption, _)))
        elif item.values:
            yield Figures((_timeline(item, _),), wide=True)
        elif item.kind == _SOUND:
            yield Figures((_figure(item, True, _),), wide=True)
    rest = [item for item in evidence if item.image and not item.values and item.kind not in (*_FACES, _SOUND)]
    if rest:
        yield Figures(tuple(_figure(item, visible, _) for item in rest), large=True)


def ratio_scale(llr: float, interval: tuple[float, float] | None, _: Gettext) -> Figures:
    """A ratio and its interval on the scale."""
    caption = _("left: supports the second proposition; right: supports the first; bar: 95 % interval, where known")
    text = _("log10 likelihood ratio {ratio}").format(ratio=shown.signed(llr))
    svg = str(gauge_svg(llr, interval, text)).encode()
    return Figures((Figure(svg, text, f"{text}; {caption}"),), wide=True)


def _small(item: Evidence, face: bool, visible: bool, _: Gettext) -> Figure:
    """Of a face it is always shown; crops are grey, maps keep the colour that carries their meaning."""
    return _figure(item, visible or face, _, face, grey=item.kind == "crop")


def _figure(item: Evidence, visible: bool, _: Gettext, face: bool = False, grey: bool = False) -> Figure:
    data = item.image.data if item.image else b""
    caption = words.as_sentence(said(item.caption, _))
    if item.kind == "map":
        caption = f"{caption} {_(words.MAP_CAPTION)}".strip()
    time = shown.moment(item.span, _) if item.span and item.kind != _SOUND else ""
    cover = ""
    if not visible:
        data, cover = b"", _("Whole picture, covered")
    elif not data.startswith(PNG):
        data, cover = b"", _("Not kept in the case, or changed since")
    names = {"crop": _("Face"), "map": _("Map over a face")} if face else {_SOUND: _("Spectrogram")}
    return Figure(data, names.get(item.kind, _("Picture")), caption, time, cover, grey)


def _timeline(item: Evidence, _: Gettext) -> Figure:
    times = [time for time, _score in item.values]
    span = item.span or Span(max(min(times), 0.0), max(times))
    title = _("Raw score over time")
    axis = _("raw score (higher: more like synthetic)")
    svg = timeline_svg(item.values, span, title, axis, item.threshold)
    caption = words.as_sentence(said(item.caption, _))
    if item.threshold is not None:
        above = ", ".join(shown.moment(stretch, _) for stretch in stretches_above(item.values, item.threshold))
        sentence = _(
            "Dashed: the score at which the whole line would reach the detector's upper threshold. Above it: {spans}."
        )
        spans = above or _("nothing")
        caption = f"{caption} {sentence.format(spans=spans)}"
    return Figure(str(svg).encode(), title, caption)
