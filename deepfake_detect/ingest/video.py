"""Which decoded frames of a video are kept: spread over its time, one of every shot, within the plan's bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..media import Frame, SamplingPlan
from .gaps import Gaps
from .shots import THUMBNAIL, ShotDetector

_SETTLE_SECONDS = 0.2  # encoders spend few bits on the first frames after a cut
_HDR = {16: "PQ", 18: "HLG"}  # ITU-T H.273 transfer characteristics


class FrameSampler:
    """Takes decoded frames in order of time and yields the kept ones as RGB, upright.

    The next frame is due after an even share of the time that is left. A cut makes the frame 0.2 s behind it due at
    once, as long as half of the bound stays reserved, in proportion, for the rest of the file. One undecided frame is
    held, no more.
    """

    def __init__(self, plan: SamplingPlan, seconds: float, frames: int, offset: float, gaps: Gaps) -> None:
        from av.video.reformatter import VideoReformatter

        self._plan, self._seconds, self._offset, self._gaps = plan, max(seconds, 1e-6), offset, gaps
        self._keep_all = plan.fps is None and 0 < frames <= plan.max_frames
        self._shots, self._thumbnails = ShotDetector(), VideoReformatter()
        self._pending: tuple[float, float, Any] | None = None  # time of the cut, time of the frame, the frame
        self._due = 0.0
        self._half_interval = self._seconds / max(frames, 1) / 2  # the frame nearest to the due time is the one to keep
        self._shot_open = False  # the current shot has no kept frame yet
        self.sent = self.shots = self.missed_shots = 0

    def push(self, frame: Any) -> Iterator[Frame]:
        """Take an ``av.VideoFrame``."""
        time = max(float(frame.pts * frame.time_base) - self._offset, 0.0) if frame.pts is not None else self._due
        if self._shots.is_new_shot(self._thumbnail(frame)):
            yield from self._settle()
            self._begin_shot()
            self._pending = (time if self.shots > 1 else time - _SETTLE_SECONDS, time, frame)
        elif self._pending:
            self._pending = (self._pending[0], time, frame)
        if self._pending:
            if time - self._pending[0] >= _SETTLE_SECONDS or self._keep_all:
                yield from self._settle()
        elif self._keep_all or (time >= self._due - self._half_interval and self.sent < self._plan.max_frames):
            yield self._keep(time, frame, self._due)

    def finish(self) -> Iterator[Frame]:
        """The frame still held, then the count of shots that got none."""
        yield from self._settle()
        self.missed_shots += self._shot_open
        if self.missed_shots:
            self._gaps.add(
                f"{self.missed_shots} of {self.shots} shots of the video have no frame among those looked at."
            )

    def _begin_shot(self) -> None:
        self.missed_shots += self._shot_open
        self.shots += 1
        self._shot_open = True

    def _settle(self) -> Iterator[Frame]:
        if self._pending:
            _, time, frame = self._pending
            self._pending = None
            allowed = self._plan.max_frames * (1 + time / self._seconds) / 2
            if self.sent == 0 or self._keep_all or self.sent + 1 <= min(allowed, self._plan.max_frames):
                yield self._keep(time, frame, time)

    def _keep(self, time: float, frame: Any, due: float) -> Frame:
        """``due``: the time that the next share is counted from."""
        self.sent += 1
        left = max(self._seconds - due, 0.0) / (self._plan.max_frames - self.sent + 1)
        self._due = due + max(left, 1 / self._plan.fps if self._plan.fps else 0.0)
        first, self._shot_open = self._shot_open, False
        if frame.color_trc in _HDR:
            self._gaps.add(
                f"The video is HDR ({_HDR[frame.color_trc]}); its colours were not mapped to standard range."
            )
        if frame.interlaced_frame:
            self._gaps.add("The video is interlaced; its fields were looked at together.")
        return Frame(time, upright(frame), new_shot=first)

    def _thumbnail(self, frame: Any) -> Any:
        small = self._thumbnails.reformat(frame, THUMBNAIL, THUMBNAIL, "gray", interpolation="FAST_BILINEAR")
        return small.to_ndarray()


def upright(frame: Any) -> Any:
    """An ``av.VideoFrame`` as uint8 RGB (height, width, 3), turned as its display matrix says."""
    pixels = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
