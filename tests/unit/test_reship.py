"""Every channel and every degradation really changes what it says, and gives back the same kind of array."""

from __future__ import annotations

import numpy as np
import pytest

from deepfake_detect.reship import audio, visual


def tone(seconds: float = 2.0) -> np.ndarray:
    t = np.arange(int(seconds * 16_000)) / 16_000
    return (0.3 * np.sin(2 * np.pi * 440 * t) + 0.1 * np.sin(2 * np.pi * 5_000 * t)).astype(np.float32)


def level(samples: np.ndarray, hertz: float) -> float:
    """Amplitude of one frequency."""
    spectrum = np.abs(np.fft.rfft(samples)) / (len(samples) / 2)
    return float(spectrum[round(hertz * len(samples) / 16_000) - 3 :][:7].max())


@pytest.mark.parametrize("name", audio.CHANNELS)
def test_a_channel_carries_the_sound(name: str) -> None:
    sound = tone()
    delivered = audio.CHANNELS[name](sound, np.random.default_rng(3))
    assert delivered.dtype == np.float32
    assert delivered.ndim == 1
    assert 0.75 * len(sound) <= len(delivered) <= 1.35 * len(sound)
    assert np.isfinite(delivered).all()
    assert np.abs(delivered).max() > 0.02
    if name != "clean":
        assert delivered.shape != sound.shape or not np.allclose(delivered, sound, atol=1e-4)


@pytest.mark.parametrize("name", ["amr_nb", "g711", "gsm", "8khz"])
def test_a_telephone_has_no_high_band(name: str) -> None:
    delivered = audio.CHANNELS[name](tone(), np.random.default_rng(3))
    assert level(delivered, 440) > 0.1
    assert level(delivered, 5_000) < 0.02


@pytest.mark.parametrize("name", visual.CONDITIONS)
def test_a_degradation_keeps_the_picture_but_not_its_detail(name: str) -> None:
    rng = np.random.default_rng(0)
    smooth = np.linspace(40, 200, 256, dtype=np.float32)[None, :, None] * np.ones((256, 1, 3), np.float32)
    picture = np.clip(smooth + rng.normal(0, 20, (256, 256, 1)), 0, 255).astype(np.uint8)
    delivered = visual.CONDITIONS[name](picture)
    assert delivered.dtype == np.uint8
    assert delivered.shape[2] == 3
    assert abs(float(delivered.mean()) - float(picture.mean())) < 4
    assert not np.array_equal(delivered[:100, :100], picture[:100, :100])
