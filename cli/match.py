"""``deepfake-detect match``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import exits

if TYPE_CHECKING:
    from deepfake_detect.findings import Report


class Format(StrEnum):
    """What goes to standard output."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


def match(
    suspect: Annotated[Path, typer.Argument(help="The picture or video under examination.")],
    originals: Annotated[list[Path], typer.Argument(help="Files, or folders of them, supplied as originals.")],
    format_: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TEXT,
    supplied_by: Annotated[str | None, typer.Option(help="Who supplied the originals; stands in the report.")] = None,
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="Keep no picture of anybody.")] = False,
    show_media: Annotated[
        bool, typer.Option("--show-media", help="Show whole pictures in the HTML page; else they are covered.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
) -> None:
    """Tell which original a file shares content with, and where it differs from the file supplied as original.

    Examples:

      deepfake-detect match suspect.jpg original.jpg

      deepfake-detect match --format html --show-media suspect.jpg originals/ > match.html

    Exit codes: 0 compared, whatever was found, 1 not compared, 2 wrong usage.
    """
    with exits.reported_errors():
        from deepfake_detect.case.private import without_names
        from deepfake_detect.ingest import Limits
        from deepfake_detect.options import ScanOptions
        from deepfake_detect.pipeline import Scanner

        from .handling import keeps_pictures, nameless_errors, of_installation
        from .originals import comparer

        limits, handled = Limits(), of_installation()
        options = ScanOptions(limits=limits, pictures=keeps_pictures(False if no_pictures else None, handled))
        with nameless_errors(handled):
            made = comparer(originals, None, limits, None, supplied_by, not handled.survivor, quiet)
            with Scanner(device="cpu", detectors=["provenance"], options=options, comparer=made) as scanner:
                report = scanner.scan(suspect)
        report = without_names(report) if handled.survivor else report
        _write(report, format_, show_media)
        failed = any(a.detector == "scan" for a in report.abstentions)
        raise typer.Exit(exits.FAILED if failed else exits.DONE)


def _write(report: Report, format_: Format, show_media: bool) -> None:
    if format_ is Format.JSON:
        print(report.to_json(indent=2))
    elif format_ is Format.HTML:
        from deepfake_detect.case.cover import with_nudity_covered
        from deepfake_detect.report.html import render_report
        from deepfake_detect.report.pictures import Cover

        (shown,), cover = ((report,), Cover.NOTHING) if show_media else with_nudity_covered([report])
        sys.stdout.write(render_report(shown, cover=cover))
    else:
        _write_text(report)


def _write_text(report: Report) -> None:
    from deepfake_detect.report.lines import ORIGINAL_MATCH, matches_of
    from deepfake_detect.report.text import safe_text

    for finding in matches_of(report.findings):
        facts: Any = finding.facts  # as the schema types them
        name = facts["original"]["path"] or "an original whose name is not told"
        print(f"{safe_text(name, 300)}\n  {safe_text(facts['statement'], 600)}.")
        for zone in facts["zones"]:
            print(f"  {zone['zone']} of {zone['subject']}: {zone['state'].replace('_', ' ')}")
        ratio = facts["log10_likelihood_ratio"]
        weight = f"{ratio:+.2f}" if isinstance(ratio, float) else "not calibrated"
        print(f"  {facts['matching_places']} matching places; log10 likelihood ratio that they share content: {weight}")
        for hint in facts["order"]:
            print(f"  Which came first: {safe_text(hint, 400)}")
    for abstention in report.abstentions:
        if abstention.detector in (ORIGINAL_MATCH, "scan"):
            print(f"{safe_text(abstention.detail, 600)}.")
    for gap in report.coverage_gaps:
        print(f"Not covered: {safe_text(gap, 400)}")
