"""One pass over the packets of a container, nothing decoded: what is really in it, against what its header says."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..media import StreamFacts
from .demux import packets
from .limits import Limits

_AV_TIME_BASE = 1_000_000


@dataclass(slots=True)
class StreamIndex:
    """Packets of one stream. ``times``: pts in seconds from the start of the file; ``end``: of the last packet that
    is whole.
    """

    times: array[float] = field(default_factory=lambda: array("d"))
    keyframes: array[float] = field(default_factory=lambda: array("d"))
    end: float = 0.0
    packets: int = 0
    broken: int = 0


@dataclass(slots=True)
class ContainerIndex:
    """Packets of the chosen streams. ``offset``: seconds taken off every pts so that the file starts at 0."""

    offset: float
    video: StreamIndex | None
    audio: StreamIndex | None
    read_errors: int = 0

    @property
    def seconds(self) -> float:
        """Where the last packet ends."""
        return max((index.end for index in (self.video, self.audio) if index), default=0.0)


def index_packets(container: Any, video: Any, audio: Any, limits: Limits) -> ContainerIndex:
    """Read every packet of the two streams (either may be None). Raises ``LimitExceededError`` as soon as a limit
    is passed.
    """
    start = (container.start_time or 0) / _AV_TIME_BASE
    index = ContainerIndex(max(start, 0.0), StreamIndex() if video else None, StreamIndex() if audio else None)
    chosen = {stream.index: place for stream, place in ((video, index.video), (audio, index.audio)) if stream}

    def count_error() -> None:
        index.read_errors += 1

    for packet in packets(container, [stream for stream in (video, audio) if stream], count_error):
        place = chosen.get(packet.stream_index)
        if packet.size == 0 and packet.dts is None:
            continue  # the empty packet that ends each stream
        _count(packet, place, index.offset, keep_times=place is index.video)
        if place is index.video and place is not None:
            limits.check_frames(place.packets)
        if place is not None:
            limits.check_seconds(place.end)
    return index


def _count(packet: Any, place: StreamIndex | None, offset: float, keep_times: bool) -> None:
    if place is None or packet.is_discard:
        return
    place.packets += 1
    if packet.is_corrupt:
        place.broken += 1
        return
    stamp = packet.pts if packet.pts is not None else packet.dts
    if stamp is None or packet.time_base is None:
        return
    time = max(float(stamp * packet.time_base) - offset, 0.0)
    place.end = max(place.end, time + float((packet.duration or 0) * packet.time_base))
    if keep_times:
        place.times.append(time)
        if packet.is_keyframe:
            place.keyframes.append(time)


def is_variable_rate(times: array[float]) -> bool | None:
    """Whether more than one frame in a hundred comes off beat (by 10 %, and by 1.5 ms: Matroska rounds); None below
    3 frames.
    """
    if len(times) < 3:
        return None
    intervals = np.diff(np.sort(np.frombuffer(times, dtype=np.float64)))
    usual = float(np.median(intervals))
    others = int(np.count_nonzero(np.abs(intervals - usual) > max(0.1 * usual, 0.0015)))
    return others > max(1, 0.01 * len(intervals))  # one odd interval is an edit or a lost frame


def stream_facts(stream: Any, index: StreamIndex | None, rotation: int | None) -> StreamFacts:
    """What the header says of one stream; ``index`` adds what was counted."""
    context = stream.codec_context
    kind = "cover" if stream.type == "video" and is_cover(stream) else stream.type
    if context is None:
        return StreamFacts(kind, "unknown", seconds=_seconds(stream))
    common = StreamFacts(
        kind,
        context.codec.canonical_name,
        profile=context.profile or None,
        bit_rate=context.bit_rate or None,
        seconds=_seconds(stream),
        frames=index.packets if index and stream.type == "video" else None,
    )
    if stream.type == "video":
        return _video_facts(common, stream, index, rotation)
    if stream.type == "audio":
        return _audio_facts(common, context)
    return common


def _video_facts(common: StreamFacts, stream: Any, index: StreamIndex | None, rotation: int | None) -> StreamFacts:
    context = stream.codec_context
    format_ = context.format
    return replace(
        common,
        width=context.width or None,
        height=context.height or None,
        pixel_format=format_.name if format_ else None,
        bit_depth=max((c.bits for c in format_.components), default=None) if format_ else None,
        rotation=rotation,
        frame_rate=float(stream.average_rate) if stream.average_rate else None,
        variable_frame_rate=is_variable_rate(index.times) if index else None,
    )


def _audio_facts(common: StreamFacts, context: Any) -> StreamFacts:
    return replace(
        common,
        sample_rate=context.sample_rate or None,
        channels=context.channels or None,
        bit_depth=context.format.bits
        if context.format and context.codec.canonical_name.startswith(("pcm", "flac", "alac"))
        else None,
    )


def _seconds(stream: Any) -> float | None:
    if stream.duration is None or stream.time_base is None or stream.duration <= 0:
        return None
    return float(stream.duration * stream.time_base)


def is_cover(stream: Any) -> bool:
    """Whether a video stream is a picture attached to a sound file."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)
