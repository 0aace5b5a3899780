"""What a file holds, as plain arrays and facts: the only types that cross from ``ingest`` to the rest of the library.

Times are presentation times (pts) in seconds. Pixels are ``uint8`` RGB in display orientation, shape ``(height, width,
3)``. Sound is ``float32`` mono at 16,000 Hz in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
Samples: TypeAlias = NDArray[np.float32]
JsonValue: TypeAlias = "bool | int | float | str | tuple[JsonValue, ...] | Mapping[str, JsonValue] | None"

SAMPLE_RATE = 16_000


def _check_pixels(pixels: Pixels) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(f"pixels must be uint8 (height, width, 3), not {pixels.dtype} {pixels.shape}")


class MediaKind(StrEnum):
    """What a file is, from its bytes."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in seconds, ``0 <= start <= end``."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in pixels of the full-resolution frame; ``x``, ``y`` is its top left corner."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.x < 0 or self.y < 0 or self.width <= 0 or self.height <= 0:
            raise ValueError(f"not a region: {self.x},{self.y} {self.width}x{self.height}")

    def moved(self, x: int, y: int) -> Region:
        """The same rectangle, ``x`` pixels further right and ``y`` further down."""
        return Region(self.x + x, self.y + y, self.width, self.height)

    def within(self, width: int, height: int) -> Region | None:
        """What of it lies in a frame of this size; None if nothing does."""
        right, bottom = min(self.x + self.width, width), min(self.y + self.height, height)
        if self.x >= right or self.y >= bottom:
            return None
        return Region(self.x, self.y, right - self.x, bottom - self.y)


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture: ``pixels`` uint8 RGB (height, width, 3), ``time`` in seconds (0 for a still)."""

    time: float
    pixels: Pixels = field(repr=False)
    new_shot: bool = False

    def __post_init__(self) -> None:
        _check_pixels(self.pixels)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class AudioSegment:
    """Consecutive sound, 16 kHz mono float32 (n,), starting at ``start`` seconds."""

    start: float
    samples: Samples = field(repr=False)

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 1:
            raise ValueError(f"samples must be float32 (n,), not {self.samples.dtype} {self.samples.shape}")


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """Which parts of a file are decoded.

    ``fps``: frames a second wanted (None: spread ``max_frames`` evenly). ``max_frames``: upper bound; a frame of every
    shot is kept within it. ``max_audio_seconds``: sound beyond is left out and named as a coverage gap.
    """

    fps: float | None = None
    max_frames: int = 32
    max_audio_seconds: float = 600.0

    def __post_init__(self) -> None:
        if self.fps is not None and not self.fps > 0:
            raise ValueError("fps must be positive")
        if self.max_frames < 1 or self.max_audio_seconds <= 0:
            raise ValueError("max_frames and max_audio_seconds must be positive")


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """One stream of a container, as its header declares it. Unknown values are None."""

    kind: str
    codec: str
    profile: str | None = None
    width: int | None = None
    height: int | None = None
    pixel_format: str | None = None
    bit_depth: int | None = None
    rotation: int | None = None
    frame_rate: float | None = None
    variable_frame_rate: bool | None = None
    sample_rate: int | None = None
    channels: int | None = None
    bit_rate: int | None = None
    seconds: float | None = None
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class JpegTables:
    """Quantisation tables of a JPEG, each int (64,) in zig-zag order, and the quality estimated from the first."""

    tables: tuple[tuple[int, ...], ...]
    quality: int | None


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What the container says about itself. Everything in ``metadata`` and ``provenance`` is a claim of the file, not a
    fact.

    ``metadata``: namespaced keys (``exif:Software``, ``xmp:CreatorTool``, ``png:parameters``, ``container:encoder``),
    each value at most 4,096 characters. ``provenance``: the reading of Content Credentials and origin declarations
    (see ``ingest.provenance``), JSON-like.
    """

    format: str
    mime: str
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    frames: int | None = None
    orientation: int | None = None
    streams: tuple[StreamFacts, ...] = ()
    jpeg: JpegTables | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One file: its identity and its container's facts.

    ``path`` is None when it was given as bytes or must not be told; ``kind`` and ``facts`` when nothing could be
    decoded.
    ``size`` in bytes; hashes in lower-case hexadecimal.
    """

    path: str | None
    sha256: str
    md5: str
    sha1: str
    size: int
    kind: MediaKind | None
    facts: ContainerFacts | None


@dataclass(frozen=True, slots=True)
class NativeCrop:
    """A square piece of a frame at native resolution (never rescaled), pixels uint8 (side, side, 3)."""

    time: float
    region: Region
    pixels: Pixels = field(repr=False)

    def __post_init__(self) -> None:
        _check_pixels(self.pixels)


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole picture, or the sampled frames of one video, as native-resolution crops.

    ``width`` and ``height`` are those of the part that was looked at. ``overviews``: the frames that the crops were cut
    from, each scaled down to at most 512 pixels a side. ``part``: where in the full frame that part lies, None for the
    whole; regions of crops are always in pixels of the full frame.
    """

    width: int
    height: int
    moving: bool
    crops: tuple[NativeCrop, ...]
    facts: ContainerFacts
    overviews: tuple[Frame, ...] = ()
    part: Region | None = None


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """One face in one frame.

    ``region``: the square cut out of the frame (never padded). ``pixels``: uint8 (side, side, 3). ``landmarks``:
    float32 (5, 2), eyes, nose, mouth corners in pixels of the crop. ``face_px``: the longer side of the detected box in
    frame pixels.
    ``probability``: MTCNN's, 0..1.
    """

    time: float
    region: Region
    face_px: float
    probability: float
    pixels: Pixels = field(repr=False)
    landmarks: NDArray[np.float32] = field(repr=False)

    def __post_init__(self) -> None:
        _check_pixels(self.pixels)
        if self.landmarks.shape != (5, 2):
            raise ValueError(f"landmarks must be (5, 2), not {self.landmarks.shape}")


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One person through a file: ``subject`` is ``person-1``, ``person-2``, ...; ``faces`` ordered by time, at least
    one.

    ``sightings`` counts the sampled frames with this face; ``faces`` holds the crops kept of them.
    """

    subject: str
    faces: tuple[FaceCrop, ...]
    sightings: int
    facts: ContainerFacts

    def __post_init__(self) -> None:
        if not self.faces:
            raise ValueError("a track has at least one face")

    @property
    def span(self) -> Span:
        """From the first to the last kept sighting."""
        return Span(self.faces[0].time, self.faces[-1].time)


@dataclass(frozen=True, slots=True)
class SpeechWindow:
    """A stretch of sound that holds speech: float32 (n,), 16 kHz mono. ``speech_seconds``: how much of it is speech."""

    span: Span
    speech_seconds: float
    samples: Samples = field(repr=False)
    facts: ContainerFacts

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 1:
            raise ValueError(f"samples must be float32 (n,), not {self.samples.dtype} {self.samples.shape}")


Sample: TypeAlias = Picture | FaceTrack | SpeechWindow | ContainerFacts | MediaFile
