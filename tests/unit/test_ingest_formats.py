"""Every format decodes to what was put in, whatever the file is called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from make_media import CORNERS, GOOD, HEIGHT, SECONDS, TONE_HERTZ, WIDTH, picture

from deepfake_detect.ingest import OpenMedia, open_media
from deepfake_detect.media import SAMPLE_RATE, AudioSegment, ContainerFacts, Frame, SamplingPlan

LOSSLESS = {
    "plain.png", "plain.bmp", "plain.tif", "pages.tif", "rgb16.png", "palette.png", "plain.gif", "animated.png",
    "animated.gif",
}  # fmt: skip
OWN = {  # not the plain test picture
    "grey.jpg", "alpha.png", "grey16.png", "lzw16.tif", "one_pixel.png", "wide.png", "many_frames.gif", "h263.3gp",
    "one_pixel.mkv",
}  # fmt: skip
TURNED = {name for name in GOOD if name.startswith(("orientation", "rotated"))}


def split(opened: OpenMedia, plan: SamplingPlan | None = None) -> tuple[list[Frame], list[AudioSegment]]:
    """Frames and sound of a file, in order."""
    items = list(opened.decode(plan or SamplingPlan()))
    return [i for i in items if isinstance(i, Frame)], [i for i in items if isinstance(i, AudioSegment)]


def facts_of(opened: OpenMedia) -> ContainerFacts:
    assert opened.media.facts is not None
    return opened.media.facts


def corner_colours(frame: Frame) -> list[tuple[int, ...]]:
    """Mean colour well inside each quarter: top left, top right, bottom left, bottom right."""
    h, w = frame.height, frame.width
    places = [(slice(h // 8, h // 4), slice(w // 8, w // 4)), (slice(h // 8, h // 4), slice(-w // 4, -w // 8)),
              (slice(-h // 8, -2), slice(w // 8, w // 4)), (slice(-h // 8, -2), slice(-w // 4, -w // 8))]  # fmt: skip
    return [tuple(frame.pixels[p].reshape(-1, 3).mean(axis=0).round().astype(int)) for p in places]


@pytest.mark.parametrize("name", GOOD)
def test_is_recognised_and_decodes(media_folder: Path, name: str) -> None:
    kind, format_ = GOOD[name]
    with open_media((media_folder / name).read_bytes()) as opened:  # bytes have no name to go by
        frames, sounds = split(opened)
        facts = facts_of(opened)
        assert (opened.media.kind, facts.format) == (kind, format_)
        assert opened.media.path is None
        assert bool(frames) == (kind != "audio")
        if kind == "audio":
            assert sounds and not facts.width
        else:
            assert {(f.width, f.height) for f in frames} == {(facts.width, facts.height)}
            assert len(frames) <= SamplingPlan().max_frames
            assert frames[0].new_shot
            assert [f.time for f in frames] == sorted({f.time for f in frames})
        opened.verify_unchanged()


@pytest.mark.parametrize("name", sorted(n for n, (k, _) in GOOD.items() if k != "audio" and n not in OWN | TURNED))
def test_picture_content(media_folder: Path, name: str) -> None:
    with open_media(media_folder / name) as opened:
        frames, _ = split(opened)
    assert (frames[0].width, frames[0].height) == (WIDTH, HEIGHT)
    if name in LOSSLESS:
        assert np.abs(frames[0].pixels.astype(int) - picture()).max() <= (8 if "palette" in name else 0)
    else:
        for got, wanted in zip(corner_colours(frames[0]), CORNERS, strict=True):
            assert np.abs(np.array(got) - wanted).max() <= 20, (name, got, wanted)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(media_folder: Path, orientation: int) -> None:
    """Against the definition: where row 0 and column 0 of the stored picture are shown (CIPA DC-008, 4.6.4)."""
    a, b, c, d = CORNERS
    shown = {1: [a, b, c, d], 2: [b, a, d, c], 3: [d, c, b, a], 4: [c, d, a, b],
             5: [a, c, b, d], 6: [c, a, d, b], 7: [d, b, c, a], 8: [b, d, a, c]}[orientation]  # fmt: skip
    with open_media(media_folder / f"orientation{orientation}.jpg") as opened:
        frames, _ = split(opened)
        assert facts_of(opened).orientation == orientation
        assert facts_of(opened).metadata["exif:Orientation"] == str(orientation)
    for got, wanted in zip(corner_colours(frames[0]), shown, strict=True):
        assert np.abs(np.array(got) - wanted).max() <= 12


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_video_rotation(media_folder: Path, degrees: int) -> None:
    """The display matrix turns counter-clockwise, as ffmpeg shows it."""
    upright = np.rot90(np.array(CORNERS).reshape(2, 2, 3), degrees // 90).reshape(4, 3)
    with open_media(media_folder / f"rotated{degrees}.mp4") as opened:
        frames, _ = split(opened)
        assert facts_of(opened).streams[0].rotation == degrees
    assert (frames[0].width > frames[0].height) == (degrees == 180)
    for got, wanted in zip(corner_colours(frames[0]), upright, strict=True):
        assert np.abs(np.array(got) - wanted).max() <= 20


def test_sixteen_bit_is_scaled_not_clipped(media_folder: Path) -> None:
    for name in ("grey16.png", "lzw16.tif"):
        with open_media(media_folder / name) as opened:
            row = split(opened)[0][0].pixels[0, :, 0]
            assert facts_of(opened).streams[0].bit_depth == 16
        assert np.abs(row - np.linspace(0, 255, WIDTH)).max() <= 1
    with open_media(media_folder / "rgb16.png") as opened:
        assert facts_of(opened).streams[0].bit_depth == 16


def test_ten_bit(media_folder: Path) -> None:
    for name in ("ten_bit.heic", "hevc10.mkv"):
        with open_media(media_folder / name) as opened:
            assert facts_of(opened).streams[0].bit_depth == 10


def test_alpha_is_shown_over_white_and_said_so(media_folder: Path) -> None:
    with open_media(media_folder / "alpha.png") as opened:
        frame = split(opened)[0][0]
        assert any("over white" in gap for gap in opened.gaps)
    assert (frame.pixels[:, WIDTH // 2 :] == 255).all()
    assert tuple(frame.pixels[2, 2]) == CORNERS[0]


def test_animation(media_folder: Path) -> None:
    for suffix in ("gif", "webp", "png", "avif"):
        with open_media(media_folder / f"animated.{suffix}") as opened:
            assert facts_of(opened).frames == 40
            frames, _ = split(opened, SamplingPlan(max_frames=5))
            assert [f.time for f in frames] == pytest.approx([0, 0.4, 0.8, 1.2, 1.6])
            frames, _ = split(opened, SamplingPlan(fps=2))
            assert [f.time for f in frames] == pytest.approx([0, 0.5, 1.0, 1.5])
            assert "4 of 40 frames of the animation were looked at." in opened.gaps
    with open_media(media_folder / "many_frames.gif") as opened:
        assert len(split(opened)[0]) == 32


def test_pages_beyond_the_first_are_a_gap(media_folder: Path) -> None:
    with open_media(media_folder / "pages.tif") as opened:
        assert len(split(opened)[0]) == 1
        assert any("3 pictures" in gap for gap in opened.gaps)


def test_jpeg_quality(media_folder: Path) -> None:
    for name, quality in (("plain.jpg", 83), ("progressive.jpg", 90), ("grey.jpg", 75)):
        with open_media(media_folder / name) as opened:
            jpeg = facts_of(opened).jpeg
        assert jpeg is not None and jpeg.quality == quality
        assert all(len(table) == 64 for table in jpeg.tables)
    assert jpeg.tables[0][:6] == (8, 6, 6, 7, 6, 5)  # zig-zag: Annex K's 16 11 12 14 12 10, halved


@pytest.mark.parametrize("name", sorted(n for n, (k, _) in GOOD.items() if k == "audio"))
def test_sound_content(media_folder: Path, name: str) -> None:
    with open_media(media_folder / name) as opened:
        _, sounds = split(opened)
        facts = facts_of(opened)
    samples = np.concatenate([s.samples for s in sounds])
    assert sounds[0].start == pytest.approx(0, abs=0.05)
    assert samples.size / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.1)
    assert facts.seconds == pytest.approx(SECONDS, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[2000:26000] * np.hanning(24000)))
    assert np.argmax(spectrum) * SAMPLE_RATE / 24000 == pytest.approx(TONE_HERTZ, abs=2)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.5 / np.sqrt(2), abs=0.06)  # AMR is the worst


def test_sound_that_cancels_is_not_lost(media_folder: Path) -> None:
    with open_media(media_folder / "opposite.wav") as opened:
        split(opened)
        assert any("cancel" in gap for gap in opened.gaps)


def test_cover_picture_is_no_video(media_folder: Path) -> None:
    with open_media(media_folder / "cover.mp3") as opened:
        assert {s.kind for s in facts_of(opened).streams} == {"audio", "cover"}


def test_pixels_that_are_not_square_are_said(media_folder: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide.mkv"
    command = ["ffmpeg", "-v", "error", "-i", media_folder / "silent.mp4", "-c", "copy", "-aspect", "16:9", wide]
    subprocess.run(command, check=True)
    for path, expected in ((wide, True), (media_folder / "silent.mp4", False)):
        with open_media(path) as opened:
            assert any("not square" in gap for gap in opened.gaps) is expected


def test_stream_facts(media_folder: Path) -> None:
    with open_media(media_folder / "h264.mp4") as opened:
        video, audio = facts_of(opened).streams
        facts = facts_of(opened)
    assert (video.codec, video.width, video.height, video.pixel_format) == ("h264", WIDTH, HEIGHT, "yuv420p")
    assert (video.frame_rate, video.variable_frame_rate, video.frames, video.bit_depth) == (25.0, False, 50, 8)
    assert (audio.codec, audio.sample_rate, audio.channels) == ("aac", 48_000, 2)
    assert facts.seconds == pytest.approx(2.0, abs=0.05)
    assert facts.metadata["container:encoder"].startswith("Lavf")
    with open_media(media_folder / "av1.mp4") as opened:
        assert facts_of(opened).streams[0].codec == "av1"
    with open_media(media_folder / "variable.mp4") as opened:
        assert facts_of(opened).streams[0].variable_frame_rate is True
    with open_media(media_folder / "only_sound.mp4") as opened:
        assert facts_of(opened).mime == "audio/mp4"


def test_making_the_media_makes_no_real_time_process(media_folder: Path) -> None:
    """What a test starts would be one, too, and starve the machine."""
    assert media_folder.is_dir() and os.sched_getscheduler(0) == os.SCHED_OTHER
