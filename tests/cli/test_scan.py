"""The command line as a person and as a program use it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from make_media import GOOD

from deepfake_detect import Label

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
FEW = ("--max-frames", "2", "--max-audio", "4", "--no-robustness")
FACE = ("--no-robustness", "--detectors", "face-manipulation")
COMMAND = str(Path(sys.executable).with_name("deepfake-detect"))
SCHEMA = json.loads((ROOT / "deepfake_detect" / "report" / "schema" / "report-1.json").read_text(encoding="utf-8"))


def run(*arguments: str | Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [COMMAND, *map(str, arguments)], input=stdin.encode(), capture_output=True, timeout=500, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def samples_case(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[bytes], Path]:
    """The README's first command on less of each file, into a case, with maps and pages for every file."""
    case = tmp_path_factory.mktemp("samples") / "case"
    return run("scan", SAMPLES, "-o", case, "--full", *FEW, "--format", "jsonl"), case


@pytest.fixture(scope="module")
def reports(samples_case: Any) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in samples_case[0].stdout.splitlines()]
    return {Path(line["media"]["path"]).name: line for line in lines}


def test_every_sample_has_a_result(samples_case: Any, reports: dict[str, Any]) -> None:
    assert samples_case[0].returncode == 0
    assert reports.keys() == {p.name for p in SAMPLES.iterdir()}
    media = {n for n, r in reports.items() if r["media"]["kind"]}
    assert media == {n for n in reports if Path(n).suffix not in {".md", ".py"}}
    assert all(reports[n]["verdict"] for n in media)


def test_reports_follow_the_published_schema(reports: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for report in reports.values():
        validator.validate(report)


def test_the_case_holds_both_forms_of_each_report(samples_case: Any, reports: dict[str, Any]) -> None:
    case = samples_case[1]
    for report in reports.values():
        name = report["media"]["sha256"]
        stored = json.loads((case / "data" / "reports" / f"{name}.json").read_text(encoding="utf-8"))
        assert stored == report
        assert (case / "data" / "reports" / f"{name}.html").stat().st_size > 2000
    assert (case / "data" / "index.html").is_file()
    assert (case / "data" / "index.json").is_file()


def test_pictures_of_evidence_are_in_the_case_under_their_hash(samples_case: Any, reports: dict[str, Any]) -> None:
    import hashlib

    images = {p.stem: p for p in (samples_case[1] / "data" / "images").iterdir()}
    named = {
        e["image"]["sha256"]
        for r in reports.values()
        for part in (*r["subjects"], *r["findings"])
        for e in part["evidence"]
        if e["image"]
    }
    assert named
    assert named == images.keys()
    assert all(hashlib.sha256(p.read_bytes()).hexdigest() == name for name, p in images.items())


def test_the_table_fits_eighty_columns_and_says_what_it_does_not_mean() -> None:
    done = run("scan", SAMPLES / "portrait.jpg", "-q", *FACE, COLUMNS="80")
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "portrait.jpg" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "not mean that a file is real" in " ".join(text.split())
    assert done.stderr == b""


@pytest.fixture(scope="module")
def formats_case(media_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every format of the README through the whole scan."""
    folder = tmp_path_factory.mktemp("formats")
    for name in GOOD:
        shutil.copy(media_folder / name, folder / name)
    done = run("scan", folder, "--max-frames", "2", "--no-robustness", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    return {Path(r["media"]["path"]).name: r for r in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", GOOD)
def test_every_format_is_scanned(formats_case: dict[str, dict[str, Any]], name: str) -> None:
    report = formats_case[name]
    assert report["media"]["kind"] == GOOD[name][0]
    assert [a for a in report["abstentions"] if a["detector"] == "scan"] == []
    assert report["abstentions"] or report["findings"]


def test_a_folder_run_explains_flagged_files_only(formats_case: dict[str, dict[str, Any]]) -> None:
    for name, report in formats_case.items():
        assert report["run"]["options"]["operating_point"] == "strict"
        drawn = [e for part in (*report["findings"], *report["subjects"]) for e in part["evidence"] if e["image"]]
        if report["first_pass"]:
            assert drawn == [], name
        elif any(f["detector"] == "face-manipulation" for f in report["findings"]):
            assert drawn, name
    assert any(report["first_pass"] for report in formats_case.values())
    assert any(report["findings"] for report in formats_case.values() if report["first_pass"])


def test_paths_from_standard_input(tmp_path: Path) -> None:
    stdin = f"{SAMPLES / 'portrait.jpg'}\n\n{SAMPLES / 'speech.flac'}\r\n"
    done = run("scan", "-", "--format", "json", "--detectors", "provenance", stdin=stdin)
    names = [Path(r["media"]["path"]).name for r in json.loads(done.stdout)]
    assert names == ["portrait.jpg", "speech.flac"]


def test_csv_has_a_row_for_each_file() -> None:
    done = run("scan", SAMPLES, "--format", "csv", "--detectors", "provenance")
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert {Path(row["path"]).name for row in rows} == {p.name for p in SAMPLES.iterdir()}


def test_fail_on_a_label() -> None:
    command = ("scan", SAMPLES / "portrait.jpg", *FACE, "--format", "jsonl")
    labels = [label.value for label in Label]
    done = run(*command, "--fail-on", ",".join(labels))
    assert done.returncode == 10
    labels.remove(json.loads(done.stdout)["verdict"]["label"])
    assert run(*command, "--fail-on", ",".join(labels)).returncode == 0


@pytest.mark.parametrize("format_", ["table", "jsonl", "csv"])
def test_output_survives_a_cp1252_console_and_vietnamese_names(tmp_path: Path, format_: str) -> None:
    name = "ảnh_của_tôi_\x1b[31mđỏ.jpg"
    shutil.copy(SAMPLES / "portrait.jpg", tmp_path / name)
    done = run(
        "scan", tmp_path, "--format", format_, "--detectors", "provenance", PYTHONIOENCODING="cp1252", PYTHONUTF8="0"
    )
    assert done.returncode == 1  # provenance finds nothing in it
    assert b"Traceback" not in done.stderr
    assert b"\x1b[31m" not in done.stdout
    done.stdout.decode("cp1252")


def test_the_case_is_not_scanned_with_the_evidence(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "portrait.jpg", tmp_path)
    for _ in range(2):
        done = run("scan", tmp_path, "-o", tmp_path / "case", "--format", "jsonl", "--detectors", "provenance")
        assert len(done.stdout.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_crash() -> None:
    process = subprocess.Popen(
        [COMMAND, "scan", str(SAMPLES), "--format", "jsonl", "--detectors", "provenance"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert b"Traceback" not in process.stderr.read()
    process.wait(timeout=60)


def test_detectors_and_weights_are_listed_and_shown() -> None:
    listed = run("detectors", "list").stdout.decode()
    for detector in ("face-manipulation", "synthetic-image", "synthetic-voice", "provenance"):
        assert detector in listed
        shown = run("detectors", "show", detector)
        assert shown.returncode == 0
        assert "commercial use" in shown.stdout.decode()
    assert run("detectors", "show", "nothing-like-it").returncode == 2
    weights = run("weights", "list").stdout.decode()
    assert "mtcnn" in weights and "commercial use" in weights
    verified = run("weights", "verify")
    assert verified.returncode == 0
    assert {line.split()[0] for line in verified.stdout.decode().splitlines()} == {"ok"}


def test_version() -> None:
    assert run("--version").stdout.startswith(b"deepfake-detect ")


@pytest.mark.parametrize("command", [[], ["scan"], ["detectors"], ["weights"], ["weights", "verify"], ["selftest"]])
def test_help_begins_with_examples(command: list[str]) -> None:
    text = run(*command, "--help").stdout.decode()
    assert "Example" in text
    assert text.index("Example") < text.index("Options")


def test_selftest_passes() -> None:
    done = run("selftest", "--device", "cpu")
    assert done.returncode == 0, done.stdout.decode()
    text = done.stdout.decode()
    assert "FAILED" not in text
    assert "decoder tone.amr" in text and "models on portrait.jpg" in text and "device" in text


def test_a_wrong_vector_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from deepfake_detect import selftest

    vectors = json.loads(selftest.read_vector("vectors.json"))
    vectors["decoders"] = {"plain.png": vectors["decoders"]["plain.png"]}
    assert [c.ok for c in selftest._decoder_checks(vectors)] == [True]
    vectors["decoders"]["plain.png"]["colours"][0][0] += 10
    assert [c.ok for c in selftest._decoder_checks(vectors)] == [False]
