"""Videos and recordings: probed packet by packet, then decoded in one pass by PyAV, frames and sound as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ..errors import EmptyMediaError
from ..media import AudioSegment, ContainerFacts, Frame, MediaKind, SamplingPlan
from .bmff import encrypted_tracks
from .damaged import GET_AGAIN
from .declared import shortfall
from .decoding import Decoding
from .demux import ISO_FORMATS, decode_packet, open_container, packets
from .gaps import Gaps
from .limits import Limits
from .metadata import Metadata
from .probe import StreamIndex, index_packets, stream_facts
from .sniff import Sniffed
from .streams import choose_streams

_ROTATION_PACKETS = 64
# Of other formats libav estimates the duration from the bit rate.
_EXACT_DURATION = ISO_FORMATS | {"matroska", "webm", "avi", "wav", "flac"}


class ContainerReader:
    """One audio or video file. Raises ``IngestError`` subclasses on opening, and after decoding in vain."""

    def __init__(self, file: BinaryIO, sniffed: Sniffed, limits: Limits) -> None:
        self._file, self._sniffed, self._limits = file, sniffed, limits
        self.open_gaps, self.decode_gaps = Gaps(), Gaps()
        locked = encrypted_tracks(file) if sniffed.format in ISO_FORMATS else set()
        with open_container(file, sniffed) as container:
            self._choice = choose_streams(container, locked, self.open_gaps)
            video, audio = self._choice.of(container, self._limits)
            if video is not None:
                limits.check_pixels(video.codec_context.width, video.codec_context.height)
                if (video.sample_aspect_ratio or 1) != 1:
                    self.open_gaps.add(
                        "The pixels of the video are not square; its frames were not stretched to square."
                    )
            self._index = index_packets(container, video, audio, limits)
            self._check_packets()
            self._compare_with_header(container, video, audio)
            self.kind = MediaKind.AUDIO if video is None else MediaKind.VIDEO
            self.facts = self._facts(container, None if video is None else self._rotation())

    def _check_packets(self) -> None:
        indices = [index for index in (self._index.video, self._index.audio) if index]
        if not any(index.packets for index in indices):
            raise EmptyMediaError(
                f"the {self._sniffed.format.upper()} container has a header, but no picture and no sound in it",
                GET_AGAIN,
            )
        for name, index in (("video", self._index.video), ("sound", self._index.audio)):
            if index and not index.packets:
                self.open_gaps.add(f"The {name} stream is declared but empty.")
            elif index and index.broken:
                self.open_gaps.add(f"{index.broken} of {index.packets} packets of the {name} stream are incomplete.")
        short = shortfall(self._file, self._sniffed.format)
        if short:
            self.open_gaps.add(short)
        if self._index.read_errors:
            self.open_gaps.add(f"The container is damaged in {self._index.read_errors} places.")

    def _compare_with_header(self, container: Any, *streams: Any) -> None:
        """Say how much of the promised duration is missing."""
        if self._sniffed.format not in _EXACT_DURATION:
            return
        indices = (self._index.video, self._index.audio)
        for stream, index, name in zip(streams, indices, ("video", "sound"), strict=True):
            if stream is None or index is None:
                continue
            if stream.duration and stream.time_base:
                promised = float(stream.duration * stream.time_base)
            else:
                promised = (container.duration or 0) / 1e6
            if promised - index.end > max(0.5, 0.02 * promised):
                self.open_gaps.add(
                    f"The header promises {promised:.1f} s of {name}; only {index.end:.1f} s are in the file."
                )

    def _rotation(self) -> int | None:
        """Degrees counter-clockwise that the first decoded frame is turned by for display."""
        with open_container(self._file, self._sniffed) as container:
            video, _ = self._choice.of(container, self._limits)
            for count, packet in enumerate(packets(container, [video], _ignore)):
                if packet.is_corrupt:
                    continue
                for frame in decode_packet(packet, _ignore):
                    return int(frame.rotation) % 360
                if count > _ROTATION_PACKETS:
                    break
        return None

    def _facts(self, container: Any, rotation: int | None) -> ContainerFacts:
        metadata = Metadata(self._limits, self.open_gaps)
        _add_tags(metadata, container)
        video, audio = self._choice.of(container, self._limits)
        chosen: dict[int, StreamIndex | None] = {}
        chosen.update({video.index: self._index.video} if video else {})
        chosen.update({audio.index: self._index.audio} if audio else {})
        streams = tuple(
            stream_facts(stream, chosen.get(stream.index), rotation if video and stream.index == video.index else None)
            for stream in container.streams
        )
        size = (video.codec_context.width or None, video.codec_context.height or None) if video else (None, None)
        width, height = size[::-1] if rotation in (90, 270) else size
        return ContainerFacts(
            format=self._sniffed.format,
            mime=_mime(self._sniffed.mime, video is not None),
            width=width,
            height=height,
            seconds=self._index.seconds,
            frames=self._index.video.packets if self._index.video else None,
            streams=streams,
            metadata=metadata.values,
        )

    def decode(self, plan: SamplingPlan) -> Iterator[Frame | AudioSegment]:
        """Kept frames and sound segments in file order. Raises ``CorruptMediaError`` if there was neither."""
        self.decode_gaps = Gaps()
        with open_container(self._file, self._sniffed) as container:
            video, audio = self._choice.of(container, self._limits)
            yield from Decoding(video, audio, self._index, plan, self.decode_gaps).run(container)


def _ignore() -> None:
    """Damage is counted elsewhere."""


def _mime(mime: str, has_video: bool) -> str:
    kind, _, subtype = mime.partition("/")
    return f"audio/{subtype}" if kind == "video" and not has_video else mime


def _add_tags(metadata: Metadata, container: Any) -> None:
    for key, value in container.metadata.items():
        if key == "xmp":
            metadata.add_xmp(value)
        else:
            metadata.add("container", key, value)
    for stream in container.streams:
        for key, value in stream.metadata.items():
            metadata.add(stream.type, key, value)
