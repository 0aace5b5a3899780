"""Cheap measures of what a stretch of sound can still carry; the voice detector chooses its calibration by them."""

from __future__ import annotations

import numpy as np

from ..media import SAMPLE_RATE, Samples

NARROW_DB = -33.0  # high_band_db: sound from 8 kHz channels lies below, other sound above
_FRAME = 400  # 25 ms
_HIGH = (4_300.0, 7_500.0)
_SPEECH = (300.0, 3_400.0)


def high_band_db(samples: Samples) -> float:
    """Power at 4.3-7.5 kHz against 0.3-3.4 kHz in dB, -100..40; below NARROW_DB it went through a narrow band.

    ``samples``: 16 kHz mono (n,), n >= 400.
    """
    power = np.square(np.abs(np.fft.rfft(samples)))
    frequency = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    high, speech = (power[(frequency >= low) & (frequency < top)].mean() for low, top in (_HIGH, _SPEECH))
    return float(np.clip(10 * np.log10((high + 1e-20) / (speech + 1e-20)), -100, 40))


def dynamics_db(samples: Samples) -> float:
    """Level of the loud frames (95th percentile) over the quiet ones (10th) in dB, 0..100.

    Speech in a quiet room has 35 and more; steady noise, music and heavy compression lower it.
    """
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    level = 10 * np.log10(np.square(frames.astype(np.float64)).mean(axis=1) + 1e-10)
    loud, quiet = np.percentile(level, [95, 10])
    return float(np.clip(loud - quiet, 0, 100))
