"""What the voice detector is compared with: a classifier on nuisances alone, and AASIST."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from metrics import auc, equal_error
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "training" / "audio"))

from features import SAMPLE_RATE, degrade, read  # noqa: E402
from head import Clips, clip_weights  # noqa: E402

from deepfake_detect.adding import add_weights  # noqa: E402
from deepfake_detect.checkpoints import WeightStore  # noqa: E402
from deepfake_detect.detect import Detector, Registry, Score  # noqa: E402
from deepfake_detect.detect.sound_quality import dynamics_db, high_band_db  # noqa: E402
from deepfake_detect.media import ContainerFacts, Span, SpeechWindow  # noqa: E402

Floats = NDArray[np.float64]
Sound = NDArray[np.float32]


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
