"""What became of a damaged file in the ingest worker."""

from __future__ import annotations

from enum import StrEnum

from deepfake_detect.errors import DecodingTimeoutError, IngestError, IsolationError
from deepfake_detect.ingest import Limits
from deepfake_detect.ingest.isolate import Isolation
from deepfake_detect.media import SamplingPlan

LIMITS = Limits(max_wall_seconds=60.0, max_cpu_seconds=30.0, max_memory_bytes=1 << 30)
PLAN = SamplingPlan(max_frames=8)


class Outcome(StrEnum):
    """``DECODED``: pixels or samples came out. ``REFUSED_LATE``: the header was read and the decoder run, in vain.
    ``REFUSED``: by its header. ``KILLED``: the worker died or was ended.
    """

    DECODED = "decoded"
    REFUSED_LATE = "refused by the decoder"
    REFUSED = "refused by its header"
    KILLED = "killed"


def ingest(isolation: Isolation, data: bytes) -> tuple[Outcome, str]:
    """The outcome, and the error's message. Raises whatever no file should be able to cause."""
    reached = False
    try:
        with isolation.open_media(data) as opened:
            reached = True
            items = sum(1 for _ in opened.decode(PLAN))
            opened.verify_unchanged()
    except (IsolationError, DecodingTimeoutError) as error:
        return Outcome.KILLED, error.message
    except IngestError as error:
        return (Outcome.REFUSED_LATE if reached else Outcome.REFUSED), error.message
    assert items  # nothing decoded must be an error
    return Outcome.DECODED, ""
