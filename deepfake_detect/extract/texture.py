"""Statistics of a whole window of sound that are blind to what is said: band levels and how they move, how cepstra
change together, modulation, the grain of the spectrogram, and the regularity of the phase.

What vocoders and neural codecs leave behind is mostly of this kind: over-smooth or jumpy trajectories, bands that move
together, grain of another shape than that of a voice in a room, phases that are too regular or not regular enough.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

HOP = 160
WIDTH = 1522
_FLOOR = 1e-6
_MODULATION_EDGES = (0.5, 2, 4, 6, 9, 13, 18, 25, 35, 50)  # Hz
_GRAIN_STEPS = (  # frames later, bins higher
    *((1, 0), (2, 0), (3, 0), (5, 0)),
    *((0, 1), (0, 2), (0, 3), (0, 4), (0, 6), (0, 8)),
    *((1, 1), (1, -1), (2, 2), (2, -2)),
)
_GRAIN_BANDS, _GRAIN_BINS = 6, 42
Floats = NDArray[np.float32]


def window_statistics(samples: Floats) -> Floats:
    """All statistics of one window: float32 [1522], independent of gain, never NaN.

    `samples`: mono float32 at 16 kHz, at least 8,000. Order: band levels (192), common movement of cepstra over 10 and
    30 ms (2 x 276), their persistence (144), modulation (180), grain (102), phase at two resolutions (2 x 176).
    Raises ValueError for another shape or a shorter window.
    """
    if samples.ndim != 1 or samples.size < 8_000:
        raise ValueError(f"window_statistics wants one channel of at least 8000 samples, got shape {samples.shape}")
    sound = (samples / (np.sqrt((samples**2).mean()) + 1e-9)).astype(np.float32)
    spectrum = _spectrogram(sound, 512, HOP, 400)
    power = spectrum.real**2 + spectrum.imag**2 + _FLOOR
    parts = [
        _band_levels(power),
        *_cepstra(power),
        _modulation(power),
        _grain(power),
        _phase(sound, 256, 64),
        _phase(sound, 1024, HOP),
    ]
    return np.nan_to_num(np.concatenate(parts)).astype(np.float32)


def _spectrogram(sound: Floats, size: int, hop: int, width: int) -> NDArray[np.complex64]:
    """Hann windows of `width` samples in frames of `size`, [frames, size / 2 + 1]."""
    from scipy.fft import rfft
    from scipy.signal import get_window

    window = np.zeros(size, np.float32)
    window[(size - width) // 2 : (size - width) // 2 + width] = get_window("hann", width)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, size // 2, mode="reflect"), size)[::hop]
    return np.asarray(rfft(frames * window, axis=1), np.complex64)


def _bands(values: NDArray[np.floating], count: int) -> NDArray[np.floating]:
    """Means of `count` bands of equal width without the constant component, [frames, count]."""
    used = (values.shape[1] - 1) // count * count
    means: NDArray[np.floating] = values[:, 1 : used + 1].reshape(len(values), count, -1).mean(axis=2)
    return means


def _band_levels(power: Floats) -> Floats:
    log = np.log(_bands(power, 64))
    shape = log - log.mean(axis=1, keepdims=True)
    return np.concatenate([shape.mean(axis=0), shape.std(axis=0) + _FLOOR, np.diff(log, axis=0).std(axis=0)])


def _together(change: Floats) -> Floats:
    """Correlation of the columns of `change` with each other, upper triangle."""
    scaled = change / (change.std(axis=0) + _FLOOR)
    return np.asarray((scaled.T @ scaled / len(scaled))[np.triu_indices(scaled.shape[1], 1)])


def _cepstra(power: Floats) -> list[Floats]:
    from scipy.fft import dct

    cepstra = dct(np.log(_bands(power, 32)), norm="ortho", axis=1)[:, 1:25]
    scaled = (cepstra - cepstra.mean(axis=0)) / (cepstra.std(axis=0) + _FLOOR)
    persistence = [(scaled[lag:] * scaled[:-lag]).mean(axis=0) for lag in (1, 2, 3, 5, 8, 12)]
    return [_together(np.diff(cepstra, axis=0)), _together(cepstra[3:] - cepstra[:-3]), np.concatenate(persistence)]


def _modulation(power: Floats) -> Floats:
    from scipy.fft import rfft

    levels = np.log(_bands(power, 20))
    levels = (levels - levels.mean(axis=0)) * np.hanning(len(levels))[:, None]
    strength = np.abs(rfft(levels, n=512, axis=0)) ** 2
    rates = np.fft.rfftfreq(512, 0.01)
    shares = np.stack(
        [strength[(rates >= low) & (rates < high)].mean(axis=0) for low, high in pairwise(_MODULATION_EDGES)]
    )
    return np.asarray(np.log(shares / np.maximum(shares.sum(axis=0), 1e-30) + _FLOOR).ravel())


def _grain(power: Floats) -> Floats:
    """Correlation of the fine structure of the log spectrogram with itself, shifted, in six bands; its moments."""
    from scipy.ndimage import uniform_filter1d

    log = np.log(power[:, 1:257])
    fine = (log - uniform_filter1d(log, 17, axis=1))[:, : _GRAIN_BANDS * _GRAIN_BINS]
    fine = fine.reshape(len(fine), _GRAIN_BANDS, _GRAIN_BINS)
    energy = (fine**2).mean(axis=(0, 2)) + 1e-9
    result = []
    for later, higher in _GRAIN_STEPS:
        moved = fine[later:, :, max(higher, 0) : _GRAIN_BINS + min(higher, 0)]
        still = fine[: len(fine) - later, :, max(-higher, 0) : _GRAIN_BINS - max(higher, 0)]
        result.append(np.einsum("tbf,tbf->b", moved, still) / (moved.shape[0] * moved.shape[2]) / energy)
    moments = [np.log(energy), (fine**3).mean(axis=(0, 2)) / energy**1.5, (fine**4).mean(axis=(0, 2)) / energy**2]
    return np.concatenate([*result, *moments])


def _phase(sound: Floats, size: int, hop: int) -> Floats:
    """Second differences of the phase over time, over frequency and over both, as cosines and sines in 16 bands."""
    spectrum = _spectrogram(sound, size, hop, size)
    level = np.abs(spectrum)
    unit = spectrum / (level + 1e-9)
    over_time = unit[2:] * unit[:-2] * np.conj(unit[1:-1]) ** 2
    over_frequency = unit[:, 2:] * unit[:, :-2] * np.conj(unit[:, 1:-1]) ** 2
    over_both = unit[1:, 1:] * unit[:-1, :-1] * np.conj(unit[1:, :-1] * unit[:-1, 1:])
    result = []
    for values in (over_time.real, over_frequency.real, np.abs(over_frequency.imag), over_both.real, over_both.imag):
        bands = _bands(values, 16)
        result += [bands.mean(axis=0), bands.std(axis=0)]
    weight = np.minimum(level[1:-1] / (np.median(level) + 1e-9), 5)
    loud = _bands(over_time.real * weight, 16).mean(axis=0) / (_bands(weight, 16).mean(axis=0) + _FLOOR)
    return np.concatenate([*result, loud])
