"""Pictures that explain: they end at the chin, and mark what was flagged."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from deepfake_detect.explain.images import end_at_chin
from deepfake_detect.explain.spectrogram import spectrogram
from deepfake_detect.explain.timeline import stretches_above
from deepfake_detect.media import ContainerFacts, Span, SpeechWindow

FACTS = ContainerFacts("WAV", "audio/wav")


def test_a_face_picture_ends_at_the_chin_however_the_head_is_turned() -> None:
    pixels = np.random.default_rng(0).integers(200, 256, (100, 100, 3), dtype=np.uint8)
    upright = np.array([[35, 30], [65, 30], [50, 40], [40, 55], [60, 55]], np.float32)
    covered = end_at_chin(pixels, upright)
    assert (covered[80:] == 96).all() and (covered[:78] == pixels[:78]).all()
    turned = end_at_chin(pixels, upright[:, ::-1].copy())
    assert (turned[:, 80:] == 96).all() and (turned[:, :78] == pixels[:, :78]).all()
    assert (end_at_chin(pixels, np.zeros((5, 2), np.float32)) == 96).all()


def test_a_spectrogram_shows_the_tone_and_marks_the_flagged_stretch() -> None:
    time = np.arange(4 * 16_000) / 16_000
    tone = np.sin(2 * np.pi * 2000 * time).astype(np.float32)
    window = SpeechWindow(Span(1.0, 5.0), 4.0, tone, FACTS)
    (item,) = spectrogram([window], [Span(2.0, 3.0)])
    assert item.kind == "spectrogram" and item.span == Span(1.0, 5.0) and item.image is not None
    shown = np.asarray(Image.open(io.BytesIO(item.image.data)).convert("L"))
    marks, sound = shown[4], shown[12:]
    assert (marks[165:315] == 0).all() and (marks[:155] == 255).all() and (marks[325:] == 255).all()
    darkest = sound.mean(1).argmin() / len(sound)
    assert abs(darkest - 0.75) < 0.03, "2 kHz lies a quarter from below on a scale to 8 kHz"
    assert spectrogram([], []) == ()


def test_stretches_above_a_threshold_reach_half_way() -> None:
    values = [(0.0, 0.1), (1.0, 0.9), (2.0, 0.8), (3.0, 0.2), (4.0, 0.9)]
    assert stretches_above(values, 0.5) == [Span(0.5, 2.5), Span(3.5, 4.0)]
    assert stretches_above(values, 2.0) == []
