"""Cache what the head is trained and measured on: per-chunk statistics of a clip under one channel.

    python training/audio/features.py --data PATH_OF_THE_PACK --variants clean opus random1 random2

One file a variant in .cache/audio/features. `random<k>` draws a channel for each clip from its own seed.
"""

from __future__ import annotations

import argparse
import csv
import time
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_detect.extract.acoustic import acoustic_frames
from deepfake_detect.extract.logmel import log_mel
from deepfake_detect.reship.audio import CHANNELS, random_channel

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "audio"
PROTOCOL = ROOT / "benchmarks" / "protocols" / "audio_folds.csv"
SAMPLE_RATE = 16_000
LONGEST = 5 * SAMPLE_RATE
Floats = NDArray[np.float32]


def degrade(samples: Floats, name: str, variant: str) -> Floats:
    """`samples` through the channel `variant` with a seed from the clip's name and the variant."""
    rng = np.random.default_rng(zlib.crc32(f"{name}/{variant}".encode()))
    channel = random_channel(rng) if variant.startswith("random") else CHANNELS[variant]
    return channel(samples, rng)


def load_encoder(path: Path) -> object:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def chunk_statistics(frames: Floats, width: int, hop: int) -> Floats:
    """Mean, deviation and deviation of the frame-to-frame difference in sliding chunks: [n, 3 x features]."""
    if len(frames) < width:
        frames = np.pad(frames, ((0, width - len(frames)), (0, 0)), mode="edge")
    view = np.lib.stride_tricks.sliding_window_view(frames, width, axis=0)[::hop]
    steps = np.diff(view, axis=2)
    return np.concatenate([view.mean(axis=2), view.std(axis=2), np.sqrt(np.mean(steps**2, axis=2))], axis=1)


def main() -> None:
    import soundfile

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--list", type=Path, default=PROTOCOL, help="CSV with a column `file`, relative to --data")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--encoder", type=Path, default=CACHE / "w" / "all.onnx")
    parser.add_argument("--variants", nargs="+", required=True)
    args = parser.parse_args()
    with args.list.open(encoding="utf-8", newline="") as handle:
        names = [row["file"] for row in csv.DictReader(handle)]
    encoder = load_encoder(args.encoder)
    target = CACHE / "features"
    target.mkdir(parents=True, exist_ok=True)
    for variant in args.variants:
        start, whole, whole_acoustic, chunks, counts = time.time(), [], [], [], []
        for name in names:
            samples, _ = soundfile.read(args.data / name, dtype="float32")
            samples = samples[:LONGEST] - samples[:LONGEST].mean()
            sound = degrade(samples.astype(np.float32), name, variant)
            mel = log_mel(sound)
            layers = encoder.run(None, {"mel": mel[None, :, : mel.shape[1] // 2 * 2]})[0][0]
            acoustic = acoustic_frames(sound)
            whole.append(np.concatenate([chunk_statistics(layer, len(layer), 1) for layer in layers])[:, None])
            whole_acoustic.append(chunk_statistics(acoustic, len(acoustic), 1)[0])
            parts = [chunk_statistics(layer, 25, 25) for layer in layers] + [chunk_statistics(acoustic, 50, 50)]
            n = min(len(part) for part in parts)
            chunks.append(np.concatenate([part[:n] for part in parts], axis=1).astype(np.float16))
            counts.append(n)
        np.savez(
            target / f"{args.prefix}{variant}.npz",
            whole=np.stack(whole)[:, :, 0].astype(np.float32),
            acoustic=np.stack(whole_acoustic).astype(np.float32),
            chunks=np.concatenate(chunks),
            counts=np.array(counts),
        )
        print(f"{args.prefix}{variant}: {len(names)} clips in {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
