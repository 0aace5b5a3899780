"""Everything the library raises on purpose. Each message says what is wrong, each ``hint`` what to do next."""

from __future__ import annotations

from .findings import Failure, Reason


class DeepfakeDetectError(Exception):
    """Base of all errors of this library. ``hint`` tells the person what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def sentences(self) -> str:
        """Message and hint as sentences."""
        message = self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."
        return f"{message} {self.hint}".strip()


class UsageError(DeepfakeDetectError):
    """An option or argument that makes no sense."""


class UnreadableError(DeepfakeDetectError):
    """A path that does not exist, may not be read, or is no regular file. No hash exists, so no report can.

    ``path``: the path as given, or None for a stream.
    """

    def __init__(self, message: str, hint: str = "", path: str | None = None) -> None:
        super().__init__(message, hint)
        self.path = path

    def as_failure(self) -> Failure:
        """What stands in the place of a report on the file."""
        return Failure(self.path, Reason.FAILED, self.message, self.hint, None)


class EvidenceChangedError(DeepfakeDetectError):
    """The file's SHA-256 differed before and after the scan."""


class IngestError(DeepfakeDetectError):
    """Bytes that could not be decoded. ``reason`` is what the abstention will carry."""

    reason: Reason = Reason.FAILED


class UnsupportedMediaError(IngestError):
    """Not a picture, video or sound, or one in a format that no decoder here reads."""

    reason = Reason.UNSUPPORTED


class EmptyMediaError(IngestError):
    """No bytes, or a container without a single picture or sample."""


class CorruptMediaError(IngestError):
    """Truncated or damaged so far that nothing could be decoded."""


class EncryptedMediaError(IngestError):
    """Protected by a password or DRM."""


class LimitExceededError(IngestError):
    """Larger than the limits of this run allow (pixels, frames, duration, bytes)."""


class IsolationError(IngestError):
    """The process that read the file crashed, was killed, or answered what makes no sense."""


class DecodingTimeoutError(IngestError):
    """The process that read the file took longer than the limits of this run allow."""

    reason = Reason.TIMEOUT


class WeightsError(DeepfakeDetectError):
    """A weights file that is missing, changed, of a refused format, or does not fit its network."""


class WeightsMissingError(WeightsError):
    """A weights file that is in no folder of the search order."""


class ReportError(DeepfakeDetectError):
    """A report or case that cannot be read or written."""
