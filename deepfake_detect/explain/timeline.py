"""A detector's raw score over time as one inline SVG, without script, readable in print and without colour."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from ..media import Span

_HEIGHT, _TOP, _BOTTOM = 170, 22, 132  # px
_LEFT, _RIGHT = 12.5, 97.0  # per cent of the width, so that the drawing fits every width and its text keeps its size
_MOST = 1e12  # beyond it a score is drawn at the edge
_LINE, _DOT, _GRID, _TEXT = "#0072b2", "#004a75", "#c9ced6", "#3d4450"  # the blue is from the palette of Okabe and Ito
_MARK = "#8a3c00"  # dark enough to stand out in grey


def timeline_svg(
    values: Sequence[tuple[float, float]],
    span: Span,
    title: str,
    axis: str = "raw score (higher: more like synthetic)",
    threshold: float | None = None,
) -> Markup:
    """``values``: (time in s, raw score), in any order; ``span``: the stretch of time that the drawing covers.

    The vertical axis runs over the scores that occur, since a raw score has no range of its own. ``threshold``: a score
    drawn as a dashed line; stretches at or above it get a thick bar below the axis, which is told apart without colour.
    ``title`` and ``axis`` are escaped.
    """
    points = sorted((time, min(max(score, -_MOST), _MOST)) for time, score in values)
    if not points:
        return Markup("")
    low, high = _score_range([score for _, score in points] + ([] if threshold is None else [threshold]))
    placed = [(_x(time, span), _y(score, low, high), time, score) for time, score in points]
    parts = [_axes(span, low, high, axis), *_marks(points, span, threshold, low, high)]
    parts += [_line(a[0], a[1], b[0], b[1], _LINE, 2) for a, b in pairwise(placed)]
    parts += [
        Markup('<circle cx="{:.2f}%" cy="{:.1f}" r="3.5" fill="{}"><title>{}: {}</title></circle>').format(
            x, y, _DOT, clock(time), f"{score:.3g}"
        )
        for x, y, time, score in placed
    ]
    highest = max(points, key=lambda point: point[1])
    covered = f"{len(points)} scores from {clock(points[0][0])} to {clock(points[-1][0])}"
    description = f"{covered}; highest {highest[1]:.3g} at {clock(highest[0])}"
    return Markup(
        '<svg class="timeline" role="img" width="100%" height="{}" aria-label="{}" xmlns="http://www.w3.org/2000/svg">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(_HEIGHT, f"{title}. {description}", title, description, Markup("").join(parts))


def stretches_above(values: Sequence[tuple[float, float]], threshold: float) -> list[Span]:
    """The stretches of time whose scores all lie at or above ``threshold``, each reaching half-way to the neighbouring
    scores.
    """
    points = sorted(values)
    found: list[Span] = []
    for i, (time, score) in enumerate(points):
        if score < threshold:
            continue
        start = (points[i - 1][0] + time) / 2 if i else time
        end = (points[i + 1][0] + time) / 2 if i + 1 < len(points) else time
        if found and found[-1].end == start:
            start = found.pop().start
        found.append(Span(max(start, 0.0), max(end, 0.0)))
    return found


def clock(seconds: float) -> str:
    """A time in a recording: ``4.20 s``, ``1:04.20``, ``1:01:04.20``."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 100:02d}.{rest % 100:02d}"
    if hours:
        return f"{hours}:{minutes:02d}:{tail}"
    return f"{minutes}:{tail}" if minutes else f"{rest / 100:.2f} s"


def _score_range(scores: Sequence[float]) -> tuple[float, float]:
    low, high = min(scores), max(scores)
    margin = (high - low) * 0.08 or max(abs(high) * 0.1, 0.1)
    return low - margin, high + margin


def _x(time: float, span: Span) -> float:
    share = (time - span.start) / span.seconds if span.seconds > 0 else 0.5
    return _LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT)


def _y(score: float, low: float, high: float) -> float:
    return _BOTTOM - (score - low) / (high - low) * (_BOTTOM - _TOP)


def _marks(
    points: Sequence[tuple[float, float]], span: Span, threshold: float | None, low: float, high: float
) -> list[Markup]:
    """The threshold as a dashed line, and a bar for each stretch at or above it."""
    if threshold is None:
        return []
    y = _y(threshold, low, high)
    place = Markup('x1="{:.2f}%" y1="{:.1f}" x2="{:.2f}%" y2="{:.1f}"').format(_LEFT, y, _RIGHT, y)
    parts = [Markup('<line {} stroke="{}" stroke-width="1.5" stroke-dasharray="6 4"/>').format(place, _TEXT)]
    for stretch in stretches_above(points, threshold):
        left, right = _x(stretch.start, span), _x(stretch.end, span)
        parts.append(_line(left, _BOTTOM + 4, max(right, left + 0.6), _BOTTOM + 4, _MARK, 6))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> Markup:
    return Markup(
        '<line x1="{:.2f}%" y1="{:.1f}" x2="{:.2f}%" y2="{:.1f}" stroke="{}" stroke-width="{}" stroke-linecap="round"/>'
    ).format(x1, y1, x2, y2, colour, width)


def _label(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{:.2f}%" y="{}" text-anchor="{}" font-size="12" fill="{}">{}</text>').format(
        x, y, anchor, _TEXT, escape(text)
    )


def _axes(span: Span, low: float, high: float, axis: str) -> Markup:
    grid, labels = [], [_label(0.5, 12, "start", axis)]
    for share in (0.0, 0.5, 1.0):
        score = low + (high - low) * share
        y = _y(score, low, high)
        grid.append(_line(_LEFT, y, _RIGHT, y, _GRID, 1))
        labels.append(_label(0.5, round(y) + 4, "start", f"{score:.3g}"))
    ticks = ((0.0, "start"), (0.5, "middle"), (1.0, "end")) if span.seconds > 0 else ((0.5, "middle"),)
    for share, anchor in ticks:
        time = span.start + span.seconds * share
        labels.append(_label(_LEFT + (_RIGHT - _LEFT) * share, _BOTTOM + 24, anchor, clock(time)))
    return Markup("").join([*grid, *labels])
