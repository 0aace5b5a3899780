"""Where in a picture a part lies: its outline and the part's rectangle to scale, as an inline SVG without the picture.

The picture itself is left out: what was scored can be somebody's body, and where it lies needs none of it.
"""

from __future__ import annotations

from markupsafe import Markup

from ..media import Region

_SIDE = 160.0  # px of the longer side


def place_svg(region: Region, width: int, height: int, description: str) -> Markup:
    """``region`` in pixels of a picture of ``width`` x ``height``; what lies beyond its edges is not drawn."""
    scale = _SIDE / max(width, height)
    right, bottom = min(width, region.x + region.width), min(height, region.y + region.height)
    whole = _box(0, 0, width * scale, height * scale, "#eef0f3", "#6b7280")
    sides = (right - region.x) * scale, (bottom - region.y) * scale
    part = _box(region.x * scale, region.y * scale, *sides, "#cfe3f1", "#004a75")
    head = Markup(
        '<svg class="place" role="img" width="{:.1f}" height="{:.1f}" aria-label="{}"'
        ' xmlns="http://www.w3.org/2000/svg">{}</svg>'
    )
    return head.format(width * scale + 2, height * scale + 2, description, whole + part)


def _box(x: float, y: float, width: float, height: float, fill: str, edge: str) -> Markup:
    template = Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}" stroke="{}" stroke-width="1.5"/>'
    )
    return template.format(x + 1, y + 1, max(width, 0.0), max(height, 0.0), fill, edge)
