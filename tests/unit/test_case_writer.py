"""The case folder: names, modes, resuming, and what a full or forbidden disk leaves behind."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from make_report import HOSTILE, make_clean_report, make_failure, make_hostile_report, make_report

from deepfake_detect.case.custody import Action, read_chain
from deepfake_detect.case.files import append_line
from deepfake_detect.case.ledger import CaseLedger, Mode
from deepfake_detect.case.reader import CaseReader
from deepfake_detect.case.verify import verify
from deepfake_detect.case.versions import refuse_older
from deepfake_detect.case.writer import CaseWriter
from deepfake_detect.checkpoints import ADDED
from deepfake_detect.errors import ReportError, UsageError
from deepfake_detect.findings import Reason, Report, Verdict
from deepfake_detect.ledger import RecentReports, at
from deepfake_detect.report.index import index_entry
from deepfake_detect.report.serialise import result_from_json, to_json

GOLDEN = Path(__file__).parents[1] / "golden"


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _index(folder: Path) -> list[dict[str, object]]:
    files: list[dict[str, object]] = json.loads((folder / "data" / "index.json").read_bytes())["files"]
    return files


def _elsewhere(report: Report, path: str) -> Report:
    return replace(report, media=replace(report.media, path=path))


def test_a_case_holds_reports_pictures_and_an_index(tmp_path: Path) -> None:
    case = CaseWriter(tmp_path / "new" / "case")
    report, clean, failure = make_report(), make_clean_report(), make_failure()
    page = case.add(report)
    case.add(clean)
    case.add(failure)
    assert case.finish() == case.folder / "data" / "index.html"
    names = (report.media.sha256, clean.media.sha256, str(failure.sha256))
    written = _files(case.folder)
    assert {f"data/reports/{name}.{end}" for name in names for end in ("json", "html")} <= written
    assert {"data/index.html", "data/index.json", "data/info.json", "bagit.txt", "custody.jsonl"} <= written
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    stored = Report.from_json(page.with_suffix(".json").read_bytes())
    assert replace(stored, case=None) == report
    images = list((case.folder / "data" / "images").iterdir())
    assert len(images) == 8
    assert all(hashlib.sha256(image.read_bytes()).hexdigest() == image.stem for image in images)
    assert [entry["label"] for entry in _index(case.folder)] == ["manipulated", "no_manipulation_found", None]


@pytest.mark.skipif(os.name != "posix", reason="modes exist on POSIX only")
def test_nobody_else_can_look_into_a_case(tmp_path: Path) -> None:
    case = CaseWriter(tmp_path / "case")
    case.add(make_report())
    case.finish()
    for path in [case.folder, *case.folder.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert case.folder.stat().st_mode & 0o777 == 0o700


def test_the_same_bytes_at_several_paths_are_one_report(tmp_path: Path) -> None:
    case = CaseWriter(tmp_path)
    for path in ("a.mp4", "b.mp4", "a.mp4"):
        case.add(_elsewhere(make_report(), path))
    case.add(replace(make_failure(), path="c.mp4", sha256=make_report().media.sha256))
    case.finish()
    (entry,) = _index(tmp_path)
    assert entry["paths"] == ["a.mp4", "b.mp4", "c.mp4"] and entry["label"] == "manipulated"
    assert (
        Report.from_json((tmp_path / "data" / "reports" / f"{entry['name']}.json").read_bytes()).media.path == "a.mp4"
    )
    index = (tmp_path / "data" / "index.html").read_text(encoding="utf-8")
    assert all(name in index for name in ("a.mp4", "b.mp4", "c.mp4"))


def test_a_later_answer_replaces_what_failed_and_another_run_replaces_all(tmp_path: Path) -> None:
    report = make_report()
    case = CaseWriter(tmp_path)
    case.add(replace(make_failure(), sha256=report.media.sha256))
    for later in (
        replace(report, findings=(), verdict=None),
        report,
        replace(make_clean_report(), media=report.media, run=replace(report.run, fingerprint="other")),
    ):
        page = case.add(later)
        assert replace(result_from_json(page.with_suffix(".json").read_bytes()), case=None) == later


def test_a_failure_without_a_hash_is_named_by_the_hash_of_its_path(tmp_path: Path) -> None:
    case = CaseWriter(tmp_path)
    for path in HOSTILE:
        page = case.add(replace(make_failure(), path=path, sha256=None))
        expected = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        assert page.name == f"failure-{expected}.html"
    case.finish()
    assert len(_index(tmp_path)) == len(HOSTILE)


def test_no_file_is_ever_named_by_media_or_by_a_forged_hash(tmp_path: Path) -> None:
    case = CaseWriter(tmp_path / "case")
    report = make_report()
    for name in ("../../outside", "x" * 64, "A" * 64, "", "5b" * 32 + "\n"):
        with pytest.raises(ReportError, match="SHA-256"):
            case.add(replace(report, media=replace(report.media, sha256=name)))
    with pytest.raises(ReportError, match="hash"):
        case.add(make_hostile_report())
    assert _files(tmp_path) == {"case/data/info.json", "case/custody.jsonl"}


def test_a_case_goes_on_after_a_crash(tmp_path: Path) -> None:
    case = CaseWriter(tmp_path)
    case.add(_elsewhere(make_report(), "a.mp4"))
    case.add(_elsewhere(make_report(), "b.mp4"))
    with (tmp_path / "data" / "entries.jsonl").open("ab") as stream:
        stream.write(b'{"name": "torn')
    with (tmp_path / "custody.jsonl").open("ab") as stream:
        stream.write(b'{"n": 4, "time')
    del case
    again = CaseWriter(tmp_path)
    again.add(make_clean_report())
    again.add(make_failure())
    again.finish()
    CaseWriter(tmp_path).finish()
    entries, problems = read_chain(tmp_path / "custody.jsonl")
    assert not problems and [entry.action for entry in entries].count(Action.REPAIRED) == 1
    assert [entry["paths"] for entry in _index(tmp_path)] == [
        ["a.mp4", "b.mp4"],
        ["astronaut.jpg"],
        [make_failure().path],
    ]


def test_a_damaged_record_of_a_case_is_refused(tmp_path: Path) -> None:
    CaseWriter(tmp_path).add(make_failure())
    with (tmp_path / "data" / "entries.jsonl").open("ab") as stream:
        stream.write(b'{"name": 1}\n')
    with pytest.raises(ReportError, match=r"entries\.jsonl is damaged: name: expected text, not 1"):
        CaseWriter(tmp_path)


@pytest.mark.parametrize(
    "marker", [None, "{}", "[]", "\xff", '{"format": "deepfake-detect case", "schema": "2.0.0"}', "[" * 100_000]
)
def test_a_folder_that_is_no_case_is_refused_untouched(tmp_path: Path, marker: str | None) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    if marker is not None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "info.json").write_text(marker, encoding="latin-1")
    before = _files(tmp_path)
    with pytest.raises(ReportError) as caught:
        CaseWriter(tmp_path)
    assert "-o" in caught.value.hint and _files(tmp_path) == before


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ReportError, match="cannot write"):
            CaseWriter(path)


def test_a_document_that_cannot_be_put_in_place_leaves_nothing_half_written(tmp_path: Path) -> None:
    case = CaseWriter(tmp_path)
    blocked = tmp_path / "data" / "reports" / f"{make_report().media.sha256}.html"
    (blocked / "x").mkdir(parents=True)
    with pytest.raises(ReportError, match="cannot write"):
        case.add(make_report())
    assert not list(tmp_path.rglob(".writing-*")) and not (tmp_path / "data" / "entries.jsonl").exists()


WRITE = f"""
import sys; sys.path.insert(0, {str(GOLDEN)!r})
from make_report import make_report
from deepfake_detect.case.writer import CaseWriter
from deepfake_detect.case.files import append_line
from deepfake_detect.case.ledger import CaseLedger, Mode
from deepfake_detect.case.reader import CaseReader
from deepfake_detect.checkpoints import ADDED
from deepfake_detect.errors import ReportError, UsageError
try:
    case = CaseWriter(sys.argv[1])
    case.add(make_report())
    case.finish()
except ReportError as error:
    print(error.message, "|", error.hint)
"""


@pytest.mark.skipif(os.name != "posix", reason="uses POSIX modes")
def test_an_unwritable_folder_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    command = [sys.executable, "-c", WRITE, str(tmp_path / "case")]
    if os.geteuid() == 0:  # whom modes do not bind
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    tmp_path.chmod(0o700)
    assert "Permission denied" in done.stdout and "-o" in done.stdout
    assert not done.stderr and not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small file system")
def test_a_full_disk_is_one_clear_line_and_no_torn_document(tmp_path: Path) -> None:
    script = f"""
    mount -t tmpfs -o size=$0 tmpfs "{tmp_path}" && "{sys.executable}" -c "$1" "{tmp_path}/case" && cd "{tmp_path}/case"
    for f in data/*.json data/reports/*.json; do
        [ ! -e "$f" ] || "{sys.executable}" -m json.tool "$f" >/dev/null || echo TORN "$f"
    done
    find . -name ".writing-*" -exec echo LEFT {{}} \\;
    """
    seen_full = 0
    for size in ("48k", "200k", "420k", "8m"):
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, size, WRITE], capture_output=True, text=True, check=True
        )
        assert "TORN" not in done.stdout and "LEFT" not in done.stdout, done.stdout
        assert not done.stderr, done.stderr
        seen_full += "No space left" in done.stdout and "Free space" in done.stdout
    assert seen_full == 3, "the last size is large enough, the others are not"


def test_reasons_of_a_report_without_verdict_reach_the_index(tmp_path: Path) -> None:
    case = CaseWriter(tmp_path)
    case.add(replace(make_report(), findings=(), verdict=None))
    case.finish()
    assert _index(tmp_path)[0]["failure"] == Reason.TOO_SMALL.value


KILLED = f"""
import sys; sys.path.insert(0, {str(GOLDEN)!r})
from dataclasses import replace
from make_report import make_clean_report
from deepfake_detect.case.writer import CaseWriter
report = make_clean_report()
print("ready", flush=True)
for i in range(1000):
    with CaseWriter(sys.argv[1]) as case:
        for j in range(3):
            case.add(replace(report, media=replace(report.media, path=f"{{i}}-{{j}}", sha256=f"{{i * 3 + j:064x}}")))
"""


def test_a_case_killed_at_any_moment_goes_on_and_is_whole(tmp_path: Path) -> None:
    """Opening, adding and finalising, killed again and again: what was told to be written is there, and verifies."""
    seen = 0
    for i in range(12):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "case")], stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline()
        deadline = time.monotonic() + 0.5 * (i % 3)  # some at once, some while it writes, on however busy a machine
        while time.monotonic() < deadline and len(list(tmp_path.glob("case/data/reports/*.json"))) < 3 * i:
            time.sleep(0.002)
        time.sleep(0.003 * i)
        process.kill()
        process.wait()
        process.stdout.close()
        case = CaseWriter(tmp_path / "case")
        case.add(make_failure())
        case.finish()
        assert not verify(tmp_path / "case").problems
        entries = _index(tmp_path / "case")
        assert len(entries) >= seen
        seen = len(entries)
        assert all((tmp_path / "case" / "data" / "reports" / f"{e['name']}.json").exists() for e in entries)
        assert not list(tmp_path.rglob(".writing-*"))
    assert seen > 4


def test_what_a_start_cut_short_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "case" / "data" / "reports").mkdir(parents=True)
    (tmp_path / "case" / "custody.jsonl").touch()
    (tmp_path / "case" / "data" / ".writing-x").write_bytes(b"half")
    CaseWriter(tmp_path / "case").finish()
    assert not verify(tmp_path / "case").problems and not list(tmp_path.rglob(".writing-*"))


@pytest.mark.parametrize("verdict", [None, make_report().verdict])
def test_a_duplicate_leaves_the_page_and_its_pictures(tmp_path: Path, verdict: Verdict | None) -> None:
    case, ledger = CaseWriter(tmp_path / "case"), RecentReports()
    report = _elsewhere(replace(make_report(), verdict=verdict), "first.mp4")
    page = case.add(report)
    before = page.read_bytes()
    assert before.count(b"data:image") > 1
    ledger.begin("x")
    ledger.add(report)
    found = ledger.find(report.media.sha256, full=False)
    assert found is not None
    case.add(at(found, "second.mp4"))
    assert page.read_bytes() == before
    case.finish()
    assert "second.mp4" in (case.folder / "data" / "index.html").read_text(encoding="utf-8")


def test_a_report_that_the_log_does_not_vouch_for_is_made_again(tmp_path: Path) -> None:
    """A crash between a restarted run's document and its line in the log."""
    folder, report = tmp_path / "case", make_report()
    name = report.media.sha256
    CaseWriter(folder).add(report)
    again = replace(report, run=replace(report.run, fingerprint="f2", id="second"))
    killed = CaseWriter(folder)
    killed._write_documents(again, killed.places.reports / f"{name}.html")
    append_line(killed.places.log("entries"), to_json(index_entry(again, name)).encode("ascii"))
    killed._log.close()
    case = CaseWriter(folder)
    ledger = CaseLedger(case, Mode.RESUME)
    ledger.begin("f2")
    assert ledger.find(name, full=False) is None
    case.add(again)
    assert ledger.find(name, full=False) is not None
    case.finish()
    assert not verify(folder).problems


def with_weights(report: Report, version: str) -> Report:
    """The report as if each detector had weights that a person added."""
    detectors = tuple(
        replace(d, weights=tuple(replace(w, id="theirs", version=version, origin=ADDED) for w in d.weights))
        for d in report.run.detectors
    )
    return replace(report, run=replace(report.run, detectors=detectors))


def test_versions_of_added_weights_are_compared_without_reading_the_reports(tmp_path: Path) -> None:
    with CaseWriter(tmp_path / "case") as case:
        case.add(with_weights(make_report(), "1.10.0"))
        case.add(with_weights(make_clean_report(), "1.2.0"))
    information = tmp_path / "case" / "data" / "info.json"
    kept = json.loads(information.read_bytes())
    assert kept["added"] == {"theirs": "1.10.0"}
    now, older = (with_weights(make_report(), version).run.detectors for version in ("1.10.0", "1.9.0"))
    information.write_text(json.dumps({name: value for name, value in kept.items() if name != "added"}))
    with pytest.raises(UsageError, match=r"theirs 1\.10\.0, and 1\.9\.0 is here"):
        refuse_older(CaseReader(tmp_path / "case"), older)  # a case begun before: its reports are read
    information.write_text(json.dumps(kept))
    for path in (tmp_path / "case" / "data" / "reports").glob("*.json"):
        path.unlink()
    refuse_older(CaseReader(tmp_path / "case"), now)
    with pytest.raises(UsageError, match=r"theirs 1\.10\.0, and 1\.9\.0 is here"):
        refuse_older(CaseReader(tmp_path / "case"), older)
