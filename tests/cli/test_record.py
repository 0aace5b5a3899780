"""The record and its safeguards, through the command line: survivor, minor, notes, export, replay, hash, wipe."""

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

import pytest
from in_process import typed
from PIL import Image

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
COMMAND = str(Path(sys.executable).with_name("deepfake-detect"))
NAME = "Nguyen Thi Bi Mat"
FACES = ("--no-robustness", "--detectors", "face-manipulation,provenance")
QUICK = ("--detectors", "provenance")
PNG = b"\x89PNG"


def run(*arguments: str | Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """In a process of its own, whose streams hold all that is ever written to them."""
    clean = {k: v for k, v in os.environ.items() if k not in ("DEEPFAKE_DETECT_PROFILE", "XDG_CONFIG_HOME")}
    return subprocess.run(
        [COMMAND, *map(str, arguments)], input=stdin.encode(), capture_output=True, timeout=500, check=False,
        env={**clean, "XDG_CONFIG_HOME": "/nonexistent", **environment},
    )  # fmt: skip


def here(*arguments: str | Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """In this process, which is quicker, where no stream is searched for names."""
    outside: dict[str, str | None] = {"DEEPFAKE_DETECT_PROFILE": None, "XDG_CONFIG_HOME": "/nonexistent"}
    return typed(*arguments, stdin=stdin, environment=outside | environment)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portrait that is named after a person, in metadata as well; the same cut short; a text; and a dead link."""
    folder = tmp_path_factory.mktemp("evidence") / f"phone of {NAME}"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x010E] = f"holiday of {NAME}"  # ImageDescription
    exif[0x013B] = f"{NAME}.jpg"  # Artist
    with Image.open(SAMPLES / "portrait.jpg") as image:
        image.save(folder / f"{NAME}.jpg", exif=exif, quality=95)
    (folder / f"{NAME}-cut.jpg").write_bytes((folder / f"{NAME}.jpg").read_bytes()[:300])
    (folder / f"{NAME}.txt").write_text("no media")
    (folder / f"{NAME}-gone.jpg").symlink_to(folder / "nothing.jpg")
    return folder


def portrait(evidence: Path) -> Path:
    return evidence / f"{NAME}.jpg"


def everything(folder: Path) -> dict[str, bytes]:
    """Every file by its path in the folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def shows_pictures(case: Path) -> list[str]:
    """The files of a case that hold a picture, as a file or inside a page."""
    return [n for n, data in everything(case).items() if PNG in data or b"data:image" in data or n.endswith(".png")]


def names_told(texts: dict[str, bytes]) -> list[str]:
    told = (NAME.lower(), "phone of", "bi mat", NAME.lower().replace(" ", "%20"))
    return [
        name for name, data in texts.items() if any(t in (name + data.decode("utf-8", "replace")).lower() for t in told)
    ]


@pytest.fixture(scope="module")
def standard(evidence: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    case = tmp_path_factory.mktemp("standard") / "case"
    done = run(
        "scan", evidence, "-o", case, *FACES, "--full", "--format", "jsonl", "--case-id", "2026-117", "--exhibit", "E1",
        "--examiner", "A. Examiner", "--organisation", "An Organisation",
    )  # fmt: skip
    return case, done


@pytest.fixture
def case(standard: tuple[Path, Any], tmp_path: Path) -> Path:
    """A copy of the standard case that a test may change."""
    shutil.copytree(standard[0], tmp_path / "case")
    return tmp_path / "case"


@pytest.fixture(scope="module")
def survivor(evidence: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    case = tmp_path_factory.mktemp("survivor") / "case"
    return case, run("scan", evidence, "-o", case, *FACES, "--full", "--survivor", "--format", "jsonl")


def test_the_test_itself_sees_names_and_pictures(standard: tuple[Path, Any]) -> None:
    """A standard case holds both, so their absence elsewhere means something."""
    case, done = standard
    assert names_told({"stdout": done.stdout}) and names_told({"stderr": done.stderr})
    assert len(names_told(everything(case))) > 4
    pages = shows_pictures(case)
    assert any(n.endswith(".png") for n in pages) and any(n.endswith(".html") for n in pages)


def test_what_was_typed_heads_every_report_and_every_entry(standard: tuple[Path, Any]) -> None:
    case, done = standard
    typed = {"case_id": "2026-117", "exhibit": "E1", "examiner": "A. Examiner", "organisation": "An Organisation"}
    assert len(done.stdout.splitlines()) == 4
    for line in done.stdout.splitlines():
        assert typed.items() <= json.loads(line)["case"].items()
    for page in (case / "data" / "reports").glob("*.html"):
        assert all(text in page.read_text(encoding="utf-8") for text in typed.values())
    for line in (case / "custody.jsonl").read_text().splitlines():
        assert typed.items() <= json.loads(line).items()


def test_a_survivors_name_and_picture_are_nowhere(survivor: tuple[Path, Any]) -> None:
    case, done = survivor
    assert done.returncode == 3, done.stderr  # the cut file and the dead link failed; that is said, without their names
    assert names_told({"stdout": done.stdout, "stderr": done.stderr, **everything(case)}) == []
    assert shows_pictures(case) == []
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(line.get("media", line)["path"] is None for line in lines)
    assert any("face-manipulation" in [f["detector"] for f in line.get("findings", [])] for line in lines)
    assert any("the file" in line.get("message", "") for line in lines)
    assert b"file 1" in done.stderr


@pytest.mark.parametrize("format_", ["table", "json", "csv"])
def test_no_format_tells_a_survivors_name(evidence: Path, format_: str) -> None:
    done = run("scan", evidence, *QUICK, "--format", format_, DEEPFAKE_DETECT_PROFILE="survivor")
    assert len(done.stdout) > 200 and names_told({"out": done.stdout, "err": done.stderr}) == []


def test_an_installation_is_a_survivors_by_one_line_of_configuration(evidence: Path, tmp_path: Path) -> None:
    config = tmp_path / "deepfake-detect" / "config.toml"
    config.parent.mkdir()
    config.write_text('profile = "survivor"\n')
    hidden = run("scan", portrait(evidence), *QUICK, "--format", "jsonl", XDG_CONFIG_HOME=str(tmp_path))
    assert json.loads(hidden.stdout)["media"]["path"] is None
    shown = here("scan", portrait(evidence), *QUICK, "--format", "jsonl", "--profile", "standard",
                XDG_CONFIG_HOME=str(tmp_path))  # fmt: skip
    assert json.loads(shown.stdout)["media"]["path"] == str(portrait(evidence))
    hashed = run("hash", portrait(evidence), XDG_CONFIG_HOME=str(tmp_path))
    assert b"PDQ" in hashed.stdout and names_told({"out": hashed.stdout, "err": hashed.stderr}) == []
    gone = run("hash", evidence / f"{NAME}-gone.jpg", XDG_CONFIG_HOME=str(tmp_path))
    assert gone.returncode == 1 and names_told({"out": gone.stdout, "err": gone.stderr}) == []
    matched = run(
        "match", portrait(evidence), SAMPLES / "portrait.jpg", "--format", "json", XDG_CONFIG_HOME=str(tmp_path)
    )
    assert matched.returncode == 0, matched.stderr
    assert names_told({"out": matched.stdout, "err": matched.stderr}) == [] and b"portrait.jpg" not in matched.stdout
    for wrong in ('profile = "surviver"', "profile = ", "\xff"):
        config.write_text(wrong, encoding="latin-1")
        done = here("scan", portrait(evidence), *QUICK, XDG_CONFIG_HOME=str(tmp_path))
        assert done.returncode == 2, "an installation that means to protect must not fall back"
    assert here("scan", portrait(evidence), *QUICK, DEEPFAKE_DETECT_PROFILE="surviver").returncode == 2


def test_a_survivors_case_stays_one(survivor: tuple[Path, Any], case: Path, evidence: Path, tmp_path: Path) -> None:
    shutil.copytree(survivor[0], tmp_path / "again")
    done = run("scan", SAMPLES / "speech.flac", "-o", tmp_path / "again", *QUICK)
    assert done.returncode == 1  # provenance finds nothing in it
    assert names_told({"err": done.stderr, **everything(tmp_path / "again")}) == []
    assert not [n for n, data in everything(tmp_path / "again").items() if b"speech.flac" in data]
    # A case that holds names already cannot become a survivor's: it is refused, and nothing is written.
    before = everything(case)
    refused = here("scan", portrait(evidence), "-o", case, *QUICK, "--survivor")
    assert refused.returncode == 2 and "new folder" in refused.stderr
    assert everything(case) == before


def test_pictures_of_a_survivor_are_kept_only_when_asked_for(evidence: Path, tmp_path: Path) -> None:
    done = run("scan", portrait(evidence), "-o", tmp_path / "case", *FACES, "--survivor", "--pictures")
    assert done.returncode == 0 and shows_pictures(tmp_path / "case")
    assert names_told({"out": done.stdout, "err": done.stderr, **everything(tmp_path / "case")}) == []


def test_of_a_child_there_is_no_picture_and_that_stays(evidence: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    done = here("scan", portrait(evidence), "-o", case, *FACES, "--minor", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["findings"] and report["case"]["minor"] is True
    images = [e["image"] for part in (*report["findings"], *report["subjects"]) for e in part["evidence"]]
    assert not any(images) and shows_pictures(case) == []
    page = next((case / "data" / "reports").glob("*.html")).read_text(encoding="utf-8")
    assert "takeitdown.ncmec.org" in page and "cannot be taken back" in page and report["media"]["sha256"] in page
    # Later commands on the case, without the option.
    again = here("scan", SAMPLES / "portrait-face-altered.jpg", "-o", case, *FACES)
    assert again.returncode == 0 and len(list((case / "data" / "reports").glob("*.json"))) == 2
    here("note", case, report["media"]["sha256"], "--conclusion", "Seen.", "--by", "A. Examiner")
    assert shows_pictures(case) == []
    refused = here("scan", SAMPLES / "portrait.jpg", "-o", case, *FACES, "--pictures")
    assert refused.returncode == 2 and shows_pictures(case) == []
    assert here("verify", case, "--no-weights").returncode == 0


def test_the_log_alone_keeps_a_case_a_childs(evidence: Path, tmp_path: Path) -> None:
    """Somebody sets `minor` back in info.json of an open case: the log still says it."""
    case = tmp_path / "case"
    here("scan", portrait(evidence), "-o", case, *QUICK, "--minor")
    info = case / "data" / "info.json"
    info.write_text(info.read_text().replace('"minor": true', '"minor": false'))
    log = case / "custody.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))  # not finalised any more
    done = here("scan", portrait(evidence), "-o", case, *FACES, "--format", "jsonl")
    assert json.loads(done.stdout)["case"]["minor"] is True, done.stderr
    assert shows_pictures(case) == [] and json.loads(info.read_text())["minor"] is True


@pytest.mark.parametrize("how", ["tag", "scan"])
def test_declaring_a_child_later_removes_every_picture(case: Path, evidence: Path, how: str) -> None:
    assert shows_pictures(case)
    if how == "tag":
        done = here("tag", case, "--minor", "--by", "A. Examiner")
        assert done.returncode == 0 and "Removed" in done.stdout
    else:
        here("scan", evidence / f"{NAME}.txt", "-o", case, *QUICK, "--minor")
    assert shows_pictures(case) == []
    assert not list((case / "data" / "images").iterdir())
    stored = [json.loads(p.read_bytes()) for p in (case / "data" / "reports").glob("*.json")]
    assert all(report["case"]["minor"] for report in stored)
    assert {report["case"]["exhibit"] for report in stored} <= {"E1", None}
    exported = here("export", case, "--format", "jsonl")
    assert '"image": {' not in exported.stdout
    assert here("verify", case, "--no-weights").returncode == 0
    assert b"declared_minor" in (case / "custody.jsonl").read_bytes()


def test_a_case_is_a_bag_that_verifies_and_is_never_called_signed(case: Path, evidence: Path) -> None:
    assert subprocess.run([sys.executable, "-m", "bagit", "--validate", case], capture_output=True).returncode == 0
    done = here("verify", case, "--evidence", evidence)
    assert done.returncode == 0, done.stdout
    assert "unsigned: shows accident, not intent" in done.stdout and done.stdout.endswith("OK\n")
    (case / "data" / "index.html").write_bytes(b"x")
    done = here("verify", case)
    assert done.returncode == 1 and "CHANGED" in done.stdout and "data/index.html" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="modes exist on POSIX only")
def test_names_in_a_case_are_hashes_and_folders_are_private(case: Path, standard: tuple[Path, Any]) -> None:
    assert NAME not in " ".join(str(p.relative_to(case)) for p in case.rglob("*"))
    for path in (standard[0], *standard[0].rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
        assert not path.is_dir() or path.stat().st_mode & 0o777 == 0o700


def test_notes_and_tags_stand_beside_the_result(case: Path, evidence: Path) -> None:
    reports = case / "data" / "reports"
    before = {p.name: p.read_bytes() for p in reports.glob("*.json")}
    hostile = "<script>alert(1)</script> =cmd|' /C calc'!A0"
    done = here("note", case, portrait(evidence), "--conclusion", f"A face swap. {hostile}", "--by", "A. Examiner",
               "--reviewer", "=B. Reviewer")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert here("tag", case, portrait(evidence), "--as", "important").returncode == 0
    assert {p.name: p.read_bytes() for p in reports.glob("*.json")} == before, "a note never changes the result"
    sha256 = done.stdout.split()[-1].rstrip(".")
    page = (reports / f"{sha256}.html").read_text(encoding="utf-8")
    assert "A face swap." in page and "reviewed by" in page and "<script>" not in page and "important" in page
    index = (case / "data" / "index.html").read_text(encoding="utf-8")
    assert "important" in index and "concluded by" in index
    rows = list(csv.DictReader(io.StringIO(here("export", case).stdout)))
    row = next(row for row in rows if row["sha256"] == sha256)
    assert row["reviewer"] == "'=B. Reviewer" and row["concluded_by"] == "A. Examiner" and row["tags"] == "important"
    assert row["conclusions"].startswith("A face swap.")
    assert here("tag", case, sha256[:12], "--as", "important", "--remove").returncode == 0
    lines = [json.loads(line) for line in here("export", case, "--format", "jsonl").stdout.splitlines()]
    (line,) = [line for line in lines if line.get("media", {}).get("sha256") == sha256]
    assert line["case"]["tags"] == [] and line["case"]["notes"][0]["reviewer"] == "=B. Reviewer"
    assert here("verify", case, "--no-weights").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("note", "CASE", "nothing.jpg", "--conclusion", "x", "--by", "y"), 1),
        (("note", "CASE", "FILE", "--conclusion", " ", "--by", "y"), 2),
        (("note", "CASE", "FILE", "--conclusion", "x", "--by", ""), 2),
        (("tag", "CASE"), 2),
        (("tag", "CASE", "FILE", "--as", "a,b"), 2),
        (("verify", "FILE"), 1),
        (("export", "FILE"), 1),
        (("replay", "FILE"), 1),
        (("wipe", "FILE", "--yes"), 1),
        (("verify", "CASE", "--evidence", "nowhere"), 2),
        (("scan", "FILE", "--examiner", "a\nb"), 2),
        (("scan", "FILE", "--survivor", "--profile", "standard"), 2),
        (("scan", "FILE", "--minor", "--pictures"), 2),
        (("scan", "FILE", "-o", "CASE", "--case-id", "another"), 2),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_clear_line_and_changes_nothing(
    case: Path, evidence: Path, arguments: tuple[str, ...], code: int
) -> None:
    before = everything(case)
    places = {"CASE": case, "FILE": portrait(evidence)}
    done = here(*(places.get(word, word) for word in arguments))
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("deepfake-detect:") and "Traceback" not in done.stderr
    assert everything(case) == before


def test_what_examiners_join_on_is_in_every_row(standard: tuple[Path, Any], evidence: Path) -> None:
    rows = {r["path"]: r for r in csv.DictReader(io.StringIO(here("export", standard[0]).stdout))}
    row = rows[str(portrait(evidence))]
    for column in (
        "sha256",
        "md5",
        "sha1",
        "size",
        "kind",
        "label",
        "words",
        "scanned",
        "modified",
        "case_id",
        "examiner",
    ):
        assert row[column], column
    assert row["paths"] == str(portrait(evidence)) and int(row["size"]) == portrait(evidence).stat().st_size
    assert len(rows) == 4


def test_a_case_is_replayed_from_where_the_evidence_lies_now(case: Path, evidence: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(evidence, moved, symlinks=True)
    done = here("replay", case, "--evidence", moved)
    assert done.returncode == 0, done.stdout
    assert "3 of 3 the same" in done.stdout and "within 0.05" in done.stdout and "largest difference" in done.stdout
    (moved / f"{NAME}.jpg").write_bytes((SAMPLES / "portrait-face-altered.jpg").read_bytes())
    done = here("replay", case, "--evidence", moved)
    assert done.returncode == 1 and "other bytes now" in done.stdout


def test_a_replay_finds_a_changed_score(case: Path) -> None:
    for path in (case / "data" / "reports").glob("*.json"):
        report = json.loads(path.read_bytes())
        for finding in report.get("findings", []):
            if finding["score"] is not None:
                finding["score"] += 1.0
        path.write_text(json.dumps(report))
    done = here("replay", case)
    assert done.returncode == 1 and "score" in done.stdout and "differs" in done.stdout


def test_hash_prints_what_platforms_accept(tmp_path: Path) -> None:
    done = here("hash", SAMPLES / "portrait.jpg")
    lines = dict(line.split(None, 1) for line in done.stdout.splitlines()[1:])
    assert {len(lines[name]) for name in ("SHA-256", "MD5", "SHA-1")} == {64, 32, 40}
    digest, _, quality = lines["PDQ"].partition("  quality ")
    assert len(digest) == 64 and 50 <= int(quality) <= 100
    with Image.open(SAMPLES / "portrait.jpg") as image:
        image.resize((image.width * 2 // 3, image.height * 2 // 3)).save(tmp_path / "small.jpg", quality=60)
        image.rotate(180).save(tmp_path / "turned.jpg")

    def distance(path: Path) -> int:
        other = here("hash", path).stdout.partition("PDQ")[2].split()[0]
        return (int(digest, 16) ^ int(other, 16)).bit_count()

    # 31 of 256 bits is the distance up to which the authors of PDQ call two pictures the same.
    assert distance(tmp_path / "small.jpg") <= 31 < distance(tmp_path / "turned.jpg")


def test_hash_of_a_video_is_in_the_layout_of_vpdq() -> None:
    done = here("hash", "--vpdq", SAMPLES / "clip.mp4")
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert [(row[0], row[3]) for row in rows[:3]] == [("0", "0.000"), ("25", "1.000"), ("50", "2.000")]
    assert all(len(row) == 4 and len(row[2]) == 64 and 0 <= int(row[1]) <= 100 for row in rows)
    assert here("hash", SAMPLES / "SOURCES.md").returncode == 3
    assert "no picture" in here("hash", SAMPLES / "speech.flac").stdout


def test_wipe_removes_the_case_and_says_what_it_cannot_promise(case: Path, evidence: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "keep.txt").write_bytes(b"keep")
    (case / "data" / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    (case / "data" / "hard.txt").hardlink_to(tmp_path / "outside" / "keep.txt")
    assert here("wipe", case, stdin="n\n").returncode != 0 and (case / "data" / "info.json").exists()
    done = here("wipe", case, stdin="y\n")
    assert done.returncode == 0, done.stderr
    assert not case.exists() and portrait(evidence).exists()
    assert (tmp_path / "outside" / "keep.txt").read_bytes() == b"keep"
    for word in ("cannot promise", "Copies", "SSD", "files that were examined"):
        assert word in done.stdout
    assert here("wipe", evidence, "--yes").returncode == 1 and portrait(evidence).exists()
