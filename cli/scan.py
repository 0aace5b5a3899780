"""``deepfake-detect scan``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from . import exits
from .folder_run import Point

if TYPE_CHECKING:
    from deepfake_detect.case.ledger import Mode
    from deepfake_detect.case.private import Handling
    from deepfake_detect.case.writer import CaseWriter
    from deepfake_detect.errors import UnreadableError
    from deepfake_detect.executors.ray import RayExecutor
    from deepfake_detect.findings import Failure, Report
    from deepfake_detect.ledger import Ledger
    from deepfake_detect.media import SamplingPlan
    from deepfake_detect.options import ScanOptions
    from deepfake_detect.originals import Comparer
    from deepfake_detect.pipeline import Scanner

    Outcome: TypeAlias = Report | Failure


class Format(StrEnum):
    """What goes to standard output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class Device(StrEnum):
    """Where the models run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Where(StrEnum):
    """What scans the files."""

    LOCAL = "local"
    RAY = "ray"


def scan(
    paths: Annotated[list[str], typer.Argument(help="Files and folders; - reads a list of paths from standard input.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="CASE", help="Case folder for the JSON and HTML reports.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TABLE,
    detectors: Annotated[
        str | None, typer.Option(help="Detectors to run, comma-separated; see `deepfake-detect detectors list`.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the models run.")] = Device.AUTO,
    fps: Annotated[
        float | None, typer.Option(min=0.001, help="Frames a second to look at; default: spread --max-frames.")
    ] = None,
    max_frames: Annotated[int, typer.Option(min=1, help="At most this many frames of a video.")] = 32,
    max_audio: Annotated[float, typer.Option(min=1, help="Seconds of sound to look at.")] = 600.0,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds for one file.")] = None,
    trust_list: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="PEM file of certificates whose Content Credentials are trusted."
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Language spoken in the files, as you know it: vi, fr, en ...; never guessed.")
    ] = None,
    robustness: Annotated[
        bool, typer.Option(help="Score again after re-shippings, as messengers and screenshots do; takes longer.")
    ] = True,
    weights: Annotated[Path | None, typer.Option(help="Folder searched first for weights.")] = None,
    case_id: Annotated[str | None, typer.Option(help="Identifier of the case; heads every report.")] = None,
    exhibit: Annotated[str | None, typer.Option(help="Identifier of the exhibit scanned now.")] = None,
    examiner: Annotated[str | None, typer.Option(help="Who scans.")] = None,
    organisation: Annotated[str | None, typer.Option(help="For which organisation.")] = None,
    survivor: Annotated[
        bool, typer.Option("--survivor", help="Keep names, paths and pictures of people out of every output.")
    ] = False,
    minor: Annotated[
        bool, typer.Option("--minor", help="A child is or may be shown: no picture, ever; cannot be taken back.")
    ] = False,
    profile: Annotated[str | None, typer.Option(help="standard or survivor; default: of this installation.")] = None,
    pictures: Annotated[
        bool | None, typer.Option("--pictures/--no-pictures", help="Whether crops and maps of people are kept.")
    ] = None,
    originals: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Originals to compare with; may be given several times.")
    ] = None,
    supplied_by: Annotated[str | None, typer.Option(help="Who supplied the originals; stands in the report.")] = None,
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Load nothing foreign.")] = False,
    max_pixels: Annotated[int, typer.Option(min=1, help="Refuse larger pictures and frames.")] = 150_000_000,
    max_seconds: Annotated[float, typer.Option(min=1, help="Refuse longer videos and recordings.")] = 86_400.0,
    max_memory: Annotated[
        float, typer.Option(min=0.1, metavar="GIB", help="Refuse files that need more memory to decode.")
    ] = 4.0,
    fail_on: Annotated[
        str | None, typer.Option(help="Exit with 10 if a file has one of these labels, comma-separated.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="In folders too, make maps, crops, pages and robustness tests for all files.")
    ] = False,
    operating_point: Annotated[
        Point | None, typer.Option(help="Thresholds; default: strict for folders, standard for named files.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="CSV", help="What Autopsy, IPED or others say of the exported files.")
    ] = None,
    known: Annotated[
        list[Path] | None, typer.Option(metavar="HASHES", help="Leave out files with these MD5, SHA-1 or SHA-256.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="X,Y,W,H", help="The part of the picture to look at, in pixels.")
    ] = None,
    executor: Annotated[Where, typer.Option(help="Scan here, or on a Ray cluster (extra [cluster]).")] = Where.LOCAL,
    address: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Of the Ray cluster.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count files by kind and estimate time and disk; write nothing.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the case: scan what is not finished.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="As --resume, and retry what failed.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Scan all again, with other options than before.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")] = False,
) -> None:
    """Scan pictures, videos, sound and folders of them.

    Examples:

      deepfake-detect scan picture.jpg

      deepfake-detect scan -o CASE evidence/ voice-note.opus

      find . -name '*.mp4' | deepfake-detect scan -o CASE -

      deepfake-detect scan --format jsonl evidence/ > results.jsonl

      deepfake-detect scan --dry-run evidence/

      deepfake-detect scan -o CASE --manifest FileList.csv --known nsrl.txt export/

      deepfake-detect scan -o CASE --resume evidence/

    Exit codes: 0 done, 1 nothing could be analysed, 2 wrong usage, 3 some files failed, 10 a label of --fail-on,
    130 interrupted.
    """
    with exits.reported_errors():
        from deepfake_detect.errors import DeepfakeDetectError
        from deepfake_detect.media import SamplingPlan
        from deepfake_detect.pipeline import Scanner

        from .folder_run import drive, in_full, point
        from .handling import handling, keeps_pictures
        from .interrupt import interruptible
        from .progress import shown

        labels = exits.parse_labels(fail_on)
        plan = SamplingPlan(fps, max_frames, max_audio)
        handled = handling(profile, survivor, minor, case_id, exhibit, examiner, organisation)
        keeps_pictures(pictures, handled)  # wrong usage is told before a folder is made
        mode = _mode(output, resume, retry_failed, restart)
        listed = drive(known, manifest)
        if dry_run:
            from .dry_run import dry_run as survey

            survey(_files(paths, output), max_audio, full, quiet)
            raise typer.Exit(exits.DONE)
        tally = exits.Tally()
        with (
            interruptible(lambda: _stopped(output, handled, tally)),
            _case(output, handled, paths, quiet) as case,
            listed.entered(case),
        ):
            handled = case.handling if case else handled
            kept = keeps_pictures(pictures, handled)
            at = point(operating_point, paths, None if restart else case)
            options = _options(
                plan, max_pixels, max_seconds, max_memory, kept, trust_list, language, robustness, at, region,
            )  # fmt: skip
            compared = _originals(originals, case, options, weights, supplied_by, handled, quiet)
            with Scanner(
                device=device.value, detectors=detectors.split(",") if detectors else None, options=options,
                weights=str(weights) if weights else None, plugins=not no_plugins, comparer=compared,
            ) as scanner, shown(quiet, named=not handled.survivor) as progress:  # fmt: skip
                _tell_unprotected(scanner.protections)
                _refuse_older(case, scanner)
                outcomes = scanner.scan_all(
                    _files(paths, output), timeout=timeout, progress=progress,
                    ledger=listed.ledger(_ledger(case, mode)), full=in_full(paths, full),
                    executor=_executor(executor, address),
                )  # fmt: skip
                ids = tuple(loaded.card.id for loaded in scanner.detectors)
                _write(format_, _kept(map(listed.join, outcomes), tally, case, handled), ids)
            listed.tell(sys.stdout if format_ is Format.TABLE else sys.stderr)
        if not tally.files:
            what = "every file is known" if listed.left_out else "no file to scan"
            raise DeepfakeDetectError(what, "Name a file, or a folder that holds one.")
        raise typer.Exit(tally.exit_code(labels))


def _originals(
    originals: list[Path] | None, case: CaseWriter | None, options: ScanOptions, weights: Path | None,
    supplied_by: str | None, handled: Handling, quiet: bool,
) -> Comparer | None:  # fmt: skip
    """The originals to compare with, if there are any, entered in the case."""
    if not originals:
        return None
    from .originals import comparer

    folder = case.places.data / "originals" if case else None
    compared = comparer(originals, folder, options.limits, weights, supplied_by, not handled.survivor, quiet)
    if case:
        case.enter_originals({r.sha256: r.supplied for r in compared.index.records}, supplied_by)
    return compared


def _executor(where: Where, address: str | None) -> RayExecutor | None:
    """Raises ``UsageError`` for a cluster without an address, or an address without one."""
    from deepfake_detect.errors import UsageError

    if (where is Where.RAY) != (address is not None):
        raise UsageError("--executor ray and --address HOST:PORT belong together", "Name both, or neither.")
    if address is None:
        return None
    from deepfake_detect.executors.ray import RayExecutor

    return RayExecutor(address)


def _refuse_older(case: CaseWriter | None, scanner: Scanner) -> None:
    """Weights that were added may not go back to a lower version within a case."""
    if case is not None:
        from deepfake_detect.case.reader import CaseReader
        from deepfake_detect.case.versions import refuse_older

        refuse_older(CaseReader(case.folder), [loaded.record for loaded in scanner.detectors])


def _mode(output: Path | None, resume: bool, retry_failed: bool, restart: bool) -> Mode | None:
    """How the case's earlier results are used; None where nothing was said."""
    from deepfake_detect.case.ledger import Mode
    from deepfake_detect.errors import UsageError

    said = {Mode.RESUME: resume, Mode.RETRY_FAILED: retry_failed, Mode.RESTART: restart}
    modes = [mode for mode, wanted in said.items() if wanted]
    if len(modes) > 1:
        raise UsageError("--resume, --retry-failed and --restart exclude each other", "Name one of them.")
    if modes and output is None:
        raise UsageError("there is no case to go on with", "Name its folder with -o.")
    return modes[0] if modes else None


def _stopped(output: Path | None, handled: Handling, tally: exits.Tally) -> str:
    """What an interrupted run says: how far it came, and how to go on."""
    from deepfake_detect.report.text import safe_text

    from .interrupt import resume_command

    files = f"Stopped after {tally.files:,} file{'s' * (tally.files != 1)}."
    if output is None:
        return f"{files} Nothing was kept; name a case folder with -o to be able to go on."
    if handled.survivor:  # the command names the evidence
        return f"{files} The case is kept. Go on with the same command and --resume."
    return f"{files} The case is kept. Go on with:\n  {safe_text(resume_command(sys.argv[1:]), 4000)}"


def _ledger(case: CaseWriter | None, mode: Mode | None) -> Ledger | None:
    from deepfake_detect.case.ledger import CaseLedger, Mode

    return CaseLedger(case, mode or Mode.AGAIN) if case is not None else None


def _tell_unprotected(protections: tuple[str, ...]) -> None:
    if protections[0].startswith("none:"):
        print(f"Protections: {protections[0]}", file=sys.stderr)


def _options(
    plan: SamplingPlan, max_pixels: int, max_seconds: float, max_memory: float, pictures: bool,
    trust_list: Path | None, language: str | None, robustness: bool, at: str, region: str | None,
) -> ScanOptions:  # fmt: skip
    from deepfake_detect.ingest import Limits
    from deepfake_detect.options import ScanOptions, parse_language, parse_region

    trusted = trust_list.read_text(encoding="utf-8", errors="replace") if trust_list else None
    limits = Limits(max_pixels=max_pixels, max_seconds=max_seconds, max_memory_bytes=int(max_memory * 2**30))
    spoken = parse_language(language) if language is not None else None
    part = parse_region(region) if region is not None else None
    return ScanOptions(plan, limits, pictures, trusted, spoken, robustness, at, part)


def _files(paths: list[str], output: Path | None) -> Iterator[Path | UnreadableError]:
    """The files to scan, in order, without those of the case itself; a lone dash stands for paths on standard input."""
    from deepfake_detect.ingest import find_files

    case = output.resolve() if output else None
    for path in paths:
        named = (line.rstrip("\r\n") for line in sys.stdin) if path == "-" else iter((path,))
        for file in find_files(name for name in named if name):
            if not (case and isinstance(file, Path) and file.resolve().is_relative_to(case)):
                yield file


@contextmanager
def _case(output: Path | None, handled: Handling, paths: list[str], quiet: bool) -> Iterator[CaseWriter | None]:
    """The case, if one is wanted; finalised whatever happens, unless the run is interrupted."""
    if output is None:
        yield None
        return
    from deepfake_detect.case.evidence import roots_of
    from deepfake_detect.case.writer import CaseWriter
    from deepfake_detect.report.text import safe_text

    with CaseWriter(output, handled, roots_of(paths)) as case:
        yield case
    if not quiet:
        print(f"Reports: {safe_text(str(output / 'data' / 'index.html'))}", file=sys.stderr)


def _kept(
    outcomes: Iterable[Outcome], tally: exits.Tally, case: CaseWriter | None, handled: Handling
) -> Iterator[Outcome]:
    """Take out what may not be told, count each outcome and write it into the case before it is printed."""
    from deepfake_detect.case.private import prepared

    for outcome in (prepared(outcome, handled) for outcome in outcomes):
        if case is not None:
            case.add(outcome)
        tally.add(outcome)
        yield outcome


def _write(format_: Format, outcomes: Iterator[Outcome], detectors: tuple[str, ...]) -> None:
    if format_ is Format.TABLE:
        from .render import write_table

        write_table(outcomes, sys.stdout)
    elif format_ is Format.CSV:
        from deepfake_detect.report.csv import write_csv

        write_csv(outcomes, sys.stdout, detectors)
    elif format_ is Format.JSONL:
        from deepfake_detect.report.jsonl import write_jsonl

        write_jsonl(outcomes, sys.stdout)
    else:
        from .render import write_json

        write_json(outcomes, sys.stdout)
