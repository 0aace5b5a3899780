"""Standard output for people, and the one JSON document for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import TextIO

from deepfake_detect.findings import Failure, Finding, Label, Reason, Report
from deepfake_detect.media import JsonValue
from deepfake_detect.report.lines import ORIGINAL_MATCH, matches_of
from deepfake_detect.report.names import title
from deepfake_detect.report.serialise import to_json
from deepfake_detect.report.text import safe_text
from deepfake_detect.report.words import label_words, reason_sentence

from .exits import whole_file

_STYLES = {Label.SYNTHETIC: "bold red", Label.MANIPULATED: "bold red", Label.INCONCLUSIVE: "yellow"}
_MATCHES_TOLD = 2
_FOOTNOTE = (
    "A ratio is the weight of the findings (log10), not the probability of manipulation. “No clear answer” and “no "
    "manipulation found” do not mean that a file is real. (exp.) marks detectors that are experimental and decide "
    "nothing alone."
)


def _name(outcome: Report | Failure) -> str:
    """The file's name; the start of its SHA-256 where the name is not told."""
    path, sha256 = (
        (outcome.path, outcome.sha256) if isinstance(outcome, Failure) else (outcome.media.path, outcome.media.sha256)
    )
    if path:
        return safe_text(PurePath(path).name or path, 60)
    return f"{sha256[:16]}…" if sha256 else "(no name)"


def _result(outcome: Report | Failure) -> tuple[str, str]:
    """The verdict in two or three words, and its style."""
    reason = whole_file(outcome)
    if reason is Reason.UNSUPPORTED:
        return "no media", "dim"
    if reason is not None or isinstance(outcome, Failure):
        return "not analysed", "magenta"
    if outcome.verdict is None:
        return "nothing to test", "magenta"
    return label_words(outcome.verdict.label), _STYLES.get(outcome.verdict.label, "")


def _provenance(facts: Mapping[str, JsonValue]) -> str:
    """What the file says of itself, in one line; the report has all of it."""
    said = []
    if facts.get("declared_origin"):
        said.append(f"declares a {facts['declared_origin']} origin ({facts.get('declared_by')})")
    tools = facts.get("editing_tools")
    if isinstance(tools, tuple) and tools:
        said.append("names " + ", ".join(str(tool) for tool in tools[:3]))
    return "; ".join(said) or "found something, see the report"


def _originals(findings: Iterable[Finding]) -> Iterator[str]:
    """What is shared with the originals that were found, the one with most of it first; the rest are counted."""
    found = sorted((finding.facts for finding in matches_of(findings)), key=_share, reverse=True)
    for facts in found[:_MATCHES_TOLD]:
        original = facts["original"]
        path = original.get("path") if isinstance(original, Mapping) else None
        name = f" ({safe_text(PurePath(str(path)).name, 40)})" if path else ""
        yield f"{title(ORIGINAL_MATCH)}{name}: {safe_text(str(facts['statement']), 240)}"
    if len(found) > _MATCHES_TOLD:
        yield f"{title(ORIGINAL_MATCH)}: {len(found) - _MATCHES_TOLD} more, see the report"


def _share(facts: Mapping[str, JsonValue]) -> float:
    share = facts.get("share_of_suspect_same")
    return share if isinstance(share, float) else 0.0


def _strongest(findings: Iterable[Finding]) -> dict[str, Finding]:
    """The finding with the highest ratio of each detector that scored."""
    strongest: dict[str, Finding] = {}
    for finding in findings:
        best = strongest.get(finding.detector)
        if finding.llr is not None and (best is None or finding.llr > (best.llr or 0.0)):
            strongest[finding.detector] = finding
    return strongest


def _lines(report: Report) -> Iterator[str]:
    """One short line for each detector: its strongest finding, or why it has none."""
    strongest = _strongest(report.findings)
    for finding in strongest.values():
        mark = " (exp.)" if finding.experimental else ""
        yield f"{title(finding.detector)}{mark}: {finding.llr:+.1f} for {safe_text(finding.subject, 20)}"
    for finding in report.findings:
        if finding.llr is None and finding.detector != ORIGINAL_MATCH:
            yield safe_text(f"{title(finding.detector)}: {_provenance(finding.facts)}", 160)
    yield from _originals(report.findings)
    said = {finding.detector for finding in report.findings}
    if strongest:
        said.add("provenance")  # that a scored file carries no declaration is no news
    for abstention in report.abstentions:
        if abstention.detector not in said:
            said.add(abstention.detector)
            yield f"{title(abstention.detector)}: {reason_sentence(abstention.reason)}"


def _why(outcome: Report | Failure) -> str:
    if isinstance(outcome, Failure):
        return safe_text(f"{outcome.message}. {outcome.hint}", 300)
    scan = next((a for a in outcome.abstentions if a.detector == "scan"), None)
    if scan is None:
        return "\n".join(_lines(outcome))
    return safe_text(scan.detail.partition(". ")[0] if scan.reason is Reason.UNSUPPORTED else scan.detail, 300)


def write_table(outcomes: Iterable[Report | Failure], stream: TextIO) -> None:
    """A table of all files, as wide as the terminal, and what its words do not mean."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    table = Table(show_lines=True, expand=False)
    table.add_column("File", overflow="fold", max_width=28)
    table.add_column("Result", max_width=16)
    table.add_column("Why", overflow="fold")
    for outcome in outcomes:
        words, style = _result(outcome)
        table.add_row(Text(_name(outcome)), Text(words, style=style), Text(_why(outcome)))
    if table.row_count:
        console.print(table)
        console.print(Text(_FOOTNOTE, style="dim"))


def write_json(outcomes: Iterable[Report | Failure], stream: TextIO) -> None:
    """One JSON array, written as results come, so that memory does not grow with the run."""
    stream.write("[")
    for i, outcome in enumerate(outcomes):
        stream.write(("," if i else "") + "\n" + to_json(outcome))
        stream.flush()
    stream.write("\n]\n")
