"""Sound channels, the features of the voice detector, and AASIST's loader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.detect import Score
from deepfake_detect.detect.sound_quality import dynamics_db, high_band_db
from deepfake_detect.detect.synthetic_voice import SyntheticVoice
from deepfake_detect.extract.acoustic import WIDTH as ACOUSTIC_WIDTH
from deepfake_detect.extract.acoustic import acoustic_frames
from deepfake_detect.extract.logmel import log_mel
from deepfake_detect.extract.texture import WIDTH as WINDOW_WIDTH
from deepfake_detect.extract.texture import window_statistics
from deepfake_detect.fuse import parse_calibration
from deepfake_detect.media import Span, SpeechWindow
from deepfake_detect.reship.audio import CHANNELS, MESSENGER, TELEPHONE, random_channel
from deepfake_detect.reship.decode import decode_sound

RATE = 16_000
ROOT = Path(__file__).parents[2]
TRAINING, SAMPLES = ROOT / "training" / "audio", ROOT / "samples"
NARROW_DB = -33.0  # the border that the calibration uses
Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def sound() -> Sound:
    """Two seconds of harmonics with a moving pitch, pauses and a little noise."""
    rng, time = np.random.default_rng(3), np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 2 * time)) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 40)) * (np.sin(2 * np.pi * 3 * time) > -0.5)
    return (0.1 * voice + 0.003 * rng.standard_normal(len(time))).astype(np.float32)


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_keeps_length_and_type_and_repeats_itself(name: str, sound: Sound) -> None:
    first = CHANNELS[name](sound, np.random.default_rng(1))
    again = CHANNELS[name](sound, np.random.default_rng(1))
    assert first.dtype == np.float32 and first.shape == sound.shape and np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert name == "clean" or np.abs(first - sound).max() > 1e-4


@pytest.mark.parametrize("name", [*MESSENGER, *TELEPHONE])
def test_telephone_channels_are_told_from_wide_ones_by_measurement(name: str, sound: Sound) -> None:
    rng = np.random.default_rng(2)
    measured = high_band_db(CHANNELS[name](sound, rng)) - high_band_db(sound)
    assert measured < -10 if name in TELEPHONE else measured > -10


def test_codecs_keep_the_time(sound: Sound) -> None:
    for name in ("mp3_64k", "aac", "opus"):
        decoded = CHANNELS[name](sound, np.random.default_rng(0))
        spectrum = np.fft.rfft(decoded, 2**17) * np.conj(np.fft.rfft(sound, 2**17))
        assert abs(int(np.argmax(np.fft.irfft(spectrum)))) < 320, name


def test_random_channels_do_not_depend_on_anything_but_the_seed(sound: Sound) -> None:
    names = []
    for seed in range(3):
        a, b = np.random.default_rng(seed), np.random.default_rng(seed)
        first, second = random_channel(a)(sound, a), random_channel(b)(sound, b)
        np.testing.assert_array_equal(first, second)
        names.append(first.sum())
    assert len(set(names)) > 1


def test_channels_refuse_what_is_no_sound() -> None:
    with pytest.raises(ValueError, match="float32"):
        CHANNELS["opus"](np.zeros(100), np.random.default_rng(0))  # type: ignore[arg-type]


def test_log_mel_of_a_tone_peaks_in_its_band(sound: Sound) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    mel = log_mel(tone)
    assert mel.shape == (80, 100) and mel.dtype == np.float32
    # Slaney's scale is linear to 1 kHz, 15 of its units; 80 bands share 45.245 units of 0-8 kHz.
    assert abs(int(mel[:, 50].argmax()) - round(15 / 45.245 * 81 - 1)) <= 1
    assert mel.max() - mel.min() <= 2.0 + 1e-5


def test_features_have_their_shapes_and_ignore_gain(sound: Sound) -> None:
    frames, window = acoustic_frames(sound), window_statistics(sound)
    assert frames.shape == (200, ACOUSTIC_WIDTH) and window.shape == (WINDOW_WIDTH,)
    np.testing.assert_allclose(acoustic_frames(sound * 0.25), frames, atol=2e-3)
    np.testing.assert_allclose(window_statistics(sound * 0.25), window, atol=2e-3)


@pytest.mark.parametrize("samples", [np.zeros(2 * RATE, np.float32), np.ones(2 * RATE, np.float32)])
def test_features_of_nothing_are_finite(samples: Sound) -> None:
    for values in (log_mel(samples), acoustic_frames(samples), window_statistics(samples)):
        assert np.isfinite(values).all()
    assert np.isfinite([high_band_db(samples), dynamics_db(samples)]).all()


@pytest.mark.parametrize("function", [log_mel, acoustic_frames, window_statistics])
def test_features_refuse_short_or_stereo_sound(function: object) -> None:
    assert callable(function)
    for samples in (np.zeros(100, np.float32), np.zeros((2, RATE), np.float32)):
        with pytest.raises(ValueError, match="one channel"):
            function(samples)


def test_aasist_loads_strictly_and_ranks_spoof_against_bona_fide() -> None:
    import torch

    from deepfake_detect.detect.networks.aasist import SAMPLES, Aasist, build_aasist

    torch.manual_seed(0)
    made = Aasist(24)
    weights = {name: torch.randn_like(t) * 0.1 if t.is_floating_point() else t for name, t in made.state_dict().items()}
    weights |= {name: t.abs() + 0.5 for name, t in weights.items() if name.endswith("running_var")}
    network = build_aasist(weights)
    with torch.inference_mode():
        outputs = network(torch.randn(2, SAMPLES) * 0.1)
    assert outputs["embedding"].shape == (2, 160)
    torch.testing.assert_close(outputs["score"], outputs["logits"][:, 0] - outputs["logits"][:, 1])
    del weights["out_layer.bias"]
    with pytest.raises(RuntimeError, match=r"out_layer\.bias"):
        build_aasist(weights)


@pytest.mark.parametrize("size", [2 * RATE + 161, 3 * RATE])
def test_what_training_and_benchmark_score_is_what_a_scan_serves(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cached features and the head in numpy against the detector; a tail short of an encoder frame, too."""
    monkeypatch.syspath_prepend(str(TRAINING))
    import features
    import head
    import line
    from safetensors.numpy import load_file

    speech = decode_sound((SAMPLES / "speech.flac").read_bytes())[0][:size]
    described = features.describe(speech, features.load_encoder(head.SHIPPED / "whisper-base-l3.onnx"))
    stored = load_file(str(head.SHIPPED / "synthetic-voice.safetensors"))
    weights = np.concatenate([stored["piece_weight"], stored["window_weight"].T], axis=1)
    variant = np.concatenate([described["mean"], described["window"]])[None], described["quality"][None]
    detector = SyntheticVoice()
    detector.load(WeightStore(), "cpu")
    (served,) = detector.score([SpeechWindow(Span(0.0, size / RATE), 2.0, speech, None)])  # type: ignore[arg-type]
    assert isinstance(served, Score)
    assert served.value == pytest.approx(float(head.apply((weights, stored["bias"]), variant)[0]), abs=1e-3)
    (weight,) = load_file(str(head.SHIPPED / "voice-line.safetensors"))["piece_weight"]
    drawn = line.draw_line(described["pieces"].astype(np.float32), weight)
    # The cache has half precision.
    np.testing.assert_allclose([v for _, v in served.timeline], served.value + drawn, atol=0.02)
    assert np.mean([v for _, v in served.timeline]) == pytest.approx(served.value, abs=1e-4)


def test_a_splice_leaves_the_rest_alone_and_knows_its_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TRAINING))
    import make_splices

    rng = np.random.default_rng(4)
    host, donor = (rng.standard_normal(n * RATE).astype(np.float32) for n in (4, 3))
    lengths = set()
    for _ in range(20):
        result, start, end = make_splices.splice(host, donor, rng)
        assert len(result) == len(host) and RATE // 2 <= end - start <= 3 * RATE
        np.testing.assert_array_equal(result[:start], host[:start])
        np.testing.assert_array_equal(result[end:], host[end:])
        assert np.mean(result[start:end] != host[start:end]) > 0.9
        share = make_splices.put_in(8, start, end)
        assert share.sum() == pytest.approx((end - start) / (RATE // 2), abs=1e-4) and share.max() <= 1
        lengths.add(end - start)
    assert len(lengths) > 5


def test_the_line_learns_what_is_synthetic_and_nothing_of_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half seconds whose first number says that they were put in, and whose second, with noise, that they are made."""
    monkeypatch.syspath_prepend(str(TRAINING))
    import head
    import line

    rng, n = np.random.default_rng(6), 6000
    synthetic = np.arange(40) % 2 == 1
    names = np.array([f"source {i // 4}" for i in range(40)])
    clips = head.Clips(names, names, synthetic, names, names, names, names, np.full(40, 4.0))
    # Mostly synthetic stretches in real recordings: without weights, being put in would give the label away.
    host = 2 * rng.integers(0, 10, n) + (rng.random(n) < 0.1)
    donor = 20 + 2 * rng.integers(0, 10, n) + (rng.random(n) < 0.9)
    put_in = (rng.random(n) < 0.4).astype(np.float32)
    whole = rng.random(n) < 0.3
    host, put_in = np.where(whole, donor, host), np.where(whole, np.float32(0), put_in)
    made = synthetic[np.where(put_in > 0, donor, host)]
    assert np.corrcoef(put_in, made)[0, 1] > 0.3
    features = np.stack([put_in, made + rng.standard_normal(n), rng.standard_normal(n)], axis=1)
    pieces = line.Pieces(features.astype(np.float32), put_in, host, donor)
    weight = line.fit_line(pieces, clips, np.ones(40, bool))
    assert weight[1] > 0.3 and abs(weight[0]) < 0.1 * weight[1]


def test_more_noise_than_was_measured_is_out_of_every_condition() -> None:
    store = WeightStore()
    entry = store.entry("synthetic-voice")
    assert entry.calibration is not None
    calibration = parse_calibration(store.text(entry.calibration), "synthetic-voice", entry.sha256)
    noise = (0.1 * np.random.default_rng(0).standard_normal(3 * RATE)).astype(np.float32)
    quantities = {"high_band_db": high_band_db(noise), "dynamics_db": dynamics_db(noise)}
    assert calibration.condition(quantities) is None
    assert calibration.condition(quantities | {"dynamics_db": 20.0}) is not None
