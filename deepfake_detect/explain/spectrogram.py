"""A spectrogram of the stretches in which somebody speaks, with the flagged ones marked. It shows nobody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..findings import Evidence
from ..media import Pixels, Span, SpeechWindow
from .images import evidence_image

WIDTH, HEIGHT = 640, 160  # pixels
_WINDOW = 512  # samples: 32 ms
_MARGIN = 12  # rows above the spectrogram for the marks
_RANGE_DB = 70.0  # what lies further below the loudest point is white
_CAPTION = "frequencies of the sound over time, up to 8 kHz"
_MARKED = f"{_CAPTION}; bars at the top mark the flagged stretches"


def spectrogram(windows: Sequence[SpeechWindow], flagged: Sequence[Span]) -> tuple[Evidence, ...]:
    """``windows``: by time, at least one, 16 kHz; they may overlap. Time without a window stays blank.

    ``flagged``: stretches marked by a black bar above. Dark is loud, so that it survives printing.
    """
    if not windows:
        return ()
    span = Span(windows[0].span.start, max(window.span.end for window in windows))
    if span.seconds <= 0:
        return ()
    levels = np.full((HEIGHT, WIDTH), -np.inf)
    for window in windows:
        _draw(levels, window, span)
    loudest = levels.max()
    if not np.isfinite(loudest):
        return ()
    shade = np.clip((loudest - levels) / _RANGE_DB, 0.0, 1.0)
    picture = np.vstack([_marks(flagged, span), np.round(255 * shade).astype(np.uint8)])
    pixels: Pixels = np.ascontiguousarray(np.repeat(picture[..., None], 3, axis=2))
    return (Evidence("spectrogram", _MARKED if flagged else _CAPTION, span, image=evidence_image(pixels, WIDTH)),)


def _draw(levels: NDArray[np.float64], window: SpeechWindow, span: Span) -> None:
    """Put a window's power in dB into ``levels``, low frequencies below; of what overlaps the strongest stays."""
    if len(window.samples) < _WINDOW:
        return
    scale = (WIDTH - 1) / span.seconds
    left = round((window.span.start - span.start) * scale)
    right = max(left + 1, round((window.span.end - span.start) * scale))
    starts = np.linspace(0, len(window.samples) - _WINDOW, right - left).astype(int)
    frames = window.samples[starts[:, None] + np.arange(_WINDOW)].astype(np.float64) * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    bins = np.linspace(power.shape[1] - 1, 0, HEIGHT).round().astype(int)
    with np.errstate(divide="ignore"):
        columns = 10 * np.log10(power[:, bins].T)
    part = levels[:, left:right]
    np.maximum(part, columns[:, : part.shape[1]], out=part)


def _marks(flagged: Sequence[Span], span: Span) -> NDArray[np.uint8]:
    """White rows with a black bar over each flagged stretch."""
    rows = np.full((_MARGIN, WIDTH), 255, np.uint8)
    scale = (WIDTH - 1) / span.seconds
    for stretch in flagged:
        left, right = (round((time - span.start) * scale) for time in (stretch.start, stretch.end))
        rows[2:-3, max(left, 0) : max(right, left + 2)] = 0
    return rows
