"""Cache what the head is trained and measured on: per-chunk statistics of a clip under one channel.

    python training/audio/features.py --data PATH_OF_THE_PACK --variants clean messenger1 telephone1 random1

One file a variant in .cache/audio/features. A variant is the name of a channel, or a group and a number
(`messenger1`): then each clip goes through one channel of the group, drawn from a seed of the clip's name and the
variant, whatever its label. `random<k>` draws whole chains.
"""

from __future__ import annotations

import argparse
import csv
import time
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepfake_detect.detect.sound_quality import dynamics_db, high_band_db
from deepfake_detect.extract.acoustic import acoustic_frames
from deepfake_detect.extract.logmel import log_mel
from deepfake_detect.reship.audio import ACOUSTIC, CHANNELS, MESSENGER, TELEPHONE, Channel, random_channel

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "audio"
PROTOCOL = ROOT / "benchmarks" / "protocols" / "audio_folds.csv"
SAMPLE_RATE = 16_000
LONGEST = 4 * SAMPLE_RATE  # the window that a scan cuts
Floats = NDArray[np.float32]


GROUPS = {"messenger": MESSENGER, "telephone": TELEPHONE, "acoustic": ACOUSTIC}


def draw_channel(name: str, variant: str) -> tuple[Channel, np.random.Generator]:
    """The channel of clip `name` in `variant`, and the generator that goes on to draw what the channel leaves open."""
    rng = np.random.default_rng(zlib.crc32(f"{name}/{variant}".encode()))
    group = variant.rstrip("0123456789")
    if group == "random":
        return random_channel(rng), rng
    if group in GROUPS:
        return CHANNELS[GROUPS[group][int(rng.integers(len(GROUPS[group])))]], rng
    return CHANNELS[variant], rng


def degrade(samples: Floats, name: str, variant: str) -> Floats:
    """`samples` as clip `name` has them in `variant`."""
    channel, rng = draw_channel(name, variant)
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
    parser.add_argument("--encoder", type=Path, default=ROOT / "weights" / "shipped" / "whisper-base-l3.onnx")
    parser.add_argument("--variants", nargs="+", required=True)
    args = parser.parse_args()
    with args.list.open(encoding="utf-8", newline="") as handle:
        names = [row["file"] for row in csv.DictReader(handle)]
    encoder = load_encoder(args.encoder)
    target = CACHE / "features"
    target.mkdir(parents=True, exist_ok=True)
    for variant in args.variants:
        start, whole, whole_acoustic, chunks, counts, quality = time.time(), [], [], [], [], []
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
            quality.append((high_band_db(sound), dynamics_db(sound)))
        np.savez(
            target / f"{args.prefix}{variant}.npz",
            whole=np.stack(whole)[:, :, 0].astype(np.float32),
            acoustic=np.stack(whole_acoustic).astype(np.float32),
            chunks=np.concatenate(chunks),
            counts=np.array(counts),
            quality=np.array(quality, np.float32),
        )
        print(f"{args.prefix}{variant}: {len(names)} clips in {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
