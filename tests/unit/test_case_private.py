"""What is taken out of a result before it is written or printed, and that nothing else is."""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from pathlib import Path

import pytest
from make_report import make_clean_report, make_failure, make_report

from deepfake_detect.case.custody import Action, read_chain
from deepfake_detect.case.evidence import place, roots_of
from deepfake_detect.case.layout import Profile
from deepfake_detect.case.private import Handling, prepared
from deepfake_detect.case.profile import choose_profile
from deepfake_detect.case.verify import verify
from deepfake_detect.case.writer import CaseWriter
from deepfake_detect.errors import UsageError
from deepfake_detect.findings import Abstention, CaseRecord, Evidence, Failure, Reason, Report
from deepfake_detect.report.serialise import to_json

SURVIVOR = Handling(profile=Profile.SURVIVOR)
MINOR = Handling(CaseRecord(minor=True))
LIBRARY = Path(__file__).parents[2] / "deepfake_detect"


def named(path: str, said: str = "") -> Report:
    """A report on a file of this path that quotes ``said`` wherever a text of the media or a message can stand."""
    report = make_clean_report()
    assert report.media.facts is not None
    facts = replace(
        report.media.facts, metadata={"exif:ImageDescription": said}, provenance={"c2pa": {"title": (said,)}}
    )
    finding = replace(report.findings[0], facts={"c2pa": {"title": said}})
    abstention = Abstention("scan", "file", Reason.FAILED, f"{said} changed during the scan")
    media = replace(report.media, path=path, facts=facts)
    return replace(report, media=media, findings=(finding,), abstentions=(abstention,), coverage_gaps=(said,))


@pytest.mark.parametrize(
    "path",
    ["/home/maria/maria nude.jpg", "maria nude.jpg", "./maria nude.jpg", "x/../maria nude.jpg", "MARIA NUDE.JPG"],
)
def test_neither_path_nor_name_is_left(path: str) -> None:
    full = os.path.abspath(path)  # noqa: PTH100  resolves no link
    for said in (path, full, Path(path).name, repr(path), f"“{Path(path).name.lower()}” and more"):
        text = to_json(prepared(named(path, said), SURVIVOR)).lower()
        assert "maria" not in text and "nude" not in text, said
        failed = Failure(path, Reason.FAILED, f"{said} may not be read", f"Move {said}.", None)
        assert "maria" not in to_json(prepared(failed, SURVIVOR)).lower()


def test_the_name_without_its_ending_is_taken_out_of_free_text() -> None:
    report = named("maria.jpg")
    assert report.media.facts is not None
    facts = replace(report.media.facts, metadata={"xmp:title": "portrait of Maria, 2026", "exif:Make": "Mariaphone"})
    after = prepared(replace(report, media=replace(report.media, facts=facts)), SURVIVOR)
    assert isinstance(after, Report) and after.media.facts is not None
    assert after.media.facts.metadata == {"xmp:title": "portrait of the file, 2026", "exif:Make": "Mariaphone"}


@pytest.mark.parametrize("name", ["camera.jpg", "camera", "a.jpg", "a", "person-1.jpg", "voice", "absent.png", "file"])
def test_a_common_word_for_a_name_changes_no_fact(name: str) -> None:
    """Labels, subjects, detectors and typed facts stay what they are."""
    before = replace(make_report(), media=replace(make_report().media, path=name))
    after = prepared(before, SURVIVOR)
    assert isinstance(after, Report)
    assert after.media.path is None
    assert [f.facts for f in after.findings] == [f.facts for f in before.findings]
    assert [(f.detector, f.subject, f.llr) for f in after.findings] == [
        (f.detector, f.subject, f.llr) for f in before.findings
    ]
    assert (after.subjects, after.run) == (before.subjects, before.run)


def test_of_a_child_no_picture_is_left_whatever_it_shows() -> None:
    report = make_report()
    image = report.subjects[0].evidence[0].image
    assert image is not None
    sound = Evidence("spectrogram", "sound", image=image)
    report = replace(report, subjects=(*report.subjects[:-1], replace(report.subjects[-1], evidence=(sound,))))
    after = prepared(report, MINOR)
    assert isinstance(after, Report)
    assert not [e for part in (*after.findings, *after.subjects) for e in part.evidence if e.image]
    assert any(e.kind == "timeline" for finding in after.findings for e in finding.evidence)


def test_preparing_twice_is_preparing_once() -> None:
    for result in (make_report(), make_failure()):
        for handling in (SURVIVOR, MINOR, Handling(CaseRecord("c", "e", "x", "o"))):
            once = prepared(result, handling)
            assert prepared(once, handling) == once


def test_an_option_comes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    config = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert choose_profile(None, config) is Profile.STANDARD
    (tmp_path / "deepfake-detect").mkdir()
    (tmp_path / "deepfake-detect" / "config.toml").write_text('profile = "survivor"')
    assert choose_profile(None, config) is Profile.SURVIVOR
    assert choose_profile(None, {**config, "DEEPFAKE_DETECT_PROFILE": "standard"}) is Profile.STANDARD
    assert choose_profile("survivor", {**config, "DEEPFAKE_DETECT_PROFILE": "standard"}) is Profile.SURVIVOR
    with pytest.raises(UsageError, match="surviver"):
        choose_profile(None, {"DEEPFAKE_DETECT_PROFILE": "surviver"})


def test_a_path_is_placed_in_the_innermost_root(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "x.jpg").write_bytes(b"")
    roots = roots_of([tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "x.jpg"])
    assert roots == (str(tmp_path / "a"), str(tmp_path / "a" / "b"))
    assert place(str(tmp_path / "a" / "b" / "y.jpg"), roots) == (str(tmp_path / "a" / "b"), "y.jpg")
    assert place(str(tmp_path / "a" / "z" / "y.jpg"), roots) == (str(tmp_path / "a"), "z/y.jpg")
    assert place(str(tmp_path / "y.jpg"), roots)[0] == tmp_path.anchor
    assert roots_of(["-"]) == (str(Path.cwd()),)


def test_only_documents_go_through_temporary_files() -> None:
    """Decoded pixels never go to one: the users write whole documents beside the place that they then take, keep what
    was uploaded as it came, convert weights, or gather wheels.
    """
    users = set()
    for path in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if "tempfile" in names or (isinstance(node, ast.ImportFrom) and node.module == "tempfile"):
                users.add(path.relative_to(LIBRARY).as_posix())
    assert users <= {
        "case/files.py", "originals/store.py", "page/place.py", "detect/added/huggingface.py", "bundle/wheels.py",
    }  # fmt: skip


def _shows(case: Path) -> list[str]:
    """The files of a case that hold a picture or are named by one."""
    return [
        str(path) for path in (case / "data").rglob("*")
        if path.is_file() and (b"\x89PNG" in path.read_bytes() or b"data:image" in path.read_bytes())
    ]  # fmt: skip


@pytest.mark.parametrize("broken", ["_strip", "_write_info", "_write_documents"])
def test_a_removal_that_was_cut_short_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    case = tmp_path / "case"
    with CaseWriter(case) as writer:
        writer.add(make_report())
    assert _shows(case)
    writer = CaseWriter(case)
    with monkeypatch.context() as patch:
        if broken == "_write_info":  # the crash comes right after it
            patch.setattr("deepfake_detect.case.writer.overwrite", _killed)
        else:
            patch.setattr(CaseWriter, broken, _killed)
        with pytest.raises(KeyboardInterrupt):
            writer.declare_minor()
    writer._log.close()
    with CaseWriter(case) as again:  # any later command, without the option
        assert again.minor
    assert _shows(case) == []
    assert verify(case).problems == ()
    entries, _ = read_chain(case / "custody.jsonl")
    assert [entry.action for entry in entries].count(Action.DECLARED_MINOR) == 1


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
