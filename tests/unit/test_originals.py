"""Comparison with originals: found under what a picture goes through, told apart from strangers, and bad input
named.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detect.deadline import Deadline
from deepfake_detect.errors import UsageError
from deepfake_detect.findings import Finding, Reason
from deepfake_detect.ingest import open_media
from deepfake_detect.originals import Comparer, OriginalsIndex, OriginalsOptions, index_originals, store
from deepfake_detect.originals.capture import Grain, capture
from deepfake_detect.originals.compare import Comparison, compare
from deepfake_detect.originals.features import features, hashes, mirrored
from deepfake_detect.originals.match import MIN_CONFIRMED
from deepfake_detect.originals.register import Registration, at_side, register
from deepfake_detect.reship.visual import jpeg, resize, webp

Rgb = NDArray[np.uint8]
SAMPLES = Path(__file__).parents[2] / "samples"


def scene(seed: int, height: int = 480, width: int = 640) -> Rgb:
    """Overlapping shapes on a soft background: detail enough to be found by, nothing shared between seeds."""
    rng = np.random.default_rng(seed)
    picture = cv2.resize(rng.uniform(60, 200, (6, 8, 3)), (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(70):
        points = rng.uniform((0, 0), (width, height)) + rng.uniform(-60, 60, (int(rng.integers(3, 7)), 2))
        cv2.fillPoly(picture, [points.astype(np.int32)], rng.uniform(0, 255, 3).tolist(), cv2.LINE_AA)
    return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def altered(picture: Rgb) -> tuple[Rgb, NDArray[np.bool_]]:
    """The picture with an ellipse painted over from its border."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(mask, (380, 260), (90, 70), 20, 0, 360, 255, -1)
    return np.asarray(cv2.inpaint(picture, mask, 5, cv2.INPAINT_TELEA), np.uint8), mask > 0


def placed(suspect: Rgb, original: Rgb) -> Registration | None:
    small, other = at_side(suspect), at_side(original)
    return register(small, other, features(small, 1024, 1500), features(other, 1024, 1500))


def compared(suspect: Rgb, original: Rgb) -> Comparison:
    found = placed(suspect, original)
    assert found is not None and found.confirmed >= MIN_CONFIRMED
    return compare(at_side(suspect), at_side(original), found)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve scenes as PNG."""
    folder = tmp_path_factory.mktemp("originals")
    for seed in range(12):
        Image.fromarray(scene(seed)).save(folder / f"{seed:02d}.png")
    return folder


@pytest.fixture(scope="module")
def index(originals: Path) -> OriginalsIndex:
    return index_originals([originals])


def look(index: OriginalsIndex, path: Path, **options: Any) -> tuple[tuple[Finding, ...], Any, tuple[str, ...]]:
    with open_media(path) as opened:
        return Comparer(index, options=OriginalsOptions(**options)).look(opened, (), Deadline(), open_media, True)


def rotated(picture: Rgb) -> Rgb:
    turn = cv2.getRotationMatrix2D((320, 240), 33, 0.8)
    return np.asarray(cv2.warpAffine(picture, turn, (640, 480)), np.uint8)


def framed(picture: Rgb) -> Rgb:
    canvas = np.full((900, 500, 3), 250, np.uint8)
    canvas[200:575] = cv2.resize(picture, (500, 375))
    cv2.putText(canvas, "12:41 somebody", (20, 80), cv2.FONT_HERSHEY_SIMPLEX, 1, (90, 90, 90), 2)
    return canvas


def pasted(picture: Rgb) -> Rgb:
    strange = scene(99)
    strange[100:340, 200:420] = picture[60:300, 20:240]
    return strange


SHIPPED = {
    "jpeg 40": lambda p: jpeg(p, 40),
    "webp 40": lambda p: webp(p, 40),
    "quarter": lambda p: jpeg(resize(p, 0.25), 80),
    "crop": lambda p: np.ascontiguousarray(p[120:383, 150:500]),
    "mirror": lambda p: np.ascontiguousarray(p[:, ::-1]),
    "rotated": rotated,
    "screenshot": framed,
    "part in a strange scene": pasted,
}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_right_original_is_found(name: str, index: OriginalsIndex, tmp_path: Path) -> None:
    edited, _ = altered(scene(5))
    Image.fromarray(SHIPPED[name](edited)).save(tmp_path / "s.png")
    findings, abstentions, gaps = look(index, tmp_path / "s.png")
    assert [Path(f.facts["original"]["path"]).name for f in findings] == ["05.png"]  # type: ignore[index,call-overload]
    assert not abstentions and not gaps
    assert findings[0].facts["mirrored"] is (name == "mirror")
    assert findings[0].score is None and findings[0].llr is None


def test_a_stranger_matches_nothing(index: OriginalsIndex, tmp_path: Path) -> None:
    Image.fromarray(scene(77)).save(tmp_path / "s.png")
    findings, abstentions, _ = look(index, tmp_path / "s.png")
    assert findings == () and abstentions[0].reason is Reason.UNSUPPORTED
    assert "none of the 12 files supplied as originals" in abstentions[0].detail


def test_pairs_without_shared_content_confirm_too_little() -> None:
    pairs = [(a, b) for a in range(6) for b in range(20, 26)]
    confirmed = [r.confirmed if (r := placed(scene(a), scene(b))) else 0 for a, b in pairs]
    assert max(confirmed) < MIN_CONFIRMED


def shots(seed: int, lens: float = 0) -> tuple[Rgb, Rgb]:
    """Two shots of one smooth scene, imitated: the second shifted, bent and exposed otherwise, each with own grain."""
    still, rng = cv2.GaussianBlur(scene(seed), (0, 0), 1.2).astype(np.float32), np.random.default_rng(seed)
    moved = cv2.warpAffine(still, np.array([[1, 0.004, 3.3], [-0.004, 1, -2.4]]), (640, 480), borderMode=1) * 1.06
    camera = np.array([[640, 0, 320], [0, 640, 240], [0, 0, 1]], np.float64)
    moved = cv2.undistort(moved, camera, np.array([lens, 0, 0, 0])) if lens else moved
    first, second = (np.clip(s + rng.normal(0, 4, s.shape), 0, 255).astype(np.uint8) for s in (still, moved))
    return first, second


def test_another_shot_of_the_scene_is_not_told_as_a_copy(tmp_path: Path) -> None:
    first, second = shots(31)
    Image.fromarray(first).save(tmp_path / "o.jpg", quality=95)
    Image.fromarray(second).save(tmp_path / "s.jpg", quality=92)
    findings, _, _ = look(index_originals([tmp_path / "o.jpg"]), tmp_path / "s.jpg")
    facts: Any = findings[0].facts
    assert facts["relation"] == "another_shot" and facts["grain"]["answer"] == "own"
    assert "another shot of the same scene" in facts["statement"] and facts["log10_likelihood_ratio"] is None


def test_another_shot_may_be_slightly_bent() -> None:
    first, second = shots(31, lens=-0.03)
    found = placed(jpeg(second, 92), jpeg(first, 95))
    assert found is not None and found.bend is not None
    shot = capture(compare(jpeg(second, 92), jpeg(first, 95), found), found, 1.0)
    assert shot.framing and shot.another_shot


@pytest.mark.parametrize(("quality", "answer"), [(97, "shared"), (30, "undecided")])
def test_a_copy_of_a_grainy_picture_is_no_other_shot(quality: int, answer: str, tmp_path: Path) -> None:
    first, _ = shots(31)
    Image.fromarray(first).save(tmp_path / "o.jpg", quality=95)
    Image.fromarray(altered(jpeg(first, 95))[0]).save(tmp_path / "s.jpg", quality=quality)
    findings, _, _ = look(index_originals([tmp_path / "o.jpg"]), tmp_path / "s.jpg")
    facts: Any = findings[0].facts
    assert facts["relation"] == "shares_content" and facts["grain"]["answer"] == answer


def test_a_crop_of_a_grainy_picture_is_no_other_shot() -> None:
    still, rng = cv2.GaussianBlur(scene(31, 1200, 1600), (0, 0), 2), np.random.default_rng(31)
    original = jpeg(np.clip(still + rng.normal(0, 9, still.shape), 0, 255).astype(np.uint8), 94)
    crop = jpeg(np.ascontiguousarray(original[240:897, 320:1196]), 95)
    found = placed(crop, original)
    assert found is not None
    comparison = compare(at_side(crop), at_side(original), found)
    assert comparison.shown == pytest.approx(0.3, abs=0.03) and comparison.overlap.mean() > 0.9
    shot = capture(comparison, found, 1.0)
    assert shot.grain is not Grain.OWN and not shot.framing and not shot.another_shot


def test_placement_is_right_to_a_pixel() -> None:
    original = scene(3)
    truth = np.array([[0.7, -0.2, 90], [0.15, 0.75, 20], [1e-5, 2e-5, 1]])
    suspect = np.asarray(cv2.warpPerspective(original, truth, (640, 480)), np.uint8)
    found = placed(suspect, original)
    assert found is not None
    points = np.array([[[100, 100]], [[500, 120]], [[480, 400]], [[120, 380]]], np.float64)
    error = cv2.perspectiveTransform(points, found.matrix) - cv2.perspectiveTransform(points, truth)
    assert np.abs(error).max() < 1.0


@pytest.mark.parametrize("ship", [lambda p: p, lambda p: jpeg(p, 40), lambda p: resize(p, 0.5)])
def test_the_altered_region_is_told_and_nothing_else(ship: Any) -> None:
    original = scene(8)
    edited, mask = altered(original)
    changed = mask & (np.abs(edited.astype(int) - original).max(-1) > 24)
    result = compared(ship(edited), original)
    shape = result.differs.shape[::-1]
    near = cv2.resize(cv2.dilate(mask.astype(np.uint8), np.ones((25, 25))), shape, interpolation=cv2.INTER_NEAREST) > 0
    core = cv2.resize(changed.astype(np.uint8), shape, interpolation=cv2.INTER_NEAREST) > 0
    assert (result.differs & core).sum() > 0.75 * core.sum()
    assert (result.differs & ~near).sum() < 0.01 * result.differs.size


@pytest.mark.parametrize("quality", [90, 40])
def test_recompression_and_exposure_alone_are_no_difference(quality: int) -> None:
    original = scene(9)
    brighter = np.clip(255 * (original / 255.0) ** 0.8 * 0.95, 0, 255).astype(np.uint8)
    result = compared(jpeg(brighter, quality), original)
    assert result.differs.mean() < 0.002
    assert result.reused.mean() > 0.85


SEPIA = np.array([[0.393, 0.349, 0.272], [0.769, 0.686, 0.534], [0.189, 0.168, 0.131]])


def sepia(picture: Rgb) -> Rgb:
    return np.clip(picture @ SEPIA, 0, 255).astype(np.uint8)


def strong(picture: Rgb) -> Rgb:
    """More contrast and colour, which clips."""
    grey = (picture @ np.array([0.299, 0.587, 0.114]))[..., None]
    return np.clip(128 + 1.3 * (grey + 1.3 * (picture - grey) - 128), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("look", [sepia, strong])
def test_a_filter_alone_is_no_difference_and_hides_none(look: Any) -> None:
    original = scene(9)
    assert compared(jpeg(look(original), 85), original).differs.mean() < 0.002
    original = scene(11)
    made, mask = altered(original)
    result = compared(jpeg(look(made), 85), original)
    assert (result.differs & mask).sum() / mask.sum() > 0.8
    assert (result.differs & ~mask).mean() < 0.01


def test_a_reshaped_part_is_still_found_through_a_filter() -> None:
    """What undoes a lens and a filter must not undo a body made slimmer."""
    original = cv2.cvtColor(cv2.imread(str(SAMPLES / "portrait.jpg")), cv2.COLOR_BGR2RGB)
    y, x = np.mgrid[: original.shape[0], : original.shape[1]].astype(np.float32)
    for cx, cy, radius, pixels in ((250, 130, 50, 4), (250, 380, 90, 6)):
        near = np.clip(1 - ((x - cx) ** 2 + (y - cy) ** 2) / radius**2, 0, 1)
        reshaped = np.asarray(cv2.remap(original, x - pixels * near**2, y, cv2.INTER_CUBIC), np.uint8)
        result = compared(jpeg(strong(reshaped), 85), original)
        inside = cv2.resize(near, result.differs.shape[::-1]) > 0
        assert result.differs[inside].mean() > 0.05 and result.differs[~inside].mean() < 0.005


def test_a_lens_is_undone_where_matches_are_few() -> None:
    sharp = scene(9, 720, 1024)
    middle = np.zeros(sharp.shape[:2], np.float32)
    cv2.ellipse(middle, (512, 360), (230, 160), 0, 0, 360, 1, -1)
    share = cv2.GaussianBlur(middle, (0, 0), 20)[..., None]
    original = (sharp * share + cv2.GaussianBlur(sharp, (0, 0), 2) * (1 - share)).astype(np.uint8)
    camera = np.array([[1024, 0, 512], [0, 1024, 360], [0, 0, 1]], np.float64)
    refilmed = np.asarray(cv2.undistort(original, camera, np.array([-0.1, 0.01, 0, 0])), np.uint8)
    assert compared(jpeg(refilmed, 85), original).differs.mean() < 0.01


def test_mirrored_features_are_those_of_the_mirror_image() -> None:
    picture = scene(2)
    turned, sought = mirrored(features(picture, 640, 400)), features(np.ascontiguousarray(picture[:, ::-1]), 640, 400)
    matches = cv2.BFMatcher().knnMatch(turned.descriptors.astype(np.float32), sought.descriptors.astype(np.float32), 1)
    apart = [np.hypot(*(turned.points[m[0].queryIdx, :2] - sought.points[m[0].trainIdx, :2])) for m in matches]
    assert np.mean(np.array(apart) < 2) > 0.8


def test_forms_of_the_whole_picture_follow_the_order_that_registration_expects() -> None:
    picture = scene(4, 512, 512)
    forms = [picture, np.rot90(picture), np.rot90(picture, 2), np.rot90(picture, 3), picture[::-1], picture[:, ::-1]]
    reference, _ = hashes(picture)
    for form in forms:
        vectors, _ = hashes(np.ascontiguousarray(form))
        distances = [int(np.unpackbits(v ^ reference[0]).sum()) for v in vectors]
        assert min(distances) <= 31  # the distance at which PDQ's authors call two pictures the same


def test_an_index_is_kept_and_only_changed_files_are_read_again(
    originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, kept = tmp_path / "files", tmp_path / "kept"
    shutil.copytree(originals, files)
    first = index_originals([files], kept)
    read: list[str] = []

    def opener(path: Any) -> Any:
        read.append(Path(path).name)
        return open_media(path)

    Image.fromarray(scene(50)).save(files / "03.png")
    second = index_originals([files], kept, opener=opener)
    assert read == ["03.png"]
    assert [r.sha256 for r in second.records if "03" not in r.path] == [
        r.sha256 for r in first.records if "03" not in r.path
    ]
    for before, after in zip(first.entries, second.entries, strict=True):
        assert before.original == 3 or np.array_equal(before.codes, after.codes)


def test_a_damaged_index_is_made_again(originals: Path, tmp_path: Path) -> None:
    index_originals([originals], tmp_path)
    data = bytearray((tmp_path / "features.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "features.npz").write_bytes(data)
    assert len(index_originals([originals], tmp_path).records) == 12


def test_bad_originals_are_named_and_the_others_compared(originals: Path, tmp_path: Path) -> None:
    folder = tmp_path / "o"
    folder.mkdir()
    shutil.copy(originals / "05.png", folder)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(64))
    (folder / "notes.txt").write_text("no picture")
    shutil.copy(SAMPLES / "speech.flac", folder)
    (folder / "gone.png").symlink_to("nowhere.png")
    index = index_originals([folder])
    assert len(index.records) == 1 and len(index.problems) == 4
    for name in ("broken.jpg", "notes.txt", "speech.flac", "gone.png"):
        assert sum(name in problem for problem in index.problems) == 1


def test_no_original_at_all_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        index_originals([tmp_path])
    with pytest.raises(UsageError, match="none of the files is readable"):
        index_originals([tmp_path / "missing"])


def test_too_many_originals_are_told(originals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_ORIGINALS", 5)
    index = index_originals([originals], workers=1)
    assert len(index.records) == 5 and "7 more" in index.problems[-1]


def test_the_suspect_among_the_originals_is_not_compared_with_itself(index: OriginalsIndex, originals: Path) -> None:
    findings, abstentions, gaps = look(index, originals / "05.png")
    assert findings == () and "none of the 11" in abstentions[0].detail
    assert any("the very file under examination" in gap for gap in gaps)


def test_an_original_that_changed_after_indexing_is_not_compared(originals: Path, tmp_path: Path) -> None:
    path = tmp_path / "o.png"
    shutil.copy(originals / "05.png", path)
    index = index_originals([path])
    Image.fromarray(np.ascontiguousarray(scene(5)[10:])).save(path)
    Image.fromarray(jpeg(scene(5), 70)).save(tmp_path / "s.png")
    findings, _, gaps = look(index, tmp_path / "s.png")
    assert findings == () and any("changed after it was indexed" in gap for gap in gaps)


def test_originals_are_left_as_they_are(originals: Path, tmp_path: Path) -> None:
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in originals.iterdir()}
    originals.chmod(0o500)
    try:
        Image.fromarray(jpeg(scene(5), 70)).save(tmp_path / "s.png")
        look(index_originals([originals]), tmp_path / "s.png")
    finally:
        originals.chmod(0o700)
    assert before == {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in originals.iterdir()}


def test_a_video_frame_is_found_in_its_video(tmp_path: Path) -> None:
    index = index_originals([SAMPLES / "clip.mp4"])
    assert index.records[0].kind == "video" and len(index.entries) > 4
    findings, _, _ = look(index, SAMPLES / "portrait.jpg")
    assert len(findings) == 1 and findings[0].facts["share_of_suspect_same"] > 0.5  # type: ignore[operator]


def test_a_survivor_s_originals_are_neither_named_nor_shown(index: OriginalsIndex, tmp_path: Path) -> None:
    Image.fromarray(altered(scene(5))[0]).save(tmp_path / "s.png")
    findings, _, _ = look(index, tmp_path / "s.png", named=False)
    assert findings[0].facts["original"]["path"] is None  # type: ignore[index,call-overload]
    assert all(item.image is None for item in findings[0].evidence)


def test_pictures_of_a_match(index: OriginalsIndex, tmp_path: Path) -> None:
    Image.fromarray(altered(scene(5))[0]).save(tmp_path / "s.png")
    findings, _, _ = look(index, tmp_path / "s.png")
    assert [e.kind for e in findings[0].evidence if e.image] == ["suspect", "original", "difference"]
