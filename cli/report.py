"""``deepfake-detect report``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import exits


class Audience(StrEnum):
    """For whom."""

    COURT = "court"
    SURVIVOR = "survivor"


class Lang(StrEnum):
    """In which language."""

    EN = "en"
    FR = "fr"
    VI = "vi"


class PageFormat(StrEnum):
    """In which form."""

    HTML = "html"
    PDF = "pdf"


def report(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="The case folder.")],
    audience: Annotated[Audience, typer.Option(help="Who reads it.")] = Audience.COURT,
    lang: Annotated[Lang, typer.Option(help="Language; fr and vi were not reviewed by native speakers.")] = Lang.EN,
    format_: Annotated[PageFormat, typer.Option("--format", help="Form.")] = PageFormat.HTML,
    only: Annotated[list[str] | None, typer.Option(metavar="SHA256", help="Only this file; may be repeated.")] = None,
    tagged: Annotated[bool, typer.Option("--tagged", help="Only files that have a tag.")] = False,
    country: Annotated[
        str | None, typer.Option(metavar="XX", help="Whose helplines the survivor's page names.")
    ] = None,
    referrals: Annotated[
        Path | None, typer.Option(envvar="DEEPFAKE_DETECT_REFERRALS", help="Your own list of who helps (TOML).")
    ] = None,
    show_media: Annotated[
        bool, typer.Option("--show-media", help="Show whole pictures; entered in the custody log.")
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who makes it, for the custody log.")] = None,
) -> None:
    """Make a report from a case, for a court or for the person concerned, and print where it lies.

    Examples:

      deepfake-detect report CASE --format pdf

      deepfake-detect report CASE --audience survivor --lang vi --country VN
    """
    with exits.reported_errors():
        from deepfake_detect.case.produce import Audience as Reader
        from deepfake_detect.case.produce import Order, produce
        from deepfake_detect.case.produce import PageFormat as Form
        from deepfake_detect.report.language import Language

        order = Order(
            Reader(audience),
            Language(lang),
            Form(format_),
            tuple(only or ()),
            tagged,
            country,
            referrals,
            show_media,
            by,
        )
        print(produce(case, order))
