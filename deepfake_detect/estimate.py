"""What a scan of many files would take: counted by kind, with the time and disk that such files took when measured.

The constants are CPU seconds and bytes of one machine, told with every estimate: an order of magnitude, not a promise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .errors import DeepfakeDetectError, IngestError, UnreadableError
from .ingest import Identity, OpenMedia
from .media import MediaKind

MEASURED = (
    "measured once on 2026-11-25 with `scan`, on two x86-64 cores without a GPU, busy with other work (load 25), "
    "so rather too much; files that are no media assumed, not measured"
)
START_SECONDS = 3.0  # loading all models
IMAGE_SECONDS = 3.7  # CPU seconds of one picture of 1600 x 1600 with a face
VIDEO_SECONDS = 14.5  # of one video, for its 32 frames
VIDEO_SECONDS_PER_SECOND = 0.01  # more for each second that is decoded, 720p; 10 s and 40 s differ by little
SOUND_SECONDS_PER_SECOND = 0.06  # for each second of sound that is listened to
OTHER_SECONDS = 0.05  # of a file that is no media or cannot be decoded
SECOND_PASS = 1.2  # how many times the first pass maps, crops and the robustness test take together
REPORT_BYTES = 30_000  # JSON of a file
PAGE_BYTES = 400_000  # page, crops and maps of a picture that gets them; a video had 1.9 MB
FLAGGED = 0.1  # share of files that get a second pass, assumed


@dataclass(slots=True)
class Survey:
    """``kinds``: files by kind, ``no media``, ``cannot be decoded`` and ``cannot be read``. Sizes in bytes."""

    kinds: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    size: int = 0
    video_seconds: float = 0.0
    sound_seconds: float = 0.0

    @property
    def files(self) -> int:
        """All of them."""
        return self.kinds.total()

    def cpu_seconds(self, full: bool) -> float:
        """Estimated CPU seconds; ``full``: with the second pass for every file."""
        first = (
            self.kinds[MediaKind.IMAGE] * IMAGE_SECONDS
            + self.kinds[MediaKind.VIDEO] * VIDEO_SECONDS
            + self.video_seconds * VIDEO_SECONDS_PER_SECOND
            + self.sound_seconds * SOUND_SECONDS_PER_SECOND
        )
        others = self.files - sum(self.kinds[kind] for kind in MediaKind)
        return START_SECONDS + others * OTHER_SECONDS + first * (1 + SECOND_PASS * (1.0 if full else FLAGGED))

    def disk_bytes(self, full: bool) -> int:
        """Estimated size of the case."""
        media = sum(self.kinds[kind] for kind in MediaKind)
        return round(self.files * REPORT_BYTES + media * PAGE_BYTES * (1.0 if full else FLAGGED))


def survey(
    files: Iterable[Path | UnreadableError],
    opener: Callable[[Path, Identity], OpenMedia],
    max_audio_seconds: float,
    told: Callable[[int], None] = lambda _: None,
) -> Survey:
    """Open each file, decode and hash nothing. ``opener``: ``Isolation.open_media``. ``told``: files looked at."""
    found = Survey()
    for item in files:
        _look(item, opener, max_audio_seconds, found)
        told(found.files)
    return found


def _look(
    item: Path | UnreadableError, opener: Callable[[Path, Identity], OpenMedia], most: float, found: Survey
) -> None:
    try:
        if isinstance(item, UnreadableError):
            raise item
        size = item.stat().st_size
        found.size += size
        with opener(item, Identity(str(item), "", "", "", size)) as opened:
            kind, facts = opened.media.kind, opened.media.facts
    except (UnreadableError, OSError):
        found.kinds["cannot be read"] += 1
    except IngestError as error:
        found.kinds["no media" if error.reason.value == "unsupported" else "cannot be decoded"] += 1
    except DeepfakeDetectError:
        found.kinds["cannot be decoded"] += 1
    else:
        assert kind is not None and facts is not None
        seconds = facts.seconds or 0.0
        found.kinds[kind] += 1
        found.formats[facts.format] += 1
        found.video_seconds += seconds if kind is MediaKind.VIDEO else 0.0
        found.sound_seconds += min(seconds, most) if kind is not MediaKind.IMAGE else 0.0
