"""How much music and singing gets past the speech finder to the voice detector, and what that says of it.

    python benchmarks/run.py music --data FOLDER

One file of sound after the other, as a scan takes it; prints one row a file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.detect import Score
from deepfake_detect.detect.synthetic_voice import SyntheticVoice
from deepfake_detect.extract import SpeechFinder, speech_windows
from deepfake_detect.fuse import Calibration, parse_calibration
from deepfake_detect.media import SAMPLE_RATE, ContainerFacts
from deepfake_detect.reship.decode import decode_sound

FACTS = ContainerFacts("flac", "audio/flac")
LONGEST = 240  # seconds of a file


def stored_calibration(store: WeightStore) -> Calibration:
    entry = store.entry("synthetic-voice")
    assert entry.calibration is not None
    return parse_calibration(store.text(entry.calibration), "synthetic-voice", entry.sha256)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args(argv)
    store, detector = WeightStore(), SyntheticVoice()
    finder, calibration = SpeechFinder(store), stored_calibration(store)
    detector.load(store, "cpu")
    print("| file | windows | with 2 s of speech | above the threshold |\n|---|---|---|---|")
    for file in sorted(p for p in args.data.rglob("*") if p.suffix in (".flac", ".mp3", ".ogg", ".wav")):
        samples = decode_sound(file.read_bytes())[0][: LONGEST * SAMPLE_RATE]
        probabilities = finder.probabilities(samples)
        every = speech_windows(samples, 0.0, np.ones_like(probabilities), FACTS)
        spoken = speech_windows(samples, 0.0, probabilities, FACTS)
        above = 0
        for outcome in detector.score(spoken):
            assert isinstance(outcome, Score)
            condition = calibration.condition(outcome.quantities)
            above += condition is not None and condition.llr(outcome.value) >= calibration.upper
        print(f"| {file.relative_to(args.data)} | {len(every)} | {len(spoken)} | {above} |", flush=True)
