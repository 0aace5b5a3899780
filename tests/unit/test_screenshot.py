"""The picture inside a screenshot, and the part of a picture that somebody names."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from deepfake_detect import Scanner, ScanOptions
from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.deadline import Deadline
from deepfake_detect.errors import UsageError
from deepfake_detect.extract.screenshot import find_picture
from deepfake_detect.findings import Reason
from deepfake_detect.gather import Finders, Gathered, gather
from deepfake_detect.ingest import Limits, identify, open_media
from deepfake_detect.media import Picture, Pixels, Region, SamplingPlan
from deepfake_detect.options import parse_region
from deepfake_detect.reship import visual as reship

SAMPLES = Path(__file__).parents[2] / "samples"
PLACE = Region(40, 300, 640, 800)


def textured(width: int, height: int) -> Pixels:
    """Smooth blobs with noise: like a photograph, no colour of it covers much."""
    rng = np.random.default_rng(3)
    coarse = cv2.resize(
        rng.integers(30, 220, (6, 6, 3)).astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    return np.clip(coarse + rng.normal(0, 4, coarse.shape), 0, 255).astype(np.uint8)


def screen(place: Region = PLACE, back: int = 250) -> Pixels:
    """A phone's screen, 720 x 1560: a clock, lines of text, one picture at ``place``."""
    pixels = np.full((1560, 720, 3), back, np.uint8)
    for y in (40, 200, 1200, 1260, 1320):
        cv2.putText(pixels, "the words that stand around it", (30, y), cv2.FONT_HERSHEY_SIMPLEX, 1, (30, 30, 30), 2)
    pixels[place.y : place.y + place.height, place.x : place.x + place.width] = textured(place.width, place.height)
    return pixels


def near(found: Region | None, true: Region, slack: int) -> bool:
    if found is None:
        return False
    ends = [(r.x, r.y, r.x + r.width, r.y + r.height) for r in (found, true)]
    return bool(np.abs(np.subtract(*ends)).max() <= slack)


@pytest.mark.parametrize("back", [250, 16])
def test_picture_of_a_screen_is_found(back: int) -> None:
    assert near(find_picture(screen(back=back)), PLACE, 1)


def test_picture_is_found_after_re_encoding_and_at_the_edges() -> None:
    assert near(find_picture(reship.jpeg(screen(), 75)), PLACE, 4)
    full = Region(0, 400, 720, 600)
    assert near(find_picture(screen(full)), full, 1)


def test_larger_of_two_pictures_is_taken() -> None:
    pixels = screen()
    pixels[1120:1320, 40:340] = textured(300, 200)
    assert near(find_picture(pixels), PLACE, 1)


def test_pictures_that_are_no_screenshot_are_left_whole() -> None:
    assert find_picture(textured(900, 700)) is None
    assert find_picture(np.full((900, 700, 3), 255, np.uint8)) is None
    thing = np.full((900, 900, 3), 255, np.uint8)
    disc = cv2.circle(np.zeros((900, 900), np.uint8), (450, 450), 300, 1, -1).astype(bool)
    thing[disc] = textured(900, 900)[disc]
    assert find_picture(thing) is None, "a round thing before a plain wall"


def gathered(path: Path, region: Region | None = None) -> Gathered:
    with open_media(path, identify(path), Limits(), None) as opened:
        finders = Finders(WeightStore(None), "cpu", faces=False, speech=False)
        return gather(opened, SamplingPlan(), finders, Deadline(None, None), region)


def test_screenshot_is_looked_at_in_its_picture_only(tmp_path: Path) -> None:
    file = tmp_path / "screen.png"
    cv2.imwrite(str(file), screen())
    found = gathered(file)
    picture = found.samples[Picture][0]
    assert near(picture.part, PLACE, 1) and (picture.width, picture.height) == (picture.part.width, picture.part.height)
    assert any("a screenshot" in gap and str(picture.part.x) in gap for gap in found.gaps)
    pixels = screen()
    for crop in picture.crops:
        r = crop.region
        assert np.array_equal(crop.pixels, pixels[r.y : r.y + r.height, r.x : r.x + r.width][..., ::-1])


def test_maps_of_an_altered_part_lie_in_the_picture_of_the_screenshot(tmp_path: Path) -> None:
    pixels, file = screen(), tmp_path / "screen.png"
    cv2.imwrite(str(file), pixels)
    options = ScanOptions(robustness=False)
    with Scanner(device="cpu", detectors=["local-edit"], plugins=False, options=options) as scanner:
        finding = scanner.scan(file).findings[0]
    region = finding.region
    assert region is not None and region.x % 8 == region.y % 8 == 0
    assert PLACE.x <= region.x and region.x + region.width <= PLACE.x + PLACE.width
    assert PLACE.y <= region.y and region.y + region.height <= PLACE.y + PLACE.height
    assert [e.kind for e in finding.evidence] == ["map", "ghosts"]
    looked_at = pixels[region.y : region.y + region.height, region.x : region.x + region.width].mean(2)
    for item in finding.evidence:
        assert item.region == region and item.image is not None
        shown = cv2.imdecode(np.frombuffer(item.image.data, np.uint8), cv2.IMREAD_COLOR)
        assert shown.shape[:2] == (region.height, region.width)
        assert np.corrcoef(shown.mean(2).ravel(), looked_at.ravel())[0, 1] > 0.9


def test_named_part_is_looked_at_and_clipped() -> None:
    file = SAMPLES / "portrait.jpg"
    whole = gathered(file).samples[Picture][0]
    assert whole.part is None
    found = gathered(file, Region(30, 60, 10_000, 300))
    picture = found.samples[Picture][0]
    assert picture.part == Region(30, 60, whole.width - 30, 300)
    assert all(c.region.x >= 30 and c.region.y >= 60 for c in picture.crops)
    assert any("the part that was named" in gap for gap in found.gaps)


def test_part_outside_of_the_picture_is_told() -> None:
    found = gathered(SAMPLES / "portrait.jpg", Region(100_000, 0, 50, 50))
    assert found.samples[Picture] == () and found.missing[Picture][0] is Reason.UNSUPPORTED


def test_region_is_parsed() -> None:
    assert parse_region("0,200,720,960") == Region(0, 200, 720, 960)
    for wrong in ("1,2,3", "a,b,c,d", "0,0,0,5", "-1,0,5,5", "1,2,3,4,5"):
        with pytest.raises(UsageError):
            parse_region(wrong)
