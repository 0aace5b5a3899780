"""The media that `benchmarks/speed.py` measures on, made from `samples/` alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
RATE = 16_000
FPS = 25


def portrait() -> NDArray[np.uint8]:
    """The sample's portrait, RGB."""
    return np.asarray(cv2.cvtColor(cv2.imread(str(SAMPLES / "portrait.jpg")), cv2.COLOR_BGR2RGB), np.uint8)


def speech(seconds: float) -> NDArray[np.float32]:
    """The sample's speech over and over, mono at 16 kHz."""
    with av.open(str(SAMPLES / "speech.flac")) as container:
        resampler = av.AudioResampler("flt", "mono", RATE)
        parts = [r.to_ndarray()[0] for f in container.decode(audio=0) for r in resampler.resample(f)]
    return np.resize(np.concatenate(parts), int(seconds * RATE)).astype(np.float32)


def sound(path: Path, seconds: float, gain: float = 1.0) -> Path:
    """FLAC."""
    with av.open(str(path), "w") as container:
        _sound(container, container.add_stream("flac", rate=RATE, layout="mono"), speech(seconds) * gain, "s16")
    return path


def _sound(container: Any, stream: Any, samples: NDArray[np.float32], form: str) -> None:
    """Encode in frames of 1,024 samples."""
    for start in range(0, len(samples), 1024):
        piece = samples[None, start : start + 1024]
        piece = (piece * 32767).astype(np.int16) if form == "s16" else np.ascontiguousarray(piece)
        frame = av.AudioFrame.from_ndarray(piece, format=form, layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def video(path: Path, width: int, height: int, seconds: float) -> Path:
    """H.264 and AAC: a slow move over the portrait, whose face fills a third of the height."""
    side = round(height * 1.3)
    still = cv2.resize(portrait(), (side, side), interpolation=cv2.INTER_AREA)
    still = cv2.copyMakeBorder(still, 0, 0, width, width, cv2.BORDER_REPLICATE)
    room = still.shape[0] - height
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=FPS, options={"crf": "23", "preset": "veryfast"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        heard = container.add_stream("aac", rate=RATE, layout="mono")
        for i in range(int(seconds * FPS)):
            share = i / (seconds * FPS)
            x, y = round(width * (0.6 + 0.2 * share)), round(room * share)
            frame = np.ascontiguousarray(still[y : y + height, x : x + width])
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(pictures.encode(None))
        _sound(container, heard, speech(seconds), "fltp")
    return path


def small_pictures(folder: Path, count: int) -> Path:
    """Different pictures of 200 x 150 without a face."""
    folder.mkdir(parents=True)
    for i in range(count):
        noise = np.random.default_rng(i).integers(0, 255, (12, 16, 3), np.uint8)
        cv2.imwrite(str(folder / f"{i:05}.jpg"), cv2.resize(noise, (200, 150), interpolation=cv2.INTER_CUBIC))
    return folder


def mixed(folder: Path, count: int) -> Path:
    """Of 20 files 15 are pictures of 1280 x 960, nearly all with a face, 3 are 8 s of speech, 2 are 4 s of 360p."""
    folder.mkdir(parents=True)
    face = cv2.cvtColor(portrait(), cv2.COLOR_RGB2BGR)
    for i in range(count):
        kind = i % 20
        if kind < 15:
            shifted = np.roll(cv2.resize(face, (1280, 960)), 7 * i, axis=1)
            cv2.imwrite(str(folder / f"{i:05}.jpg"), shifted, [cv2.IMWRITE_JPEG_QUALITY, 80 + i % 15])
        elif kind < 18:
            sound(folder / f"{i:05}.flac", 8, 0.5 + 0.4 * i / count)
        else:
            video(folder / f"{i:05}.mp4", 640, 360, 4 + i / count)
    return folder
