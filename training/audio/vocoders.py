"""Copies of recorded speech by vocoders of signal processing, and by LPCNet: same words, same speaker, made waveform.

All take and give mono float32 at 16 kHz; `copy_synthesis.py` brings a copy to the length and level of its original.
"""

from __future__ import annotations

import ctypes
import importlib.util
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import librosa
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

SAMPLE_RATE = 16_000
N_FFT, HOP = 1024, 256
N_MELS = 80
ROUNDS = 60
LPC_ORDER, LPC_FRAME, LPC_HOP = 18, 400, 200
LPCNET_DELAY = 890  # samples that encoder and decoder hold back, by the envelopes of copy and original
Floats = NDArray[np.float32]


def _load_pyworld() -> Any:
    """The extension module alone: `__init__` of pyworld 0.3.5 wants pkg_resources, which setuptools 81 dropped."""
    package = importlib.util.find_spec("pyworld")
    inner = PathFinder.find_spec("pyworld", package.submodule_search_locations) if package else None
    if inner is None or inner.loader is None:
        raise ImportError("pyworld is missing: pip install 'deepfake-detect[train]'")
    module = importlib.util.module_from_spec(inner)
    inner.loader.exec_module(module)
    return module


pyworld = _load_pyworld()


def griffin_lim(samples: Floats) -> Floats:
    """From the magnitudes of the short-time spectrum. Source: Griffin and Lim 1984; Perraudin et al. 2013."""
    return _from_magnitudes(np.abs(librosa.stft(samples, n_fft=N_FFT, hop_length=HOP)))


def griffin_lim_mel(samples: Floats) -> Floats:
    """From 80 mel bands, spread over the bins by the pseudo-inverse: what Tacotron without a vocoder gives."""
    magnitudes = np.abs(librosa.stft(samples, n_fft=N_FFT, hop_length=HOP))
    bank = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS)
    return _from_magnitudes(np.maximum(np.linalg.pinv(bank) @ (bank @ magnitudes), 0))


def _from_magnitudes(magnitudes: NDArray[np.floating]) -> Floats:
    made = librosa.griffinlim(magnitudes, n_iter=ROUNDS, hop_length=HOP, n_fft=N_FFT, random_state=0)
    return np.asarray(made, np.float32)


def world(samples: Floats) -> Floats:
    """Pitch, envelope and aperiodicity of WORLD. Source: Morise et al. 2016."""
    sound = samples.astype(np.float64)
    pitch, times = pyworld.harvest(sound, SAMPLE_RATE)
    envelope = pyworld.cheaptrick(sound, pitch, times, SAMPLE_RATE)
    aperiodicity = pyworld.d4c(sound, pitch, times, SAMPLE_RATE)
    return np.asarray(pyworld.synthesize(pitch, envelope, aperiodicity, SAMPLE_RATE), np.float32)


def linear_prediction(samples: Floats) -> Floats:
    """All-pole filters of order 18 on pulses where there is pitch, on noise elsewhere: Atal and Hanauer 1971."""
    sound = samples.astype(np.float64)
    excitation = _excitation(sound)
    window = np.hanning(LPC_FRAME + 1)[:-1]
    padded, source = np.pad(sound, LPC_FRAME), np.pad(excitation, LPC_FRAME)
    made = np.zeros_like(padded)
    for start in range(0, len(padded) - LPC_FRAME, LPC_HOP):
        frame = padded[start : start + LPC_FRAME] * window
        power = np.correlate(frame, frame, "full")[LPC_FRAME - 1 : LPC_FRAME + LPC_ORDER]
        if power[0] < 1e-7:
            continue
        power[0] *= 1 + 1e-5
        weights = solve_toeplitz(power[:-1], power[1:])
        part = lfilter([1.0], np.concatenate([[1.0], -weights]), source[start : start + LPC_FRAME])
        level = np.sqrt(np.mean(frame**2) / (np.mean((part * window) ** 2) + 1e-12))
        made[start : start + LPC_FRAME] += part * window * level
    return made[LPC_FRAME:-LPC_FRAME].astype(np.float32)


def _excitation(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """One pulse a period where speech is voiced, white noise elsewhere; both of mean square 1."""
    pitch, times = pyworld.dio(sound, SAMPLE_RATE)
    pitch = pyworld.stonemask(sound, pitch, times, SAMPLE_RATE)
    track = np.interp(np.arange(len(sound)) / SAMPLE_RATE, times, pitch)
    voiced = track > 50
    phase = np.cumsum(np.where(voiced, track, 0) / SAMPLE_RATE)
    pulses = np.diff(np.floor(phase), prepend=0) * np.sqrt(SAMPLE_RATE / np.maximum(track, 50))
    return np.where(voiced, pulses, np.random.default_rng(0).standard_normal(len(sound)))


class LpcNet:
    """LPCNet at 1733 bit/s with the weights in Debian's libcodec2-1.0 (1.0.5, `libcodec2.so.1.0`).

    Source: Valin and Skoglund, arXiv:1903.12087. Raises OSError if the library is not there.
    """

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.lpcnet_freedv_create.restype = ctypes.c_void_p
        for name in ("freedv_destroy", "samples_per_frame", "bits_per_frame"):
            getattr(self._library, f"lpcnet_{name}").argtypes = [ctypes.c_void_p]
        for name in ("enc", "dec"):
            getattr(self._library, f"lpcnet_{name}").argtypes = [ctypes.c_void_p] * 3

    def __call__(self, samples: Floats) -> Floats:
        coder = self._library.lpcnet_freedv_create(1)
        size = self._library.lpcnet_samples_per_frame(coder)
        bits = ctypes.create_string_buffer(self._library.lpcnet_bits_per_frame(coder))
        padded = np.pad(samples, (0, LPCNET_DELAY))
        padded = np.pad(padded, (0, -len(padded) % size))
        frames = (np.clip(padded, -1, 1) * 32767).astype(np.int16).reshape(-1, size)
        made = np.zeros_like(frames)
        for taken, given in zip(frames, made, strict=True):
            self._library.lpcnet_enc(coder, taken.ctypes.data, bits)
            self._library.lpcnet_dec(coder, bits, given.ctypes.data)
        self._library.lpcnet_freedv_destroy(coder)
        return (made.ravel()[LPCNET_DELAY:] / np.float32(32768)).astype(np.float32)
