"""Make the self-test's vectors: files of every decoder, and what decoders and models give for them.

    python tests/media/make_vectors.py           make the files and store what they give
    python tests/media/make_vectors.py --scores  keep the files, store anew what they give

Needs the shipped weights: run it again, with ``--scores``, after a training.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from make_media import build
from PIL import Image

from deepfake_detect.options import ScanOptions
from deepfake_detect.pipeline import Scanner
from deepfake_detect.selftest import decode_facts, score_facts

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deepfake_detect" / "vectors"
DECODERS = (
    "plain.jpg", "cmyk.jpg", "plain.png", "rgb16.png", "plain.webp", "plain.heic", "plain.avif", "plain.gif",
    "plain.bmp", "plain.tif", "animated.png", "h264.mp4", "hevc.mov", "hevc10.mkv", "vp9.webm", "av1.mp4", "mpeg4.avi",
    "h263.3gp", "rotated90.mp4", "tone.wav", "tone.flac", "tone.mp3", "tone.m4a", "tone.aac", "tone.ogg", "tone.amr",
    "tone.webm",
)  # fmt: skip
MODELS = ("portrait.jpg", "speech.flac")
# Scores move a little between machines and runtimes; colours and levels with the versions of decoders.
TOLERANCES = {"scores": 0.05, "colours": 4.0, "seconds": 0.1, "level": 0.02}


def make_decoder_vectors() -> None:
    """Copy one small file of each decoder."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        for name in DECODERS:
            (FOLDER / name).write_bytes((Path(folder) / name).read_bytes())


def make_model_vectors() -> None:
    """A portrait and five seconds of speech from the samples."""
    Image.open(ROOT / "samples" / "portrait.jpg").crop((80, 0, 400, 320)).save(FOLDER / "portrait.jpg", quality=88)
    with av.open(str(ROOT / "samples" / "speech.flac")) as sound:
        samples = np.concatenate([f.to_ndarray()[0] for f in sound.decode(audio=0)])[: 5 * 16_000]
    with av.open(str(FOLDER / "speech.flac"), "w") as container:
        stream = container.add_stream("flac", rate=16_000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.int16), "s16", "mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def store_results() -> None:
    """Write ``vectors.json``. Raises ValueError where a detector could not run: that is no result to hold others to."""
    with Scanner(device="cpu", plugins=False, options=ScanOptions(robustness=False)) as scanner:
        models = {name: score_facts(scanner.scan((FOLDER / name).read_bytes())) for name in MODELS}
    failed = [
        f"{name}: {reason}" for name, facts in models.items() for reason in facts["abstentions"] if "failed" in reason
    ]
    if failed:
        raise ValueError(", ".join(failed))
    decoders = {name: decode_facts((FOLDER / name).read_bytes()) for name in DECODERS}
    content = {"tolerances": TOLERANCES, "decoders": decoders, "models": models}
    (FOLDER / "vectors.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--scores" not in sys.argv:
        make_decoder_vectors()
        make_model_vectors()
    store_results()
