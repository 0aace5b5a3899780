"""Was the speech in a stretch of sound made or converted by a machine? Answered for each half second and the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..checkpoints import WeightStore
from ..extract.acoustic import acoustic_frames
from ..extract.logmel import log_mel
from ..extract.texture import window_statistics
from ..findings import Label, Proposition, Reason
from ..media import SAMPLE_RATE, Samples, SpeechWindow
from .base import Detector, DetectorCard, Outcome, Refusal, Score
from .runtime import Network, load_network
from .sound_quality import NARROW_DB, dynamics_db, high_band_db

if TYPE_CHECKING:
    import torch

ENCODER = "whisper-base-l3"
HEAD = "synthetic-voice"
LINE = "voice-line"
LAYERS = (1, 2, 3)
MIN_SPEECH_SECONDS = 2.0
MAX_SECONDS = 8.0  # the encoder has positions for 10 s
FRAME = 320  # samples of one encoder frame, 20 ms
PIECE_SECONDS = 0.5
LINE_CAPTION = "raw score of each stretch of speech and, around it, how its half seconds differ; higher for synthetic"


@dataclass(frozen=True, slots=True)
class WindowInputs:
    """What the networks take of one window, and its measured quality; `training/audio` caches exactly these."""

    mel: Samples
    """[80, 2 t], t encoder frames"""
    acoustic: Samples
    """[2 t, 108]"""
    window: Samples
    """[1522]"""
    high_band_db: float
    dynamics_db: float


def window_inputs(samples: Samples) -> WindowInputs:
    """Inputs of mono float32 ``samples`` at 16 kHz (n,), n >= 8000: the first 8 s in whole encoder frames, without
    their mean. Raises ValueError for another shape or a shorter window."""
    samples = samples[: int(MAX_SECONDS * SAMPLE_RATE)]
    samples = samples[: len(samples) // FRAME * FRAME]
    samples = samples - samples.mean()
    return WindowInputs(
        log_mel(samples),
        acoustic_frames(samples),
        window_statistics(samples),
        high_band_db(samples),
        dynamics_db(samples),
    )


class SyntheticVoice(Detector[SpeechWindow]):
    """Linear heads on early layers of Whisper's encoder, linear cepstra, phase, modulation and spectral grain."""

    card: ClassVar[DetectorCard] = DetectorCard(
        id=HEAD,
        version="1",
        title="Synthetic voice",
        consumes=SpeechWindow,
        batch_size=4,
        weights=(ENCODER, LINE, HEAD),
        licence="encoder MIT; head Apache-2.0, trained on speech under mixed and partly unstated licences",
        commercial_use=False,
        paper="early layers of Whisper, arXiv 2212.04356; LFCC, arXiv 1411.5381; trained here, see the card",
        limits=(
            "misses many synthetic voices: see the error rates of the condition; experimental",
            "speakers in the same window are not told apart",
            "the time line shows tendencies, not borders; real speech from another recording may stand out in it, too",
            "codecs made by neural networks count as synthetic, whoever spoke",
            "not measured on singing, on shouting, on children, on AMR-WB calls, or beyond the languages of its card",
        ),
        proposition=Proposition(
            synthetic="the speech was made, converted or resynthesised by a system like those of the test data",
            genuine="the speech is a recording of a person like those of the test data, however it was transmitted",
            label=Label.SYNTHETIC,
        ),
    )

    def load(self, store: WeightStore, device: str) -> str:
        self._encoder: Network = load_network(store, ENCODER, device, _build_encoder)
        self._head: Network = load_network(store, HEAD, device, _build_head)
        self._line: Network = load_network(store, LINE, device, _build_line)
        return device

    def score(self, batch: Sequence[SpeechWindow]) -> list[Outcome]:
        return [self._score(window) for window in batch]

    def _score(self, window: SpeechWindow) -> Outcome:
        if window.speech_seconds < MIN_SPEECH_SECONDS:
            return Refusal(
                Reason.TOO_SHORT, f"{window.speech_seconds:.1f} s of speech, {MIN_SPEECH_SECONDS:g} s are needed"
            )
        inputs = window_inputs(window.samples)
        layers = self._encoder({"mel": inputs.mel[None]})["layers"]
        acoustic = inputs.acoustic[None]
        band = [[0.0, 1.0]] if inputs.high_band_db < NARROW_DB else [[1.0, 0.0]]
        outputs = self._head(
            {
                "layers": layers,
                "acoustic": acoustic,
                "window": inputs.window[None],
                "band": np.array(band, np.float32),
            }
        )
        value = float(outputs["score"][0])
        # The line is learned from splices and only tells half seconds of one window apart: its mean is the score.
        pieces = value + self._line({"layers": layers, "acoustic": acoustic})["line"][0]
        times = window.span.start + PIECE_SECONDS / 2 + PIECE_SECONDS * np.arange(len(pieces))
        return Score(
            value,
            {"high_band_db": inputs.high_band_db, "dynamics_db": inputs.dynamics_db},
            timeline=tuple(zip(times.tolist(), pieces.astype(float).tolist(), strict=True)),
            timeline_caption=LINE_CAPTION,
        )


def _build_encoder(tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    from .networks.whisper import WhisperEncoder

    return WhisperEncoder(tensors, LAYERS)


def _build_head(tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    from .networks.voice_head import VoiceHead

    return VoiceHead(tensors)


def _build_line(tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    from .networks.voice_head import VoiceLine

    return VoiceLine(tensors)
