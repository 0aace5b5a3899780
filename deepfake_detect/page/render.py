"""The pages as HTML, from templates that build on those of the reports."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from ..report.court import notice
from ..report.html import environment
from ..report.language import NAMES, Language, translator
from . import pace


def page(template: str, language: Language, **values: Any) -> str:
    """A page in a language. ``values``: what its template names."""
    _ = translator(language)
    common = {
        "_": _, "language": language, "names": NAMES, "previous": None,
        "tongues": {tongue: translator(tongue) for tongue in Language}, "translation": notice(language, _),
        "size": lambda size: pace.size_words(size, _), "kind": lambda kind: pace.kind_words(kind, _),
    }  # fmt: skip
    return _environment().get_template(f"{template}.html.j2").render(common | values)


def style() -> bytes:
    """The style of the reports, and what forms need beside it."""
    report = files("deepfake_detect.report").joinpath("templates", "style.css").read_bytes()
    return report + files(__package__).joinpath("static", "page.css").read_bytes()


def script() -> bytes:
    """What a browser runs."""
    return files(__package__).joinpath("static", "page.js").read_bytes()


@cache
def _environment() -> Environment:
    return environment("deepfake_detect.page")
