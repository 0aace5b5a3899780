"""How much of a hostile or huge file this library is willing to read."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LimitExceededError

_EDGES = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one file. What exceeds one of the first five is refused with ``LimitExceededError``; metadata is cut.

    ``max_picture_bytes``: a picture file is held in memory whole. ``max_pixels``: of a single picture or frame.
    ``max_frames``: of a video or animation, as stored. ``max_metadata_chars``: of one value. ``max_metadata_bytes``:
    of one packet (XMP, a PNG text chunk once unpacked) that gets parsed at all. The last three bind the process that
    reads the file (``isolate``): memory beyond its own code, CPU time of all its threads, and time it is waited for.
    """

    max_bytes: int = 64 * 2**30
    max_picture_bytes: int = 2 * 2**30
    max_pixels: int = 150_000_000
    max_frames: int = 2_000_000
    max_seconds: float = 24 * 3600.0
    max_metadata_chars: int = 4096
    max_metadata_entries: int = 512
    max_metadata_bytes: int = 4 * 2**20
    max_memory_bytes: int = 4 * 2**30
    max_cpu_seconds: float = 3600.0
    max_wall_seconds: float = 1800.0

    @property
    def max_decoded_pixels(self) -> int:
        """Pixels that a video decoder is given: it allocates more than it shows."""
        return self.max_pixels * 11 // 10 + _EDGES

    def check_bytes(self, size: int) -> None:
        """Raise ``LimitExceededError`` if a file of ``size`` bytes is too large."""
        if size > self.max_bytes:
            raise _exceeded(f"the file has {size:,} bytes", f"{self.max_bytes:,}", "max_bytes")

    def check_picture_bytes(self, size: int) -> None:
        """Raise ``LimitExceededError`` if a picture file of ``size`` bytes is too large."""
        if size > self.max_picture_bytes:
            raise _exceeded(f"the picture file has {size:,} bytes", f"{self.max_picture_bytes:,}", "max_picture_bytes")

    def check_pixels(self, width: int, height: int) -> None:
        """Raise ``LimitExceededError`` if a picture of ``width`` x ``height`` pixels is too large to decode."""
        if width * height > self.max_pixels:
            raise _exceeded(
                f"the picture has {width:,} x {height:,} = {width * height:,} pixels",
                f"{self.max_pixels:,}",
                "--max-pixels",
            )

    def check_frames(self, frames: int) -> None:
        """Raise ``LimitExceededError`` if a video or animation has too many frames."""
        if frames > self.max_frames:
            raise _exceeded(f"the file has more than {self.max_frames:,} frames", f"{self.max_frames:,}", "max_frames")

    def check_seconds(self, seconds: float) -> None:
        """Raise ``LimitExceededError`` if a video or recording is too long."""
        if seconds > self.max_seconds:
            raise _exceeded(f"the file lasts {seconds:,.0f} s", f"{self.max_seconds:,.0f}", "--max-seconds")


def _exceeded(what: str, limit: str, option: str) -> LimitExceededError:
    """``option``: of the command line, or a field of ``Limits`` that has none."""
    how = f"with {option}" if option.startswith("--") else f"in Python (Limits.{option})"
    return LimitExceededError(
        f"{what}, the limit is {limit}", f"Raise it {how} if you trust the file and the machine has the memory."
    )
