"""What a log-mel spectrogram does not hold: linear cepstra, phase regularity and flatness, 100 frames a second.

LFCC as in the ASVspoof baselines (Sahidullah et al., Interspeech 2015, arXiv:1411.5381 for the phase side); the phase
measures are the cosines of the second differences of the phase over time and over frequency, near 1 for a steady
sinusoid or a single pulse and near 0 for noise.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
HOP = 160
WINDOW = 400
N_FFT = 512
N_CEPSTRA = 29
N_PHASE_BANDS = 20
N_FLATNESS_BANDS = 10
WIDTH = 2 * N_CEPSTRA + 2 * N_PHASE_BANDS + N_FLATNESS_BANDS
_FLOOR = 1e-10
Floats = NDArray[np.float32]


@lru_cache(maxsize=1)
def _linear_filters(bands: int = N_CEPSTRA + 1) -> Floats:
    """Triangular filters at equal distances up to 8 kHz, [bands, bins]."""
    edges = np.linspace(0, N_FFT // 2, bands + 2)
    ramps = edges[:, None] - np.arange(N_FFT // 2 + 1)
    step = edges[1] - edges[0]
    filters: Floats = np.maximum(0.0, np.minimum(-ramps[:-2], ramps[2:]) / step).astype(np.float32)
    return filters


def _band_means(values: NDArray[np.floating], bands: int) -> NDArray[np.floating]:
    usable = (N_FFT // 2) // bands * bands
    means: NDArray[np.floating] = values[:, 1 : usable + 1].reshape(len(values), bands, -1).mean(axis=2)
    return means


def acoustic_frames(samples: Floats) -> Floats:
    """Frames of one window: float32 [len(samples) // 160, WIDTH].

    `samples`: mono float32 at 16 kHz, at least 400 samples. Columns: cepstra 1-29, their slopes over 50 ms, phase
    regularity over time and over frequency in 20 equal bands, log flatness in 10. Independent of gain.
    Raises ValueError for another shape or a shorter window.
    """
    import librosa
    from scipy.fft import dct

    if samples.ndim != 1 or samples.size < WINDOW:
        raise ValueError(f"acoustic_frames wants one channel of at least {WINDOW} samples, got shape {samples.shape}")
    level = float(np.sqrt(np.mean(np.square(samples)))) + 1e-9
    spectrum = librosa.stft(
        np.ascontiguousarray(samples / level, dtype=np.float32), n_fft=N_FFT, hop_length=HOP, win_length=WINDOW
    ).T[: samples.size // HOP]
    power = np.square(np.abs(spectrum)) + _FLOOR
    cepstra = dct(np.log(power @ _linear_filters().T + 1e-6), type=2, norm="ortho", axis=1)[:, 1:]
    padded = np.pad(cepstra, ((2, 2), (0, 0)), mode="edge")
    slopes = (2 * (padded[4:] - padded[:-4]) + padded[3:-1] - padded[1:-3]) / 10.0
    flatness = np.log(_geometric_over_arithmetic(power))
    columns = [cepstra, slopes, _phase_over_time(spectrum), _phase_over_frequency(spectrum), flatness]
    result: Floats = np.concatenate(columns, axis=1).astype(np.float32)
    return result


def _geometric_over_arithmetic(power: NDArray[np.floating]) -> NDArray[np.floating]:
    geometric = np.exp(_band_means(np.log(power), N_FLATNESS_BANDS))
    ratio: NDArray[np.floating] = geometric / _band_means(power, N_FLATNESS_BANDS)
    return ratio


def _unit(spectrum: NDArray[np.complexfloating]) -> NDArray[np.complexfloating]:
    unit: NDArray[np.complexfloating] = spectrum / (np.abs(spectrum) + 1e-9)
    return unit


def _phase_over_time(spectrum: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    phase = np.pad(_unit(spectrum), ((1, 1), (0, 0)), mode="edge")
    return _band_means((phase[2:] * phase[:-2] * np.conj(phase[1:-1]) ** 2).real, N_PHASE_BANDS)


def _phase_over_frequency(spectrum: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    phase = np.pad(_unit(spectrum), ((0, 0), (1, 1)), mode="edge")
    return _band_means((phase[:, 2:] * phase[:, :-2] * np.conj(phase[:, 1:-1]) ** 2).real, N_PHASE_BANDS)
