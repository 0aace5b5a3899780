"""Decoded sound -> 16 kHz mono float32, in segments of about ten seconds, as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..media import SAMPLE_RATE, AudioSegment, Samples
from .gaps import Gaps

_SEGMENT_SECONDS = 10.0
_MAX_DRIFT = 0.25  # seconds between time stamps and samples before a new segment starts
_SILENT = 1e-3
_CANCELLED = 0.1  # of the loudest channel's level; one voice among eight channels keeps 0.125

CHANNELS_CANCEL = "The channels of the sound cancel each other out; the loudest was used instead of their mean."


class AudioCollector:
    """Resamples frames of one stream up to ``max_seconds``. ``seconds``: sound decoded so far."""

    def __init__(self, max_seconds: float, offset: float, gaps: Gaps) -> None:
        self._wanted = round(max_seconds * SAMPLE_RATE)
        self._offset, self._gaps = offset, gaps
        self._resampler: Any = None
        self._shape: tuple[int, int, str] | None = None
        self._start: float | None = None
        self._parts: list[Samples] = []
        self._held = self._done = 0

    @property
    def full(self) -> bool:
        """Whether no more sound is wanted."""
        return self._done + self._held >= self._wanted

    @property
    def seconds(self) -> float:
        """Sound taken so far."""
        return (self._done + self._held) / SAMPLE_RATE

    def push(self, frame: Any) -> Iterator[AudioSegment]:
        """Take an ``av.AudioFrame``; yields the segments that it completes."""
        if self.full:
            return
        shape = (frame.sample_rate, frame.layout.nb_channels, frame.format.name)
        if shape != self._shape:
            self._drain()
            self._start_resampler(frame)
            self._shape = shape
        yield from self._follow_clock(frame)
        self._take(self._resampler.resample(frame))
        if self._held >= _SEGMENT_SECONDS * SAMPLE_RATE or self.full:
            yield from self._emit()

    def finish(self) -> Iterator[AudioSegment]:
        """The last segment."""
        self._drain()
        yield from self._emit()

    def _start_resampler(self, frame: Any) -> None:
        from av.audio.resampler import AudioResampler

        self._resampler = AudioResampler(format="flt", layout=frame.layout, rate=SAMPLE_RATE)

    def _follow_clock(self, frame: Any) -> Iterator[AudioSegment]:
        """Begin a new segment where the time stamps leave a hole, so that times stay true."""
        if frame.pts is None or frame.time_base is None:
            self._start = 0.0 if self._start is None else self._start
            return
        time = max(float(frame.pts * frame.time_base) - self._offset, 0.0)
        if self._start is None:
            self._start = time
        elif abs(time - (self._start + self._held / SAMPLE_RATE)) > _MAX_DRIFT:
            yield from self._emit()
            self._start = time

    def _drain(self) -> None:
        if self._resampler is not None and not self.full:
            self._take(self._resampler.resample(None))
        self._resampler = self._shape = None

    def _take(self, frames: list[Any]) -> None:
        for frame in frames:
            # Interleaved, so one plane: PyAV crashes on planes beyond the eighth, and damage may declare any number.
            mono = self._mix(frame.to_ndarray().reshape(-1, frame.layout.nb_channels).T)
            mono = mono[: self._wanted - self._done - self._held]
            self._parts.append(mono)
            self._held += mono.size

    def _mix(self, channels: Samples) -> Samples:
        """(channels, n) -> (n,): the mean, unless opposite phases would silence it."""
        mono: Samples = channels.mean(axis=0, dtype=np.float32)
        if channels.shape[0] > 1 and mono.size:
            levels = np.sqrt(np.mean(np.square(channels), axis=1))
            loudest = int(np.argmax(levels))
            several = int(np.count_nonzero(levels > _SILENT)) > 1
            if several and np.sqrt(np.mean(np.square(mono))) < _CANCELLED * levels[loudest]:
                self._gaps.add(CHANNELS_CANCEL)
                mono = channels[loudest].astype(np.float32)
        return np.clip(np.nan_to_num(mono), -1.0, 1.0)

    def _emit(self) -> Iterator[AudioSegment]:
        if self._held:
            start = self._start or 0.0
            yield AudioSegment(start, np.concatenate(self._parts))
            self._start = start + self._held / SAMPLE_RATE
            self._done += self._held
        self._parts, self._held = [], 0
