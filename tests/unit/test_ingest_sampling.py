"""Which frames and how much sound a plan gives."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from make_media import FPS, picture, tone, write

from deepfake_detect.errors import LimitExceededError
from deepfake_detect.ingest import Limits, open_media
from deepfake_detect.ingest.shots import ShotDetector
from deepfake_detect.media import AudioSegment, Frame, SamplingPlan


def frames_of(path: Path, plan: SamplingPlan) -> tuple[list[Frame], list[str]]:
    with open_media(path) as opened:
        frames = [item for item in opened.decode(plan) if isinstance(item, Frame)]
        return frames, opened.gaps


def test_even_spread(media_folder: Path) -> None:
    frames, gaps = frames_of(media_folder / "h264.mp4", SamplingPlan(max_frames=10))
    assert [f.time for f in frames] == pytest.approx(np.arange(10) * 0.2, abs=0.5 / FPS + 1e-6)
    assert "10 of the 50 frames of the video were looked at." in gaps


def test_fps(media_folder: Path) -> None:
    frames, _ = frames_of(media_folder / "h264.mp4", SamplingPlan(fps=5))
    assert [f.time for f in frames] == pytest.approx(np.arange(10) * 0.2, abs=1e-6)
    frames, _ = frames_of(media_folder / "h264.mp4", SamplingPlan(fps=25, max_frames=10))
    assert len(frames) == 10 and frames[-1].time > 1.7  # spread over the file, not its first 0.4 s


def test_short_video_is_taken_whole(media_folder: Path) -> None:
    frames, gaps = frames_of(media_folder / "h264.mp4", SamplingPlan(max_frames=50))
    assert len(frames) == 50 and not gaps


def test_variable_rate_goes_by_time(media_folder: Path) -> None:
    frames, _ = frames_of(media_folder / "variable.mp4", SamplingPlan(fps=4))
    assert all(f.time == pytest.approx(i * 0.25, abs=0.16) for i, f in enumerate(frames))


def test_every_shot_has_a_frame(media_folder: Path) -> None:
    for limit in (16, 32):
        frames, gaps = frames_of(media_folder / "shots.mp4", SamplingPlan(max_frames=limit))
        assert len(frames) <= limit
        first = [f.time for f in frames if f.new_shot]
        cuts = [np.ceil(i * 250 / 8) / FPS for i in range(8)]
        assert len(first) == 8
        assert all(0 <= at - cut <= 0.5 for at, cut in zip(first, cuts, strict=True))
        assert not any("shots" in gap for gap in gaps)


def test_more_shots_than_frames_are_thinned_over_the_file_and_counted(media_folder: Path) -> None:
    frames, gaps = frames_of(media_folder / "shots.mp4", SamplingPlan(max_frames=4))
    assert len(frames) <= 4 and frames[-1].time > 5
    assert any("of 8 shots of the video have no frame" in gap for gap in gaps)


def test_motion_is_no_cut() -> None:
    detector = ShotDetector()
    found = [detector.is_new_shot(picture(i, 32, 32)[:, :, 0]) for i in range(100)]
    assert found == [True] + [False] * 99


def test_long_video_is_read_by_keyframes(media_folder: Path) -> None:
    frames, gaps = frames_of(media_folder / "long.mp4", SamplingPlan(max_frames=20))
    assert len(frames) == 20
    assert all(f.time % 2 == pytest.approx(0, abs=1e-6) for f in frames)  # a keyframe every 50 frames
    assert np.diff([f.time for f in frames]).max() <= 12
    assert any("longer than 180 s" in gap for gap in gaps)


def test_sound_is_bounded_and_said_so(media_folder: Path) -> None:
    with open_media(media_folder / "long.mp4") as opened:
        sounds = [i for i in opened.decode(SamplingPlan(max_audio_seconds=25)) if isinstance(i, AudioSegment)]
        assert sum(s.samples.size for s in sounds) == 25 * 16_000
        assert "Only the first 25 of 200 s of sound were decoded." in opened.gaps
    assert max(s.samples.size for s in sounds) <= 11 * 16_000
    ends = [s.start + s.samples.size / 16_000 for s in sounds]
    assert [s.start for s in sounds[1:]] == pytest.approx(ends[:-1], abs=0.01)


def test_frames_and_sound_come_interleaved(media_folder: Path) -> None:
    with open_media(media_folder / "long.mp4") as opened:
        kinds = [type(item) for item in opened.decode(SamplingPlan())]
    assert kinds.index(AudioSegment) < len(kinds) - 1 - kinds[::-1].index(Frame)


def test_hole_in_the_sound_starts_a_new_segment(tmp_path: Path) -> None:
    """Times of what follows stay true."""
    wave = tone(16_000, 4, 1)
    write(tmp_path / "hole.mkv", audio="pcm_s16le", rate=16_000, layout="mono", sound=wave)
    with av.open(str(tmp_path / "hole.mkv")) as source, av.open(str(tmp_path / "cut.mkv"), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None and not 1.0 <= packet.pts * packet.time_base < 2.0:
                packet.stream = stream
                target.mux(packet)
    with open_media(tmp_path / "cut.mkv") as opened:
        sounds = [i for i in opened.decode(SamplingPlan()) if isinstance(i, AudioSegment)]
    assert [s.start for s in sounds] == pytest.approx([0, 2.0], abs=0.1)


def test_decoding_twice_gives_the_same(media_folder: Path) -> None:
    with open_media(media_folder / "h264.mp4") as opened:
        runs = [[item.time for item in opened.decode(SamplingPlan()) if isinstance(item, Frame)] for _ in range(2)]
        gaps = opened.gaps
    assert runs[0] == runs[1]
    assert len(gaps) == len(set(gaps))


def test_sources_are_equal(media_folder: Path) -> None:
    path = media_folder / "h264.mp4"
    stream = io.BytesIO(path.read_bytes())
    seen = []
    for source in (path, str(path), path.read_bytes(), stream):
        with open_media(source) as opened:
            frames = [item.pixels for item in opened.decode(SamplingPlan()) if isinstance(item, Frame)]
            seen.append((opened.media.sha256, opened.media.md5, opened.media.sha1, opened.media.size, np.stack(frames)))
    assert not stream.closed
    for other in seen[1:]:
        assert other[:4] == seen[0][:4] and (other[4] == seen[0][4]).all()


@pytest.mark.parametrize(
    ("name", "limits", "option"),
    [
        ("plain.png", Limits(max_pixels=1000), "--max-pixels"),
        ("h264.mp4", Limits(max_pixels=1000), "--max-pixels"),
        ("h264.mp4", Limits(max_frames=10), "Limits.max_frames"),
        ("animated.gif", Limits(max_frames=10), "Limits.max_frames"),
        ("h264.mp4", Limits(max_seconds=1), "--max-seconds"),
        ("tone.wav", Limits(max_seconds=1), "--max-seconds"),
        ("plain.png", Limits(max_bytes=100), "Limits.max_bytes"),
        ("plain.png", Limits(max_picture_bytes=100), "Limits.max_picture_bytes"),
    ],
)
def test_limits(media_folder: Path, name: str, limits: Limits, option: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        open_media(media_folder / name, limits=limits)
    assert option in caught.value.hint


def test_decoder_refuses_frames_that_grow(tmp_path: Path) -> None:
    """The header's size is checked on opening; the frames of this file are larger than its header says."""
    write(tmp_path / "small.mkv", "mpeg4", size=(64, 48), frames=5)
    write(tmp_path / "large.mkv", "mpeg4", size=(1280, 1024), frames=5)
    with (
        av.open(str(tmp_path / "small.mkv")) as small,
        av.open(str(tmp_path / "large.mkv")) as large,
        av.open(str(tmp_path / "grows.avi"), "w") as target,
    ):
        stream = target.add_stream_from_template(small.streams.video[0])
        stamp = 0
        for source in (small, large):
            extradata = source.streams.video[0].codec_context.extradata
            for index, packet in enumerate(p for p in source.demux(video=0) if p.dts is not None):
                joined = av.Packet((extradata if index == 0 else b"") + bytes(packet))
                joined.stream, joined.pts, joined.dts, joined.time_base = stream, stamp, stamp, packet.time_base
                joined.is_keyframe = packet.is_keyframe
                stamp += 40
                target.mux(joined)
    with open_media(tmp_path / "grows.avi") as opened:
        sizes = {item.width for item in opened.decode(SamplingPlan()) if isinstance(item, Frame)}
    assert sizes == {64, 1280}
    with open_media(tmp_path / "grows.avi", limits=Limits(max_pixels=10_000)) as opened:
        sizes = {item.width for item in opened.decode(SamplingPlan()) if isinstance(item, Frame)}
        assert any("could not be decoded" in gap for gap in opened.gaps)
    assert sizes == {64}
