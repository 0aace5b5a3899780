"""Damaged files of every format through the ingest worker, and some of them through a whole scan.

    python benchmarks/fuzz.py [--count 10000] [--scan 1000] [--seed N] [--minutes M] [--keep FOLDER]

The files are made from those of ``tests/media/make_media.py``, whose encoders decide their bytes; with the same
packages, file N of a seed is the same on every run. Writes ``results/fuzz.md`` and ``results/fuzz.json``, ends with 1
if a run broke off by itself, a file took longer than its limit, or a file that could not be decoded got a verdict.
``--keep``: where the files that killed a worker go. ``--minutes``: stop after that time; the table tells how far it
came.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "fuzz"), str(ROOT / "tests" / "media")]

from make_media import build  # noqa: E402
from mutate import Mutator  # noqa: E402
from outcome import LIMITS, PLAN, Outcome, ingest  # noqa: E402

from deepfake_detect import Scanner, ScanOptions  # noqa: E402
from deepfake_detect.ingest.isolate import Isolation  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
SEED = 20_261_126
_SLACK_SECONDS = 10.0  # hashing and starting a worker are not counted against a file's limit


def run(count: int, minutes: float, name: str, each: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    """``each(index)`` for every file, with the seconds it took."""
    begun, records = time.monotonic(), []
    for index in range(count):
        if time.monotonic() - begun > minutes * 60:
            break
        started = time.monotonic()
        record = each(index)
        records.append({"index": index, **record, "seconds": round(time.monotonic() - started, 3)})
        if (index + 1) % 250 == 0:
            print(f"{name} {index + 1}/{count} {time.monotonic() - begun:.0f} s", flush=True)
    return records


def ingest_all(mutator: Mutator, count: int, minutes: float, keep: Path | None) -> list[dict[str, Any]]:
    """Only the worker: outcome and message of every file."""
    with Isolation(LIMITS) as isolation:

        def each(index: int) -> dict[str, Any]:
            format_, damage, data = mutator.make(index)
            outcome, message = ingest(isolation, data)
            if outcome is Outcome.KILLED:
                print(f"killed: {index} {format_} {damage}: {message}", flush=True)
                if keep is not None:
                    (keep / f"{index}.{format_}").write_bytes(data)
            return {"format": format_, "damage": damage, "outcome": str(outcome), "message": message}

        return run(count, minutes, "ingest", each)


def scan_all(mutator: Mutator, count: int, minutes: float) -> list[dict[str, Any]]:
    """A whole scan, beside the ingest worker alone, which says whether there was anything to judge."""
    options = ScanOptions(plan=PLAN, limits=LIMITS, pictures=False)
    with Scanner(device="cpu", plugins=False, options=options) as scanner, Isolation(LIMITS) as isolation:

        def each(index: int) -> dict[str, Any]:
            format_, damage, data = mutator.make(index)
            outcome, _ = ingest(isolation, data)
            report = scanner.scan(data)
            verdict = report.verdict is not None
            return {
                "format": format_, "damage": damage, "outcome": str(outcome), "verdict": verdict,
                "reasons": sorted({str(a.reason) for a in report.abstentions if a.detector == "scan"}),
            }  # fmt: skip

        return run(count, minutes, "scan", each)


def rows(records: list[dict[str, Any]], key: str) -> Iterator[str]:
    """Lines of a table: outcomes by ``key``, and their sum."""
    outcomes = [str(outcome) for outcome in Outcome]
    yield f"| {key} | files | {' | '.join(outcomes)} | reached the decoder |"
    yield "|" + "---|" * (len(outcomes) + 3)
    groups: dict[str, Counter[str]] = {}
    for record in records:
        names = set(record[key].split(" + "))
        for name in (*sorted(names), "all"):
            groups.setdefault(name, Counter())[record["outcome"]] += 1
    for name in (*sorted(groups.keys() - {"all"}), "all"):
        found = groups[name]
        total = sum(found.values())
        late = found[Outcome.DECODED] + found[Outcome.REFUSED_LATE]
        cells = " | ".join(str(found[outcome]) for outcome in outcomes)
        yield f"| {name} | {total} | {cells} | {100 * late / total:.0f} % |"


def faults(ingested: list[dict[str, Any]], scanned: list[dict[str, Any]]) -> list[str]:
    """What must not happen."""
    limit = LIMITS.max_wall_seconds + _SLACK_SECONDS
    found = [f"file {r['index']} took {r['seconds']} s" for r in ingested if r["seconds"] > limit]
    found += [
        f"file {r['index']} could not be decoded and has a verdict"
        for r in scanned
        if r["verdict"] and r["outcome"] != Outcome.DECODED
    ]
    return found


def page(arguments: argparse.Namespace, ingested: list[dict[str, Any]], scanned: list[dict[str, Any]]) -> str:
    """The results as Markdown."""
    bad = faults(ingested, scanned)
    slowest = max((r["seconds"] for r in ingested), default=0.0)
    lines = [
        "# Damaged files",
        "",
        f"`python benchmarks/fuzz.py --count {arguments.count} --scan {arguments.scan} --seed {arguments.seed}`",
        "",
        f"{len(ingested)} of {arguments.count} files went through the ingest worker, {len(scanned)} of "
        f"{arguments.scan} through a whole scan. The run itself did not break off. Limits of one file: "
        f"{LIMITS.max_memory_bytes >> 20} MiB, {LIMITS.max_cpu_seconds:g} s of CPU, {LIMITS.max_wall_seconds:g} s of "
        f"waiting; the slowest took {slowest:.1f} s. Faults: {'; '.join(bad) or 'none'}.",
        "",
        "\"Reached the decoder\": the header was read and the pixel or sample decoder ran, with or without a result. "
        "A killed worker costs its file and is replaced.",
        "",
        *rows(ingested, "format"),
        "",
        "A file may carry up to three kinds of damage and then counts in each of their lines.",
        "",
        *rows(ingested, "damage"),
    ]  # fmt: skip
    killed = [r for r in ingested if r["outcome"] == Outcome.KILLED]
    if killed:
        lines += ["", "Killed:", ""]
        lines += [f"- {r['index']} ({r['format']}, {r['damage']}): {r['message']}" for r in killed]
    if scanned:
        verdicts = Counter((r["outcome"], r["verdict"]) for r in scanned)
        lines += ["", "Whole scans:", "", "| in the worker alone | files | with a verdict |", "|---|---|---|"]
        for outcome in Outcome:
            yes, no = verdicts[str(outcome), True], verdicts[str(outcome), False]
            lines.append(f"| {outcome} | {yes + no} | {yes} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--scan", type=int, default=0)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--minutes", type=float, default=1e9, help="for each of the two parts")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        mutator = Mutator(Path(folder), arguments.seed)
    ingested = ingest_all(mutator, arguments.count, arguments.minutes, arguments.keep)
    write(arguments, ingested, [])  # kept, whatever becomes of the scans
    scanned = scan_all(mutator, arguments.scan, arguments.minutes)
    write(arguments, ingested, scanned)
    return 1 if faults(ingested, scanned) else 0


def write(arguments: argparse.Namespace, ingested: list[dict[str, Any]], scanned: list[dict[str, Any]]) -> None:
    """Both files of results."""
    (arguments.output / "fuzz.md").write_text(page(arguments, ingested, scanned), encoding="utf-8")
    counts = Counter((r["format"], r["outcome"]) for r in ingested)
    facts = {
        "command": {"count": arguments.count, "scan": arguments.scan, "seed": arguments.seed},
        "ingested": len(ingested),
        "scanned": len(scanned),
        "outcomes": [{"format": f, "outcome": o, "files": n} for (f, o), n in sorted(counts.items())],
        "killed": [r for r in ingested if r["outcome"] == Outcome.KILLED],
        "verdicts": sum(r["verdict"] for r in scanned),
        "faults": faults(ingested, scanned),
    }
    (arguments.output / "fuzz.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
