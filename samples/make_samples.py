"""Make the files of this folder.

    python samples/make_samples.py jfk.wav

``jfk.wav``: 11 s of the inaugural address of 1961, ``whisper.cpp/samples/jfk.wav`` in the source distribution of the
PyPI package pywhispercpp 1.5.1. Needs scikit-image (for its astronaut photograph) and the program espeak-ng.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent / "training" / "visual"))

import blending  # noqa: E402

from deepfake_detect.checkpoints import WeightStore  # noqa: E402
from deepfake_detect.extract import FaceFinder  # noqa: E402
from deepfake_detect.media import Frame  # noqa: E402

SEED = 7
FRAME_RATE = 25
SECONDS = 6
SIZE = (480, 480)
SENTENCE = (
    "Hello, this is a message for you. Please call me back before five o'clock this afternoon, "
    "because I need to know what you have decided about the money."
)


def portrait() -> NDArray[np.uint8]:
    """Eileen Collins in 1999 (NASA, public domain), 512 x 512."""
    from skimage.data import astronaut

    return np.asarray(astronaut(), np.uint8)


def replace_face(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same picture with its face rebuilt at low resolution, turned and pasted back: the project's own blending."""
    (faces,) = FaceFinder(WeightStore()).find([Frame(0.0, pixels)], 1280)
    rng = np.random.default_rng(SEED)
    return np.asarray(blending.resynthesise(pixels, faces[0].landmarks, rng, "face").pixels, np.uint8)


def replace_body(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same picture, mirrored and cropped, part of its clothing painted over from around it; the face untouched."""
    import cv2

    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.ellipse(mask, (215, 400), (120, 90), 0, 0, 360, 255, -1)
    painted = cv2.inpaint(pixels, mask, 5, cv2.INPAINT_TELEA)
    return np.asarray(painted[16:, 24:][:, ::-1], np.uint8)


def moving(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """A slow pan and zoom over a picture."""
    image = Image.fromarray(pixels)
    count = FRAME_RATE * SECONDS
    for i in range(count):
        t = i / count
        side = 480 - 40 * t
        left, top = 16 + 24 * np.sin(3 * t), 4 + 8 * t
        box = (left, top, left + side, top + side)
        yield np.asarray(image.resize(SIZE, Image.Resampling.BICUBIC, box=box), np.uint8)


def write_video(path: Path, frames: Iterator[NDArray[np.uint8]], speech: Path) -> None:
    """H.264 and AAC in an mp4."""
    with av.open(str(path), "w") as container, av.open(str(speech)) as sound:
        video = container.add_stream("libx264", rate=FRAME_RATE, options={"crf": "23"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = container.add_stream("aac", rate=48_000)
        resampler = av.AudioResampler("fltp", "mono", 48_000)
        for pixels in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode())
        for decoded in sound.decode(audio=0):
            if decoded.time >= SECONDS:
                break
            for frame in resampler.resample(decoded):
                frame.pts, frame.time_base = None, Fraction(1, 48_000)
                container.mux(audio.encode(frame))
        container.mux(audio.encode())


def write_sound(path: Path, source: Path, codec: str, **options: str) -> None:
    """Re-encode a wav file."""
    with av.open(str(path), "w") as container, av.open(str(source)) as sound:
        stream = container.add_stream(codec, rate=16_000, options=options)
        stream.layout = "mono"
        resampler = av.AudioResampler("s16" if codec == "flac" else "flt", "mono", 16_000)
        for decoded in sound.decode(audio=0):
            for frame in resampler.resample(decoded):
                frame.pts = None
                container.mux(stream.encode(frame))
        container.mux(stream.encode())


def main(address: Path) -> None:
    """Write every sample."""
    real = portrait()
    altered = replace_face(real)
    Image.fromarray(real).save(FOLDER / "portrait.jpg", quality=92)
    Image.fromarray(altered).save(FOLDER / "portrait-face-altered.jpg", quality=92)
    Image.fromarray(replace_body(real)).save(FOLDER / "portrait-body-altered.jpg", quality=85)
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "espeak.wav"
        subprocess.run(["espeak-ng", "-v", "en-gb", "-w", str(spoken), SENTENCE], check=True)
        write_sound(FOLDER / "speech.flac", address, "flac")
        write_sound(FOLDER / "speech-espeak.opus", spoken, "libopus", b="32000")
        write_video(FOLDER / "clip.mp4", moving(real), address)
        write_video(FOLDER / "clip-face-altered.mp4", moving(altered), spoken)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
