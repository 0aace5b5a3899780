"""Hashes that others search by: SHA-256, MD5 and SHA-1 of the bytes, PDQ of a picture, PDQ frame by frame of a video.

PDQ and vPDQ: Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019) and
ThreatExchange. PDQ looks at the picture as it is displayed (turned as EXIF asks).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from .ingest import Identity, Limits, identify, open_media
from .media import Frame, MediaKind, Pixels, SamplingPlan

RELIABLE_QUALITY = 50  # below, the authors of PDQ advise against matching
_ALL = 2_000_000  # frames, and seconds of sound


@dataclass(frozen=True, slots=True)
class PerceptualHash:
    """PDQ of one picture: 64 hexadecimal digits and a quality from 0 to 100. ``time`` in seconds, ``number`` of the
    frame as its time and the declared frame rate give it; both 0 for a still.
    """

    pdq: str
    quality: int
    time: float = 0.0
    number: int = 0

    def vpdq_line(self) -> str:
        """A line of a vPDQ file: frame number, quality, hash, time in seconds."""
        return f"{self.number},{self.quality},{self.pdq},{self.time:.3f}"


@dataclass(frozen=True, slots=True)
class FileHashes:
    """The hashes of one file. ``pictures``: one for a still, one for each frame looked at for a video, none for sound.

    ``gaps``: sentences on what could not be decoded.
    """

    identity: Identity
    kind: MediaKind
    pictures: tuple[PerceptualHash, ...]
    gaps: tuple[str, ...]


def hash_bytes(source: str | os.PathLike[str]) -> Identity:
    """SHA-256, MD5 and SHA-1. Raises ``UnreadableError``."""
    return identify(source)


def hash_pictures(
    source: str | os.PathLike[str], identity: Identity, every: float = 1.0, limits: Limits | None = None
) -> FileHashes:
    """The perceptual hashes of a file; of a video or animation one every ``every`` seconds.

    Raises an ``IngestError`` if it cannot be decoded.
    """
    with open_media(source, identity, limits) as opened:
        facts, kind = opened.media.facts, opened.media.kind
        assert facts is not None and kind is not None
        if kind is MediaKind.AUDIO:
            return FileHashes(identity, kind, (), tuple(opened.gaps))
        rate = next((s.frame_rate for s in facts.streams if s.kind == "video" and s.frame_rate), None)
        if not rate and facts.frames and facts.seconds:
            rate = facts.frames / facts.seconds
        plan = SamplingPlan(fps=1 / every, max_frames=_ALL, max_audio_seconds=_ALL)
        pictures = tuple(_hashed(frame, rate or 0.0) for frame in _frames(opened.decode(plan)))
        opened.verify_unchanged()
        return FileHashes(identity, kind, pictures, tuple(opened.gaps))


def _frames(items: Iterator[object]) -> Iterator[Frame]:
    return (item for item in items if isinstance(item, Frame))


def _hashed(frame: Frame, rate: float) -> PerceptualHash:
    digest, quality = pdq(frame.pixels)
    return PerceptualHash(digest, quality, frame.time, round(frame.time * rate))


def pdq(pixels: Pixels) -> tuple[str, int]:
    """PDQ of a picture, uint8 RGB (height, width, 3): 64 hexadecimal digits, and the quality, 0 to 100."""
    import numpy as np
    import pdqhash

    bits, quality = pdqhash.compute(np.ascontiguousarray(pixels))
    return np.packbits(bits.astype(np.uint8)).tobytes().hex(), int(quality)
