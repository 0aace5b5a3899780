"""Log-mel spectrogram as Whisper expects it: 16 kHz, 25 ms Hann windows every 10 ms, 80 Slaney bands.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", arXiv:2212.04356, section 2.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
HOP = 160
N_FFT = 400
N_MELS = 80
_FLOOR = 1e-10
_RANGE = 8.0  # log10 units kept below the loudest band of the window


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-mel of one window.

    `samples`: mono float32 in [-1, 1] at 16 kHz, at least 400 samples. Returns float32 [80, len(samples) // 160]
    (10 ms a column, about -1 to 1.5). The range is limited below the loudest value of this very window, so gain hardly
    matters. Raises ValueError for another shape or a shorter window.
    """
    import librosa

    if samples.ndim != 1 or samples.size < N_FFT:
        raise ValueError(f"log_mel wants one channel of at least {N_FFT} samples, got shape {samples.shape}")
    power = librosa.feature.melspectrogram(
        y=np.ascontiguousarray(samples, dtype=np.float32),
        sr=SAMPLE_RATE,
        n_fft=N_FFT,
        hop_length=HOP,
        window="hann",
        center=True,
        pad_mode="reflect",
        power=2.0,
        n_mels=N_MELS,
        htk=False,
        norm="slaney",
    )[:, : samples.size // HOP]
    log = np.log10(np.maximum(power, _FLOOR))
    log = np.maximum(log, log.max() - _RANGE)
    result: NDArray[np.float32] = ((log + 4.0) / 4.0).astype(np.float32)
    return result
