"""A log10 likelihood ratio and its interval on the ENFSI scale, as an inline SVG that fits every width."""

from __future__ import annotations

from markupsafe import Markup

_REACH = 4.0  # log10; what lies beyond is drawn at the edge with an arrow
_LEFT, _RIGHT = 3.0, 97.0  # per cent of the width
_AXIS = 22  # px from the top


def gauge_svg(llr: float, interval: tuple[float, float] | None, description: str) -> Markup:
    """``llr`` as a diamond, ``interval`` as a bar around it, on an axis from -4 to +4. ``description`` is escaped."""
    parts = [_line(_LEFT, _AXIS, _RIGHT, _AXIS, "#c9ced6", 2)]
    for tick in range(-4, 5):
        x, reach = _x(tick), 10 if tick == 0 else 5
        parts += [
            _line(x, _AXIS - reach, x, _AXIS + reach, "#6b7280", 1),
            _text(x, _AXIS + 23, 12, "#3d4450", _signed(tick)),
        ]
    if interval is not None:
        parts.append(_line(_x(interval[0]), _AXIS, _x(interval[1]), _AXIS, "#6db1d8", 7))
    mark = "◆" if abs(llr) <= _REACH else "▶" if llr > 0 else "◀"
    parts.append(_text(_x(llr), _AXIS + 6, 17, "#004a75", mark))
    return Markup(
        '<svg class="gauge" role="img" width="100%" height="50" aria-label="{}" xmlns="http://www.w3.org/2000/svg">{}</svg>'
    ).format(description, Markup("").join(parts))


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> Markup:
    template = Markup('<line x1="{:.2f}%" y1="{}" x2="{:.2f}%" y2="{}" stroke="{}" stroke-width="{}"/>')
    return template.format(x1, y1, x2, y2, colour, width)


def _text(x: float, y: float, size: int, colour: str, text: str) -> Markup:
    template = Markup('<text x="{:.2f}%" y="{}" text-anchor="middle" font-size="{}" fill="{}">{}</text>')
    return template.format(x, y, size, colour, text)


def _x(llr: float) -> float:
    share = (min(max(llr, -_REACH), _REACH) + _REACH) / (2 * _REACH)
    return _LEFT + share * (_RIGHT - _LEFT)


def _signed(number: int) -> str:
    return "0" if number == 0 else f"{number:+d}".replace("-", "−")
