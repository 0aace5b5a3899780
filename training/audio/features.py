"""Cache what the head is trained and measured on: statistics of the pieces and of the window of a clip, by channel.

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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_detect.detect.synthetic_voice import window_inputs
from deepfake_detect.quiet_onnx import load_onnxruntime
from deepfake_detect.reship.audio import ACOUSTIC, CHANNELS, MESSENGER, TELEPHONE, Channel, random_channel

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "audio"
PROTOCOL = ROOT / "benchmarks" / "protocols" / "audio_folds.csv"
SAMPLE_RATE = 16_000
PIECE = 25  # encoder frames, 0.5 s
LONGEST = 4 * SAMPLE_RATE  # the window that a scan cuts
LIST_HELP = "`file`, relative to --data; a copy has a column `original`, too, whose channels it goes through"
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


def read(data: Path, file: str) -> Floats:
    """The first 4 s of a clip without their mean."""
    import soundfile

    samples, _ = soundfile.read(data / file, dtype="float32")
    samples = samples[:LONGEST]
    return np.asarray(samples - samples.mean(), np.float32)


def load_encoder(path: Path) -> Any:
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def piece_statistics(frames: Floats, width: int) -> Floats:
    """Mean, deviation and root mean square of the frame-to-frame step, one piece after the other: [n, 3 x features]."""
    if len(frames) < width:
        frames = np.pad(frames, ((0, width - len(frames)), (0, 0)), mode="edge")
    view = np.lib.stride_tricks.sliding_window_view(frames, width, axis=0)[::width]
    steps = np.diff(view, axis=2)
    return np.concatenate([view.mean(axis=2), view.std(axis=2), np.sqrt(np.mean(steps**2, axis=2))], axis=1)


def describe(sound: Floats, encoder: Any) -> dict[str, NDArray[Any]]:
    """Piece statistics, their mean, window statistics and measured quality of one clip, from what a scan feeds."""
    inputs = window_inputs(sound)
    layers = encoder.run(None, {"mel": inputs.mel[None]})[0][0]
    parts = [piece_statistics(layer, PIECE) for layer in layers]
    parts.append(piece_statistics(inputs.acoustic, PIECE * 2))
    pieces = np.concatenate(parts, axis=1)
    return {
        "pieces": pieces.astype(np.float16),
        "mean": pieces.mean(axis=0),
        "window": inputs.window,
        "quality": np.array((inputs.high_band_db, inputs.dynamics_db), np.float32),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--list", type=Path, default=PROTOCOL, help=f"CSV, default {PROTOCOL.name}: {LIST_HELP}")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--encoder", type=Path, default=ROOT / "weights" / "shipped" / "whisper-base-l3.onnx")
    parser.add_argument("--variants", nargs="+", required=True)
    args = parser.parse_args()
    with args.list.open(encoding="utf-8", newline="") as handle:
        names = [(row["file"], row.get("original", row["file"])) for row in csv.DictReader(handle)]
    encoder = load_encoder(args.encoder)
    target = CACHE / "features"
    target.mkdir(parents=True, exist_ok=True)
    for variant in args.variants:
        start = time.time()
        rows = [describe(degrade(read(args.data, file), drawn, variant), encoder) for file, drawn in names]
        np.savez(
            target / f"{args.prefix}{variant}.npz",
            chunks=np.concatenate([row["pieces"] for row in rows]),
            counts=np.array([len(row["pieces"]) for row in rows]),
            means=np.stack([row["mean"] for row in rows]),
            window=np.stack([row["window"] for row in rows]),
            quality=np.stack([row["quality"] for row in rows]),
        )
        print(f"{args.prefix}{variant}: {len(names)} clips in {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
