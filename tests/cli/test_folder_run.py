"""A run over a folder: known files left out, a manifest joined, failures that passed, two passes, an estimate."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import typed
from PIL import Image

COMMAND = str(Path(sys.executable).with_name("deepfake-detect"))
SAMPLES = Path(__file__).parents[2] / "samples"
HOSTILE = "/img/<script>alert(1)</script>/=1+1.png"
UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


def run(*arguments: str | Path, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    words = ["scan", "--detectors", "provenance", *map(str, arguments)]
    if not prefix:
        return typed(*words)
    return subprocess.run([*prefix, COMMAND, *words], capture_output=True, text=True, timeout=300, check=False)


def custody(case: Path, action: str) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in (case / "custody.jsonl").read_text("ascii").splitlines())
    return [line for line in lines if line["action"] == action]


def index(case: Path) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = json.loads((case / "data" / "index.json").read_text("ascii"))["files"]
    return files


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "export"
    folder.mkdir()
    for i in range(4):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(folder / f"{i}.png")
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o644)


def digest(path: Path, algorithm: str) -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


def test_known_files_are_left_out_and_counted(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "0.png", folder / "copy of 0.png")
    known, case = tmp_path / "known.txt", tmp_path / "case"
    known.write_text(f"{digest(folder / '0.png', 'sha1')}\n{digest(folder / '1.png', 'md5')}\n")
    done = run("-o", case, "--known", known, "--format", "jsonl", folder)
    assert {Path(json.loads(line)["media"]["path"]).name for line in done.stdout.splitlines()} == {"2.png", "3.png"}
    assert "Known files left out (--known): 3" in done.stderr
    (entry,) = custody(case, "skipped_known")
    assert entry["details"]["by"] == {"md5": 1, "sha1": 2}
    assert entry["details"]["lists"] == {digest(known, "sha256"): "known.txt"}
    told = [json.loads(line) for line in (case / "data" / "known.jsonl").read_text("ascii").splitlines()]
    assert {Path(line["path"]).name for line in told} == {"0.png", "1.png", "copy of 0.png"}
    assert "<b>3</b> known, left out" in (case / "data" / "index.html").read_text("utf-8")
    again = run("-o", case, "--known", known, "--resume", folder)
    assert again.returncode == done.returncode
    assert len((case / "data" / "known.jsonl").read_text("ascii").splitlines()) == 3
    everything = run("--known", known, folder / "0.png")
    assert everything.returncode == 1 and "every file is known" in everything.stderr


def test_a_manifest_is_joined_to_each_report_and_stays_text(folder: Path, tmp_path: Path) -> None:
    manifest, case = tmp_path / "list.csv", tmp_path / "case"
    rows = [f"export/2.png,{HOSTILE},,yes", f",/img/3.png,{digest(folder / '3.png', 'md5')},"]
    manifest.write_text("\n".join(["Exported Path,Original Path,MD5,Deleted", *rows]))
    done = run("-o", case, "--manifest", manifest, "--full", "--format", "jsonl", folder)
    by_name = {Path(r["media"]["path"]).name: r for r in map(json.loads, done.stdout.splitlines())}
    (second,) = by_name["2.png"]["case"]["drive"]
    assert (second["original_path"], second["state"], second["md5_agrees"]) == (HOSTILE, "deleted", None)
    (third,) = by_name["3.png"]["case"]["drive"]
    assert (third["original_path"], third["md5_agrees"]) == ("/img/3.png", True)
    assert by_name["0.png"]["case"]["drive"] == []
    page = (case / "data" / "reports" / f"{by_name['2.png']['media']['sha256']}.html").read_text("utf-8")
    assert "<script" not in page and "&lt;script&gt;" in page
    exported = typed("export", case).stdout
    assert HOSTILE in exported
    (entry,) = custody(case, "manifest_joined")
    assert entry["details"] == {"sha256": digest(manifest, "sha256"), "rows": 2, "files": 2}
    hidden = run("--manifest", manifest, "--survivor", "--format", "jsonl", folder)
    assert "script" not in hidden.stdout and "/img/3.png" not in hidden.stdout


@pytest.mark.parametrize("option", ["--known", "--manifest"])
def test_a_list_that_cannot_be_used_is_wrong_usage(folder: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "list").write_text("nothing of use\n")
    for name in ("list", "absent"):
        done = run(option, tmp_path / name, "-o", tmp_path / "case", folder)
        assert done.returncode == 2 and "Traceback" not in done.stderr
    assert not (tmp_path / "case").exists()


def test_a_failure_that_passed_leaves_the_index(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    (folder / "1.png").chmod(0)
    run("-o", case, folder, prefix=UNPRIVILEGED)
    assert [e["failure"] for e in index(case) if e["sha256"] is None] == ["failed"]
    (folder / "1.png").chmod(0o644)
    done = run("-o", case, "--retry-failed", folder)
    assert "1.png" in done.stdout
    assert len(index(case)) == 4 and all(entry["sha256"] for entry in index(case))
    exported = typed("export", case).stdout
    assert len(exported.splitlines()) == 5
    assert typed("verify", case, "--no-weights").returncode == 0


def test_a_dry_run_counts_by_content_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "clip.mp4", folder / "a text.txt")
    shutil.copy(SAMPLES / "speech.flac", folder / "b.jpg")
    (folder / "c.mp4").write_text("no media at all, whatever its name says")
    (folder / "d.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    done = run("--dry-run", "-o", tmp_path / "case", folder)
    assert done.returncode == 0, done.stderr
    counts = {
        line.split(None, 1)[1]: int(line.split()[0]) for line in done.stdout.splitlines()[1:6] if "form" not in line
    }
    assert counts == {"image": 4, "video": 1, "audio": 1, "no media": 1, "cannot be decoded": 1}
    assert "CPU hours" in done.stdout and "for the case" in done.stdout and "measured" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_only_flagged_and_named_files_get_a_page(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    shutil.copy(SAMPLES / "portrait.jpg", folder)
    run("-o", case, folder)
    reports = case / "data" / "reports"
    assert len(list(reports.glob("*.json"))) == 5 and not list(reports.glob("*.html"))
    assert "reviewed" not in (case / "data" / "index.html").read_text("utf-8").replace("not yet reviewed", "")
    named = digest(folder / "portrait.jpg", "sha256")
    done = run("-o", case, "--resume", folder, folder / "portrait.jpg")
    assert done.returncode in (0, 1), done.stderr
    assert [page.stem for page in reports.glob("*.html")] == [named]
    run("-o", case, "--resume", "--full", folder)
    assert len(list(reports.glob("*.html"))) == 5
    assert typed("tag", case, named, "--as", "reviewed").returncode == 0
    assert "reviewed" in (case / "data" / "index.html").read_text("utf-8").replace("not yet reviewed", "")
    assert typed("verify", case, "--no-weights").returncode == 0
