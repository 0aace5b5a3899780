"""Covering: without the extra every whole picture, with it what the finder finds, always with solid fill."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from make_report import face_pixels, make_report

from deepfake_detect import nudity
from deepfake_detect.case.cover import with_nudity_covered
from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.errors import WeightsError
from deepfake_detect.explain.images import evidence_image
from deepfake_detect.findings import Evidence, Report
from deepfake_detect.ingest import open_media
from deepfake_detect.media import Frame, Pixels, Region, SamplingPlan
from deepfake_detect.report.html import render_report
from deepfake_detect.report.pictures import Cover

SAMPLES = Path(__file__).parents[2] / "samples"
needs_nudenet = pytest.mark.skipif(
    find_spec(nudity.PACKAGE) is None, reason="nudenet is not installed: pip install deepfake_detect[nudity]"
)


def pixels_of(data: bytes) -> Pixels:
    with open_media(data) as opened:
        return next(f.pixels for f in opened.decode(SamplingPlan(max_frames=1)) if isinstance(f, Frame))


def compared(picture: Pixels) -> Report:
    """A report with one whole picture and the person's face."""
    report = make_report()
    evidence = (Evidence("suspect", "The examined picture", image=evidence_image(picture, 640)),)
    whole = replace(report.findings[2], evidence=evidence)
    return replace(report, findings=(report.findings[0], whole))


def test_filled_leaves_nothing_of_what_was_there() -> None:
    before = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    after = nudity.filled(before, [Region(10, 5, 20, 30)])
    assert (after[5:35, 10:30] == nudity.FILL).all()
    mask = np.ones((40, 60), bool)
    mask[5:35, 10:30] = False
    assert (after[mask] == before[mask]).all()


def test_without_the_extra_whole_pictures_are_covered_and_faces_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudity, "find_spec", lambda name: None)
    report = compared(face_pixels())
    (shown,), cover = with_nudity_covered([report])
    assert (shown, cover) == (report, Cover.WHOLE)
    page = render_report(shown, cover=cover)
    assert page.count('class="cover"') == 1
    assert page.count("data:image/png") == render_report(replace(report, findings=report.findings[:1])).count(
        "data:image/png"
    )


def test_boxes_get_a_margin_and_stay_inside() -> None:
    assert nudity._widened([100, 100, 100, 200], 400, 320) == Region(85, 70, 130, 250)
    assert nudity._widened([0, 0, 10, 10], 10, 10) == Region(0, 0, 10, 10)
    assert nudity._widened([9, 9, 0, 0], 10, 10).width == 1


def test_the_model_is_hashed_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tmp_path / "nudenet"
    changed.mkdir()
    (changed / "__init__.py").write_text("raise AssertionError('imported before its model was checked')")
    (changed / "320n.onnx").write_bytes(b"x" * 12_150_158)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "nudenet", raising=False)
    with pytest.raises(WeightsError):
        nudity.nudity_finder()
    (changed / "320n.onnx").unlink()
    with pytest.raises(WeightsError):
        nudity.nudity_finder()


@needs_nudenet
def test_what_the_real_finder_finds_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No nude picture is kept here: the real model is asked for the one thing in the sample that it knows, the face."""
    picture = pixels_of((SAMPLES / "portrait.jpg").read_bytes())
    untouched, cover = with_nudity_covered([compared(picture)])
    assert cover is Cover.NUDITY
    assert untouched[0].findings[1].evidence == compared(picture).findings[1].evidence
    monkeypatch.setattr(nudity, "_CLASSES", frozenset({"FACE_FEMALE", "FACE_MALE"}))
    (shown,), cover = with_nudity_covered([compared(picture)])
    image = shown.findings[1].evidence[0].image
    assert image is not None and image.sha256 == hashlib.sha256(image.data).hexdigest()
    grey = (pixels_of(image.data) == nudity.FILL).all(axis=2)
    assert 0.02 < grey.mean() < 0.5
    y, x = (axis.mean() / side for axis, side in zip(np.nonzero(grey), grey.shape, strict=True))
    found = next(f for f in _faces(picture))
    assert abs(x - found[0]) < 0.1 and abs(y - found[1]) < 0.1
    assert "can miss some" not in render_report(shown, cover=Cover.WHOLE)


def _faces(picture: Pixels) -> list[tuple[float, float]]:
    """Centres of the faces that the scan itself finds, as shares of the width and height."""
    from deepfake_detect.extract import FaceFinder

    (found,) = FaceFinder(WeightStore()).find([Frame(0.0, picture)], 640)
    height, width = picture.shape[:2]
    return [((d.box[0] + d.box[2]) / 2 / width, (d.box[1] + d.box[3]) / 2 / height) for d in found]
