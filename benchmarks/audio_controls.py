"""What the voice detector is compared with: a classifier on nuisances alone, splices with known times, and AASIST."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from metrics import auc, bootstrap, equal_error
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "training" / "audio"))

from features import LONGEST, PIECE, SAMPLE_RATE, degrade, describe, load_encoder  # noqa: E402
from head import SHIPPED, Clips, Head, clip_weights  # noqa: E402

from deepfake_detect.adding import add_weights  # noqa: E402
from deepfake_detect.checkpoints import WeightStore  # noqa: E402
from deepfake_detect.detect import Detector, Registry, Score  # noqa: E402
from deepfake_detect.detect.sound_quality import NARROW_DB, dynamics_db, high_band_db  # noqa: E402
from deepfake_detect.media import ContainerFacts, Span, SpeechWindow  # noqa: E402

Floats = NDArray[np.float64]
Sound = NDArray[np.float32]
Heads = dict[str, Head]
SPLICES_A_FOLD = 20
SPLICE_CHANNELS = ("clean", "opus", "mp3_64k", "amr_nb")


def read(data: Path, file: str) -> Sound:
    """The first 4 s of a clip without its mean."""
    import soundfile

    samples, _ = soundfile.read(data / file, dtype="float32")
    samples = samples[:LONGEST]
    return np.asarray(samples - samples.mean(), np.float32)


def nuisances(sound: Sound) -> list[float]:
    """Loudness, peak, ends, silence, band-width, dynamics, length: what must not decide."""
    frames = sound[: len(sound) // 400 * 400].reshape(-1, 400)
    level = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-10)
    loud = level > level.max() - 35
    first, last = np.flatnonzero(loud)[[0, -1]]
    ends = [float(first), float(len(level) - 1 - last)]
    peak = float(np.log10(np.abs(sound).max() + 1e-6))
    zeros = float((np.abs(sound) < 1e-5).mean())
    return [float(level.mean()), peak, *ends, float(loud.mean()), zeros, high_band_db(sound), dynamics_db(sound),
            float(np.percentile(level, 5)), len(sound) / SAMPLE_RATE]  # fmt: skip


def nuisance_only(clips: Clips, data: Path) -> dict[str, Any]:
    """The fold protocol with a logistic regression that sees nothing but nuisances."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    features = np.array([nuisances(read(data, str(file))) for file in clips.file])
    score = np.zeros(len(features))
    for fold in dict.fromkeys(clips.fold):
        used, tested = clips.trains_for(fold), clips.fold == fold
        scaler = StandardScaler().fit(features[used])
        model = LogisticRegression().fit(
            scaler.transform(features[used]), clips.synthetic[used], sample_weight=clip_weights(clips, used)[used]
        )
        score[tested] = model.decision_function(scaler.transform(features[tested]))
    by_fold = {
        str(fold): round(auc(score[m], clips.synthetic[m]), 4)
        for fold in dict.fromkeys(clips.fold)
        for m in [clips.fold == fold]
    }
    return {"auc_mean_of_folds": round(float(np.mean(list(by_fold.values()))), 4), "auc_by_fold": by_fold}


def splice(real: Sound, synthetic: Sound, rng: np.random.Generator) -> tuple[Sound, int, int]:
    """0.8-2 s of `synthetic` inside `real` at its level, with 10 ms cross-fades; also its first and last sample."""
    length = min(int(rng.uniform(0.8, 2.0) * SAMPLE_RATE), len(real) - SAMPLE_RATE // 2, len(synthetic))
    start = int(rng.integers(SAMPLE_RATE // 4, len(real) - length - SAMPLE_RATE // 4 + 1))
    offset = int(rng.integers(0, len(synthetic) - length + 1))
    piece = synthetic[offset : offset + length]
    piece = piece * np.sqrt((np.square(real).mean() + 1e-10) / (np.square(synthetic).mean() + 1e-10))
    fade = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / 160)
    result = real.copy()
    result[start : start + length] = result[start : start + length] * (1 - fade) + piece * fade
    return result, start, start + length


def splices(clips: Clips, data: Path, heads: Heads) -> dict[str, Any]:
    """Half-second AUC inside spliced clips, by heads that saw neither the systems, the sources nor any splice.

    A piece counts as synthetic if at least half of it is; the energy baseline is the piece's level in dB.
    """
    encoder = load_encoder(SHIPPED / "whisper-base-l3.onnx")
    rows: list[tuple[float, float, bool, str, str]] = []
    for fold, (weights, biases) in heads.items():
        rng = np.random.default_rng(5)
        inside = clips.fold == fold
        real, fake = (rng.permutation(np.flatnonzero(inside & (clips.synthetic == s))) for s in (False, True))
        for number in range(SPLICES_A_FOLD):
            pair = read(data, str(clips.file[real[number]])), read(data, str(clips.file[fake[number]]))
            if min(len(pair[0]), len(pair[1])) < 2 * SAMPLE_RATE:
                continue
            whole, start, end = splice(*pair, rng)
            channel = SPLICE_CHANNELS[number % len(SPLICE_CHANNELS)]
            sound = degrade(whole, f"{fold}/{number}", channel)
            described = describe(sound, encoder)
            pieces = described["pieces"].astype(np.float32)
            band = int(described["quality"][0] < NARROW_DB)
            weight, bias = weights[band], biases[band]
            scores = pieces @ weight[: pieces.shape[1]] + described["window"] @ weight[pieces.shape[1] :] + bias
            size = PIECE * 320
            for index, score in enumerate(scores):
                first, last = index * size, (index + 1) * size
                share = max(0, min(last, end) - max(first, start)) / size
                energy = float(10 * np.log10(np.square(sound[first:last]).mean() + 1e-10))
                rows.append((float(score), energy, share >= 0.5, f"{fold}/{number}", channel))
    return splice_figures(rows)


def splice_figures(rows: list[tuple[float, float, bool, str, str]]) -> dict[str, Any]:
    score, energy, fake, clip, channel = (np.array(column) for column in zip(*rows, strict=True))

    def centred(values: Floats) -> Floats:
        """Against the clip's own mean: where in this clip, not which clip."""
        return np.array([v - values[clip == c].mean() for v, c in zip(values, clip, strict=True)])

    return {
        "clips": len(set(clip)),
        "pieces": len(score),
        "synthetic_pieces": int(fake.sum()),
        "frame_auc": round(auc(score, fake), 4),
        "frame_auc_ci95": [round(v, 4) for v in bootstrap(score, fake, list(clip))],
        "frame_auc_within_clip": round(auc(centred(score), fake), 4),
        "energy_auc": round(auc(energy, fake), 4),
        "energy_auc_within_clip": round(auc(centred(energy), fake), 4),
        "frame_auc_by_channel": {str(c): round(auc(score[channel == c], fake[channel == c]), 4) for c in set(channel)},
    }


@contextmanager
def added(weights: Path) -> Iterator[Detector[SpeechWindow]]:
    """Foreign weights as `deepfake-detect weights add` takes them, loaded; in a data folder of their own."""
    with TemporaryDirectory() as folder:
        before = os.environ.get("XDG_DATA_HOME")
        os.environ["XDG_DATA_HOME"] = folder
        try:
            entry = add_weights(weights)
            (registered,) = Registry().select((entry.id,))
            detector = registered.create()
            detector.load(WeightStore(), "cpu")
            yield detector
        finally:
            os.environ.pop("XDG_DATA_HOME")
            if before is not None:
                os.environ["XDG_DATA_HOME"] = before


def window(sound: Sound) -> SpeechWindow:
    """A clip as one window; how much of it is speech plays no part in what an added detector says."""
    seconds = len(sound) / SAMPLE_RATE
    return SpeechWindow(Span(0.0, seconds), seconds, sound, ContainerFacts("flac", "audio/flac"))


def aasist(clips: Clips, data: Path, weights: Path, ours: dict[str, Floats], every: int = 6) -> dict[str, Any]:
    """AASIST's released weights on every sixth clip of each variant, beside this detector on the same clips."""
    index = np.arange(0, len(clips.file), every)
    synthetic = clips.synthetic[index]
    result: dict[str, Any] = {"clips": len(index), "n_real": int((~synthetic).sum())}
    with added(weights) as detector:
        for variant, own in ours.items():
            scores = []
            for file in clips.file[index]:
                sound = degrade(read(data, str(file)), str(file), variant)
                (outcome,) = detector.score([window(sound)])
                assert isinstance(outcome, Score)
                scores.append(outcome.value)
            theirs = np.array(scores)
            result[variant] = {
                "aasist_eer": round(equal_error(theirs, synthetic), 4),
                "aasist_auc": round(auc(theirs, synthetic), 4),
                "own_eer": round(equal_error(own[index], synthetic), 4),
                "own_auc": round(auc(own[index], synthetic), 4),
            }
            print(variant, result[variant], flush=True)
    return result
