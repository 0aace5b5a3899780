"""A document as PDF, by typst. Texts go in as data, pictures as files in memory; nothing is fetched, nothing of a
person is written to a temporary file.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import asdict
from importlib.resources import as_file, files
from typing import Any

from ..errors import ReportError
from .document import Document, Figure, Figures, Grid
from .text import safe_text

_MAX_TEXT = 10_000
_WIDE = 640  # units of a drawing as wide as the page


def render_pdf(document: Document) -> bytes:
    """The bytes of the PDF, the same for the same document. Raises ``ReportError`` if it fails."""
    import typst

    pictures: dict[str, bytes] = {}
    data = _safe(_plain(document, pictures))
    template = files(__package__).joinpath("templates", "document.typ").read_bytes()
    source: Any = {"main.typ": template, **pictures}  # files in memory; the stub leaves this form out
    try:
        with as_file(files(__package__) / "fonts") as fonts:
            pdf = typst.compile(
                source,
                font_paths=[fonts],
                ignore_system_fonts=True,
                sys_inputs={"document": json.dumps(data, ensure_ascii=True)},
                format="pdf",
                timestamp=0,
            )
    except typst.TypstError as error:
        raise ReportError(
            f"the PDF could not be made: {error}", "Ask for --format html, and tell its authors."
        ) from error
    return bytes(pdf)


def _plain(document: Document, pictures: dict[str, bytes]) -> dict[str, Any]:
    """The document as JSON-like data; pictures are put into ``pictures`` under a name."""
    sections = []
    for section in document.sections:
        blocks = []
        for block in section.blocks:
            if isinstance(block, Figures):
                items = [_figure(item, block.wide, pictures) for item in block.items]
                blocks.append({"kind": block.kind, "wide": block.wide, "large": block.large, "items": items})
            else:
                blocks.append(asdict(block) | ({"columns": block.shares} if isinstance(block, Grid) else {}))
        sections.append({"title": section.title, "style": section.style, "label": section.label, "blocks": blocks})
    return {
        "title": document.title, "brand": document.brand, "language": document.language.value,
        "notice": document.notice, "sections": sections,
    }  # fmt: skip


def _figure(figure: Figure, wide: bool, pictures: dict[str, bytes]) -> dict[str, str]:
    name = ""
    if not figure.cover:
        name = f"{len(pictures)}.svg"
        pictures[name] = _sized(figure.data) if figure.svg else _wrapped(figure)
    return {
        "file": name, "alternative": figure.alternative, "caption": figure.caption, "time": figure.time,
        "cover": figure.cover,
    }  # fmt: skip


def _sized(svg: bytes) -> bytes:
    """A drawing that fits every width, at the width of the page."""
    return svg.replace(b'width="100%"', b'width="%d"' % _WIDE, 1)


def _wrapped(figure: Figure) -> bytes:
    """A PNG as a drawing of its own size: the binding to typst takes files of text only. ``grey`` shows it through a
    filter.
    """
    width, height = struct.unpack(">II", figure.data[16:24])
    size = f'width="{width}" height="{height}"'
    grey = '<filter id="grey" x="0" y="0" width="1" height="1"><feColorMatrix type="saturate" values="0"/></filter>'
    shade = 'filter="url(#grey)"' if figure.grey else ""
    data = base64.b64encode(figure.data).decode("ascii")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size}>{grey if figure.grey else ""}'
        f'<image {size} {shade} href="data:image/png;base64,{data}"/></svg>'
    ).encode()


def _safe(value: Any) -> Any:
    """Every text without control and bidirectional characters, as on a page in HTML."""
    if isinstance(value, str):
        return safe_text(value, _MAX_TEXT)
    if isinstance(value, list | tuple):
        return [_safe(item) for item in value]
    if isinstance(value, dict):
        return {key: _safe(item) for key, item in value.items()}
    return value
