"""A finalised case: whatever is changed in it, `verify` finds it; an untouched one passes, also the reference tool."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from make_report import make_clean_report, make_failure, make_report

from deepfake_detect.case.bag import Listed, manifest_bytes, parse_manifest
from deepfake_detect.case.custody import Action, CustodyEntry, read_chain
from deepfake_detect.case.notes import make_note
from deepfake_detect.case.private import Handling
from deepfake_detect.case.seal import UNSIGNED, ProblemKind
from deepfake_detect.case.verify import verify
from deepfake_detect.case.writer import CaseWriter
from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.errors import ReportError, UsageError
from deepfake_detect.findings import CaseRecord, Report
from deepfake_detect.ingest import identify
from deepfake_detect.report.serialise import from_json, to_json

WHO = CaseRecord("2026-117", "E1", "A. Examiner", "An Organisation")


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A small finalised case: one file that could not be decoded."""
    with CaseWriter(tmp_path / "case", Handling(WHO)) as writer:
        writer.add(make_failure())
    return tmp_path / "case"


@pytest.fixture
def with_pictures(tmp_path: Path) -> Path:
    with CaseWriter(tmp_path / "case", Handling(WHO)) as writer:
        writer.add(make_report())
        writer.add(make_clean_report())
        writer.add(make_failure())
    return tmp_path / "case"


def kinds(case: Path) -> set[ProblemKind]:
    return {problem.kind for problem in verify(case).problems}


def files(case: Path) -> list[Path]:
    return sorted(path for path in case.rglob("*") if path.is_file())


def flips(case: Path, every: int) -> Iterator[str]:
    """Flip a bit of every byte of every file (of pages: of every ``every``-th) and name those that nobody noticed."""
    for path in files(case):
        data = path.read_bytes()
        for i in range(0, len(data), every if path.suffix == ".html" else 1):
            flipped = bytearray(data)
            flipped[i] ^= 1 << (i % 8)
            path.write_bytes(flipped)
            try:
                found = bool(verify(case).problems)
            except ReportError:
                found = True  # not even a case any more
            if not found:
                yield f"{path.name}:{i}"
        path.write_bytes(data)


def test_an_untouched_case_has_no_problem_and_is_never_called_signed(with_pictures: Path) -> None:
    found = verify(with_pictures)
    assert not found.problems
    assert found.remarks[-1] == UNSIGNED and "not intent" in UNSIGNED
    entries, _ = read_chain(with_pictures / "custody.jsonl")
    assert found.head == entries[-1].hash


def test_every_flipped_byte_is_found(case: Path) -> None:
    assert list(flips(case, 23)) == []
    assert not verify(case).problems


@pytest.mark.slow
def test_every_flipped_byte_of_every_page_is_found(case: Path) -> None:
    assert list(flips(case, 1)) == []


def test_the_reference_tool_accepts_the_bag_and_sees_the_same_change(with_pictures: Path) -> None:
    command = [sys.executable, "-m", "bagit", "--validate", str(with_pictures)]  # it changes its working directory
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (with_pictures / "data" / "index.html").write_bytes(b"x")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_every_removed_file_is_found(with_pictures: Path) -> None:
    for path in files(with_pictures):
        data = path.read_bytes()
        path.unlink()
        try:
            assert verify(with_pictures).problems, path
        except ReportError:
            assert path.name == "info.json"
        path.write_bytes(data)
    assert not verify(with_pictures).problems


@pytest.mark.parametrize("place", [".", "data", "data/reports", "data/images", "new"])
def test_an_added_file_is_found_wherever_it_lies(case: Path, place: str) -> None:
    (case / place).mkdir(exist_ok=True)
    (case / place / "added.txt").write_bytes(b"")
    (problem,) = verify(case).problems
    assert problem.kind is ProblemKind.UNLISTED and problem.what.endswith("added.txt")


def test_swapped_files_are_found(with_pictures: Path) -> None:
    one, other = sorted((with_pictures / "data" / "images").iterdir())[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    assert [problem.kind for problem in verify(with_pictures).problems] == [ProblemKind.CHANGED] * 2


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_in_the_place_of_a_file_or_folder_is_found(with_pictures: Path, tmp_path: Path) -> None:
    page = with_pictures / "data" / "index.html"
    shutil.copy(page, tmp_path / "same.html")
    page.unlink()
    page.symlink_to(tmp_path / "same.html")
    assert kinds(with_pictures) == {ProblemKind.CHANGED}
    images = with_pictures / "data" / "images"
    images.rename(tmp_path / "images")
    images.symlink_to(tmp_path / "images", target_is_directory=True)
    assert ProblemKind.UNLISTED in kinds(with_pictures)


def lines(case: Path) -> list[bytes]:
    return (case / "custody.jsonl").read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("change", ["swap", "drop", "double", "cut", "torn", "first", "empty"])
def test_a_log_that_was_reordered_or_cut_is_found(with_pictures: Path, change: str) -> None:
    log = lines(with_pictures)
    assert len(log) >= 5
    log = {
        "swap": [log[0], log[2], log[1], *log[3:]],
        "drop": [*log[:2], *log[3:]],
        "double": [*log[:2], log[1], *log[2:]],
        "cut": log[:-1],
        "torn": [*log, b"{"],
        "first": log[1:],
        "empty": [],
    }[change]
    (with_pictures / "custody.jsonl").write_bytes(b"".join(log))
    assert kinds(with_pictures) & {ProblemKind.LOG, ProblemKind.OPEN}


def test_a_log_cut_back_to_an_earlier_seal_is_found(case: Path) -> None:
    """Its last line holds a tag manifest, and nothing else in the case changed but for the second closing."""
    log = (case / "custody.jsonl").read_bytes()
    CaseWriter(case).finish()
    (case / "custody.jsonl").write_bytes(log)
    assert verify(case).problems


def test_a_log_whose_hashes_were_computed_anew_is_found_by_the_bag(case: Path) -> None:
    """Somebody changes who examined and mends the chain: the bag still says how the log was."""
    entries, _ = read_chain(case / "custody.jsonl")
    forged: list[CustodyEntry] = []
    for entry in entries:
        previous = forged[-1].hash if forged else entry.previous
        entry = replace(entry, examiner="Somebody Else", previous=previous, hash="")
        forged.append(replace(entry, hash=entry.digest()))
    (case / "custody.jsonl").write_bytes(b"".join(to_json(e).encode() + b"\n" for e in forged))
    assert {p.kind for p in verify(case).problems} == {ProblemKind.LOG}


def test_an_open_case_is_called_open_and_its_documents_are_checked(tmp_path: Path) -> None:
    writer = CaseWriter(tmp_path / "case")
    page = writer.add(make_failure())
    del writer  # as after a crash
    assert kinds(tmp_path / "case") == {ProblemKind.OPEN}
    page.with_suffix(".json").write_bytes(b"{}")
    assert kinds(tmp_path / "case") >= {ProblemKind.OPEN, ProblemKind.CHANGED}


def test_a_changed_case_takes_nothing_more(case: Path) -> None:
    (case / "data" / "index.html").write_bytes(b"x")
    before = (case / "custody.jsonl").read_bytes()
    with pytest.raises(ReportError, match="changed since it was finalised") as caught:
        CaseWriter(case)
    assert "verify" in caught.value.hint
    assert (case / "custody.jsonl").read_bytes() == before


def test_one_process_writes_at_a_time(case: Path) -> None:
    with CaseWriter(case), pytest.raises(ReportError, match="another process"):
        CaseWriter(case)
    CaseWriter(case).finish()


def test_what_is_done_is_in_the_log_with_who_and_on_which_bytes(case: Path) -> None:
    sha256 = str(make_failure().sha256)
    with CaseWriter(case, Handling(CaseRecord(None, "E2", "B. Other", None))) as writer:
        writer.note(sha256, make_note("Damaged.", "B. Other", None))
        writer.tag(sha256, "damaged")
    entries, problems = read_chain(case / "custody.jsonl")
    assert not problems
    assert [entry.action for entry in entries] == [
        Action.OPENED, Action.SCANNED, Action.FINALISED, Action.REOPENED, Action.NOTED, Action.TAGGED, Action.FINALISED,
    ]  # fmt: skip
    assert {entry.case_id for entry in entries} == {"2026-117"}
    assert entries[1].examiner == "A. Examiner" and entries[1].organisation == "An Organisation"
    assert [entry.subject for entry in entries if entry.action in (Action.SCANNED, Action.NOTED)] == [sha256] * 2
    assert entries[4].examiner == "B. Other" and entries[4].exhibit == "E2"
    assert not verify(case).problems


def test_a_document_made_from_the_case_is_sealed_with_it(case: Path) -> None:
    with CaseWriter(case) as writer:
        writer.keep("court-en.html", b"<p>", audience="court")
        for name in ("../x.html", "Maria.pdf", "a/b", ".hidden", ""):
            with pytest.raises(ReportError):
                writer.keep(name, b"x")
    entries, _ = read_chain(case / "custody.jsonl")
    assert entries[-2].action is Action.REPORTED and entries[-2].details["audience"] == "court"
    assert not verify(case).problems
    (case / "data" / "documents" / "court-en.html").write_bytes(b"<b>")
    assert kinds(case) == {ProblemKind.CHANGED}


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a%0Ab", "%25", "é", "a  b", "\udce9"])
def test_a_manifest_survives_every_name(text: str) -> None:
    listed = [Listed(f"data/{text}", "0" * 64), Listed("data/b", "1" * 64)]
    assert parse_manifest(manifest_bytes(listed)) == listed


@pytest.mark.parametrize("line", ["", "x", "0" * 64 + " a", "0" * 64 + "  /etc/passwd", "0" * 64 + "  ../a"])
def test_a_manifest_that_is_none_or_leaves_the_bag_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        parse_manifest((line + "\n").encode())


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"a")
    (folder / "sub" / "b.jpg").write_bytes(b"b")
    return folder


def _add(case: Path, evidence: Path, handling: Handling | None = None) -> None:
    """Enter two files as a scan would."""
    with CaseWriter(case, handling, (str(evidence),)) as writer:
        for path in (evidence / "a.jpg", evidence / "sub" / "b.jpg"):
            who = identify(path)
            media = replace(make_clean_report().media, path=str(path), sha256=who.sha256, size=who.size)
            writer.add(replace(make_clean_report(), media=media))


@pytest.mark.parametrize("profile", ["standard", "survivor"])
def test_changed_moved_and_missing_evidence(tmp_path: Path, evidence: Path, profile: str) -> None:
    from deepfake_detect.case.layout import Profile

    case = tmp_path / "case"
    _add(case, evidence, Handling(profile=Profile(profile)))
    assert not verify(case, [evidence]).problems
    assert "not looked at" in " ".join(verify(case).remarks)
    moved = tmp_path / "elsewhere"
    evidence.rename(moved)
    assert not verify(case, [moved]).problems
    (moved / "a.jpg").write_bytes(b"A")
    (problem,) = verify(case, [moved]).problems
    assert problem.kind is ProblemKind.EVIDENCE
    (moved / "a.jpg").unlink()
    assert len(verify(case, [moved]).problems) == 1
    with pytest.raises(UsageError):
        verify(case, [tmp_path / "nowhere"])
    if profile == "standard":
        with pytest.raises(UsageError, match="1 folders, 2 are named"):
            verify(case, [moved, moved])


def test_evidence_is_recorded_as_a_root_and_relative_paths(tmp_path: Path, evidence: Path) -> None:
    _add(tmp_path / "case", evidence)
    records = [json.loads(line) for line in (tmp_path / "case/data/evidence.jsonl").read_text().splitlines()]
    assert [(r["root"], r["path"], r["size"]) for r in records] == [(0, "a.jpg", 1), (0, "sub/b.jpg", 1)]
    assert all(r["modified"].startswith("20") for r in records)
    assert json.loads((tmp_path / "case/data/info.json").read_text())["roots"] == [str(evidence)]


def _with_weights(case: Path, sha256: str | None) -> None:
    """A case whose report says that it was made with an installed set of weights, or with another file of that id."""
    report, store = make_report(), WeightStore()
    entry = store.entries()[0]
    weight = replace(report.run.extractors[0], id=entry.id, version=entry.version, sha256=sha256 or entry.sha256)
    run = replace(report.run, detectors=(), extractors=(weight,))
    with CaseWriter(case) as writer:
        writer.add(replace(report, run=run))


def test_changed_weights_are_found(tmp_path: Path) -> None:
    store = WeightStore()
    _with_weights(tmp_path / "same", None)
    assert not verify(tmp_path / "same", None, store).problems
    _with_weights(tmp_path / "other", "0" * 64)
    (problem,) = verify(tmp_path / "other", None, store).problems
    assert problem.kind is ProblemKind.WEIGHTS and "0" * 64 in problem.detail


def test_a_changed_weights_file_is_found(tmp_path: Path) -> None:
    store = WeightStore()
    entry = next(e for e in store.entries() if all(f.package is None for f in e.files))
    report = make_report()
    weight = replace(report.run.extractors[0], id=entry.id, version=entry.version, sha256=entry.sha256)
    with CaseWriter(tmp_path / "case") as writer:
        writer.add(replace(report, run=replace(report.run, detectors=(), extractors=(weight,))))
    changed = tmp_path / "weights" / entry.files[0].path
    changed.parent.mkdir(parents=True)
    changed.write_bytes(b"x")
    (problem,) = verify(tmp_path / "case", None, WeightStore(tmp_path / "weights")).problems
    assert problem.kind is ProblemKind.WEIGHTS and "changed" in problem.detail


def test_reports_and_logs_survive_a_round_trip(with_pictures: Path) -> None:
    for path in (with_pictures / "data" / "reports").glob("*.json"):
        if path.stem != make_failure().sha256:
            report = Report.from_json(path.read_bytes())
            assert report.case is not None and replace(report.case, modified=None) == WHO
    for line in lines(with_pictures):
        entry = from_json(CustodyEntry, line)
        assert to_json(entry).encode() + b"\n" == line and entry.case_id == "2026-117"
