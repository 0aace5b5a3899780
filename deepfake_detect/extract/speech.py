"""Finding speech with silero-vad's ONNX model, and cutting the windows that voice detectors score."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import WeightStore
from ..findings import WeightRecord
from ..media import SAMPLE_RATE, ContainerFacts, Samples, Span, SpeechWindow
from ..quiet_onnx import cpu_session

CHUNK = 512  # samples, 32 ms: what the model was trained on
CONTEXT = 64
SPEECH_PROBABILITY = 0.5
WINDOW_SECONDS = 4.0
MIN_SPEECH_SECONDS = 2.0


class SpeechFinder:
    """Silero VAD 6.2 in onnxruntime, read from the verified file. Raises ``WeightsError``."""

    def __init__(self, store: WeightStore) -> None:
        (data,) = store.read_all("silero-vad").values()
        self._session = cpu_session(data, intra_op_num_threads=1)
        self.record: WeightRecord = store.record("silero-vad")
        self._lock = threading.Lock()

    def probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """Probability of speech, 0..1, for each 32 ms of 16 kHz mono ``samples`` (n,); shape (ceil(n / 512),)."""
        padded = np.concatenate([np.zeros(CONTEXT, np.float32), samples, np.zeros(-len(samples) % CHUNK, np.float32)])
        state = np.zeros((2, 1, 128), np.float32)
        rate = np.array(SAMPLE_RATE, np.int64)
        result = np.empty((len(padded) - CONTEXT) // CHUNK, np.float32)
        with self._lock:
            for i in range(len(result)):
                piece = padded[None, i * CHUNK : (i + 1) * CHUNK + CONTEXT]
                out, state = self._session.run(None, {"input": piece, "state": state, "sr": rate})
                result[i] = out[0, 0]
        return result


def speech_windows(
    samples: Samples, start: float, probabilities: Sequence[float] | NDArray[np.float32], facts: ContainerFacts
) -> tuple[SpeechWindow, ...]:
    """Windows of 4 s with at least 2 s of speech.

    ``samples``: 16 kHz mono, whose first sample is at ``start`` seconds. Windows follow each other; the last one is
    moved back to end with the sound. A clip shorter than a window is one window, if it holds enough speech.
    """
    speech = np.repeat(np.asarray(probabilities) >= SPEECH_PROBABILITY, CHUNK)[: len(samples)]
    length = int(WINDOW_SECONDS * SAMPLE_RATE)
    last = max(0, len(samples) - length)
    offsets = [*range(0, last, length), last]
    windows = []
    for offset in offsets:
        piece = samples[offset : offset + length]
        seconds = float(speech[offset : offset + length].sum()) / SAMPLE_RATE
        if seconds >= MIN_SPEECH_SECONDS:
            begin = start + offset / SAMPLE_RATE
            windows.append(SpeechWindow(Span(begin, begin + len(piece) / SAMPLE_RATE), seconds, piece, facts))
    return tuple(windows)
