"""``scan --dry-run``: what is there, and what a scan of it would take. Nothing is written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepfake_detect.errors import UnreadableError


def dry_run(files: Iterator[Path | UnreadableError], max_audio: float, full: bool, quiet: bool) -> None:
    """Print counts by kind, hours and disk."""
    from deepfake_detect import estimate
    from deepfake_detect.ingest.isolate import Isolation
    from deepfake_detect.report.shown import size as shown_size

    def told(looked: int) -> None:
        if not quiet and sys.stderr.isatty() and looked % 50 == 0:
            print(f"\rLooked at {looked:,} files", end="", file=sys.stderr, flush=True)

    with Isolation() as isolation:
        found = estimate.survey(files, isolation.open_media, max_audio, told)
    print(f"{found.files:,} files, {shown_size(found.size)}")
    for kind, count in sorted(found.kinds.items(), key=lambda item: -item[1]):
        print(f"  {count:>9,} {kind}")
    formats = ", ".join(f"{name} {count:,}" for name, count in found.formats.most_common())
    print(f"  formats: {formats or 'none'}")
    print(f"  {found.video_seconds / 3600:,.1f} h of video, {found.sound_seconds / 3600:,.1f} h of sound to listen to")
    cpu, cores = found.cpu_seconds(full), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    print(f"about {cpu / 3600:,.1f} CPU hours: {cpu / 3600 / min(cores, 2):,.1f} h on {min(cores, 2)} cores")
    print(f"about {shown_size(found.disk_bytes(full))} for the case")
    share = "every file" if full else f"{estimate.FLAGGED:.0%} of the files, which is assumed,"
    print(
        f"Estimated from {estimate.IMAGE_SECONDS:g} CPU s a picture, {estimate.VIDEO_SECONDS:g} a video and "
        f"{estimate.VIDEO_SECONDS_PER_SECOND:g} a second of it, {estimate.SOUND_SECONDS_PER_SECOND:g} a second of "
        f"sound; {estimate.SECOND_PASS:g} times that more for the second pass of {share} {estimate.REPORT_BYTES:,} "
        f"bytes a report and {estimate.PAGE_BYTES:,} a page with pictures; {estimate.MEASURED}. "
        "Duplicates and known files were not looked for. Nothing was written."
    )
