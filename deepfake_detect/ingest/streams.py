"""Which streams of a container are decoded: one video, one sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import CorruptMediaError, EncryptedMediaError, UnsupportedMediaError
from .damaged import GET_AGAIN
from .gaps import Gaps
from .limits import Limits
from .probe import is_cover


@dataclass(frozen=True, slots=True)
class Choice:
    """Indices of the streams that are decoded, None where there is none."""

    video: int | None
    audio: int | None

    def of(self, container: Any, limits: Limits) -> tuple[Any, Any]:
        """The streams themselves, set up for decoding; the decoder itself refuses a frame well above ``max_pixels``."""
        video = container.streams[self.video] if self.video is not None else None
        audio = container.streams[self.audio] if self.audio is not None else None
        if video is not None:
            video.thread_type = "AUTO"
            video.codec_context.options = {"max_pixels": str(limits.max_decoded_pixels)}
        return video, audio


def choose_streams(container: Any, locked: set[str], gaps: Gaps) -> Choice:
    """The first video that is no cover picture and the first sound, of those that can be decoded; the others become
    gaps.

    ``locked``: kinds of track that the container declares encrypted. Raises ``EncryptedMediaError``,
    ``UnsupportedMediaError`` or ``CorruptMediaError`` when none is left.
    """
    media = [s for s in container.streams if s.type in ("video", "audio") and not (s.type == "video" and is_cover(s))]
    if not media:
        if any(s.type in ("video", "audio") for s in container.streams):
            raise UnsupportedMediaError(
                "the file holds a cover picture, but no sound and no video", "Scan the picture by itself."
            )
        raise CorruptMediaError("the container names no video or sound stream that can be read", GET_AGAIN)
    encrypted = [s for s in media if s.type in locked or "enc_key_id" in s.metadata]
    unknown = [s for s in media if s not in encrypted and s.codec_context is None]
    usable = [s for s in media if s not in encrypted and s not in unknown]
    if not usable and encrypted:
        raise EncryptedMediaError(
            "the video and sound are encrypted (DRM)", "Get an unprotected copy from whoever holds the key."
        )
    if not usable:
        raise UnsupportedMediaError(
            "no decoder for the codecs in the file", "Convert it losslessly first, and keep the original."
        )
    for streams, why in ((encrypted, "encrypted"), (unknown, "in a codec that is not decoded here")):
        for stream in streams:
            gaps.add(f"A {_name(stream)} stream is {why}.")
    for kind in ("video", "audio"):
        extra = len([s for s in usable if s.type == kind]) - 1
        if extra > 0:
            gaps.add(f"{extra} more {'video' if kind == 'video' else 'sound'} stream(s) of the file were not decoded.")
    first = {kind: next((s.index for s in usable if s.type == kind), None) for kind in ("video", "audio")}
    return Choice(first["video"], first["audio"])


def _name(stream: Any) -> str:
    return "sound" if stream.type == "audio" else "video"
