"""One decoding pass over a container: kept frames and sound segments in file order, and what had to be left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from ..errors import CorruptMediaError
from ..media import AudioSegment, Frame, SamplingPlan
from .audio import AudioCollector
from .damaged import GET_AGAIN
from .demux import decode_packet, packets
from .gaps import Gaps
from .probe import ContainerIndex, StreamIndex
from .video import FrameSampler

T = TypeVar("T", Frame, AudioSegment)

_DECODE_ALL_SECONDS = 180.0
_MAX_KEYFRAMES = 2000
_MIN_KEYFRAMES = 16


def keyframes_to_decode(index: StreamIndex, plan: SamplingPlan) -> frozenset[float] | None:
    """Times of the keyframes that stand for a long video (at most 2,000, evenly spread); None where everything is
    decoded.
    """
    if index.end <= _DECODE_ALL_SECONDS or len(index.keyframes) < min(plan.max_frames, _MIN_KEYFRAMES):
        return None
    times = sorted(index.keyframes)
    step = max(len(times) / _MAX_KEYFRAMES, 1.0)
    return frozenset(times[int(i * step)] for i in range(min(len(times), _MAX_KEYFRAMES)))


class Decoding:
    """State of one pass. ``video`` and ``audio`` are streams of the container given to ``run``, either may be None."""

    def __init__(self, video: Any, audio: Any, index: ContainerIndex, plan: SamplingPlan, gaps: Gaps) -> None:
        self._video, self._audio, self._index, self._plan, self._gaps = video, audio, index, plan, gaps
        self._errors = {"video": 0, "audio": 0}
        self._damaged_frames = 0
        self._sound = AudioCollector(plan.max_audio_seconds, index.offset, gaps) if audio else None
        self._frames: FrameSampler | None = None
        self._keyframes: frozenset[float] | None = None
        if video and index.video:
            self._keyframes = keyframes_to_decode(index.video, plan)
            count = index.video.packets if self._keyframes is None else len(self._keyframes)
            self._frames = FrameSampler(plan, index.video.end, count, index.offset, gaps)

    def run(self, container: Any) -> Iterator[Frame | AudioSegment]:
        """Decode. Raises ``CorruptMediaError`` at the end if neither a frame nor sound came out."""
        if self._keyframes is not None:
            self._video.codec_context.skip_frame = "NONKEY"
        for packet in packets(container, [s for s in (self._video, self._audio) if s], lambda: None):
            if packet.is_corrupt:
                continue
            if self._video and packet.stream_index == self._video.index:
                yield from self._take_video(packet)
            elif self._sound and not self._sound.full and packet.stream_index == self._audio.index:
                yield from self._take_audio(packet)
            elif self._frames is None and self._sound and self._sound.full:
                break
        if self._frames:
            yield from self._guard("video", self._frames.finish())
        if self._sound:
            yield from self._guard("audio", self._sound.finish())
        self._conclude()

    def _take_video(self, packet: Any) -> Iterator[Frame]:
        assert self._frames is not None
        if self._keyframes is not None and packet.size and self._time(packet) not in self._keyframes:
            return
        for frame in decode_packet(packet, lambda: self._count_error("video")):
            if frame.is_corrupt:  # concealed from its neighbours: not what the camera or the forger wrote
                self._damaged_frames += 1
            else:
                yield from self._guard("video", self._frames.push(frame))

    def _take_audio(self, packet: Any) -> Iterator[AudioSegment]:
        assert self._sound is not None
        for frame in decode_packet(packet, lambda: self._count_error("audio")):
            yield from self._guard("audio", self._sound.push(frame))

    def _guard(self, kind: str, items: Iterator[T]) -> Iterator[T]:
        """Pass items on; a conversion that fails counts as a packet that could not be decoded."""
        import av

        try:
            yield from items
        except (av.FFmpegError, ValueError):
            self._count_error(kind)

    def _time(self, packet: Any) -> float:
        stamp = packet.pts if packet.pts is not None else packet.dts
        return max(float(stamp * packet.time_base) - self._index.offset, 0.0) if stamp is not None else -1.0

    def _count_error(self, kind: str) -> None:
        self._errors[kind] += 1

    def _conclude(self) -> None:
        frames = self._frames.sent if self._frames else 0
        seconds = self._sound.seconds if self._sound else 0.0
        if not frames and not seconds:
            raise CorruptMediaError("nothing in the file could be decoded", GET_AGAIN)
        if self._frames:
            self._conclude_video(frames)
        if self._sound:
            self._conclude_audio(seconds)

    def _conclude_video(self, frames: int) -> None:
        index = self._index.video
        assert index is not None
        if not frames:
            self._gaps.add("No picture of the video could be decoded.")
        elif frames < index.packets:
            self._gaps.add(f"{frames} of the {index.packets} frames of the video were looked at.")
        if self._keyframes is not None:
            self._gaps.add(
                f"The video is longer than {_DECODE_ALL_SECONDS:.0f} s: only {len(self._keyframes)} keyframes were "
                "decoded; what shows only between them was not seen."
            )
        if self._damaged_frames:
            self._gaps.add(f"{self._damaged_frames} frames of the video are damaged and were left out.")
        if self._errors["video"]:
            self._gaps.add(f"{self._errors['video']} packets of the video could not be decoded.")

    def _conclude_audio(self, seconds: float) -> None:
        index = self._index.audio
        assert index is not None and self._sound is not None
        if not seconds:
            self._gaps.add("No sound of the file could be decoded.")
        elif self._sound.full and index.end - seconds > 0.5:
            self._gaps.add(f"Only the first {seconds:.0f} of {index.end:.0f} s of sound were decoded.")
        if self._errors["audio"]:
            self._gaps.add(f"{self._errors['audio']} packets of the sound could not be decoded.")
