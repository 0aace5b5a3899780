"""Makes tiny files of every format, and of every kind of bad file, from nothing but numbers.

Usage: python tests/media/make_media.py FOLDER

Pictures are 120 x 80: red top left quarter, green top right, blue bottom left, grey bottom right; a white bar moves
in the bottom right. Sound is a 440 Hz tone at half scale. Nothing here is anybody's work, so the files may be given
away.
"""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

WIDTH, HEIGHT, FPS, SECONDS = 120, 80, 25, 2
CORNERS = (
    (220, 30, 30),
    (30, 200, 30),
    (30, 30, 220),
    (128, 128, 128),
)  # top left, top right, bottom left, bottom right
TONE_HERTZ = 440
AV1 = "av1"
CENC = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "00112233445566778899aabbccddeeff",
    "encryption_kid": "ffeeddccbbaa99887766554433221100",
}

# name -> (kind, sniffed format) of every file that decodes.
GOOD = {
    "plain.jpg": ("image", "jpeg"), "progressive.jpg": ("image", "jpeg"), "cmyk.jpg": ("image", "jpeg"),
    "cmyk_icc.jpg": ("image", "jpeg"), "grey.jpg": ("image", "jpeg"), "plain.png": ("image", "png"),
    "alpha.png": ("image", "png"), "grey16.png": ("image", "png"), "rgb16.png": ("image", "png"),
    "palette.png": ("image", "png"), "one_pixel.png": ("image", "png"), "wide.png": ("image", "png"),
    "plain.webp": ("image", "webp"), "plain.heic": ("image", "heic"), "ten_bit.heic": ("image", "heic"),
    "plain.avif": ("image", "avif"), "plain.gif": ("image", "gif"), "plain.bmp": ("image", "bmp"),
    "plain.tif": ("image", "tiff"), "lzw16.tif": ("image", "tiff"), "pages.tif": ("image", "tiff"),
    "animated.gif": ("image", "gif"), "animated.webp": ("image", "webp"), "animated.png": ("image", "png"),
    "animated.avif": ("image", "avif"), "many_frames.gif": ("image", "gif"),
    "h264.mp4": ("video", "mp4"), "hevc.mov": ("video", "mov"), "h264.mkv": ("video", "matroska"),
    "vp9.webm": ("video", "webm"), "av1.mp4": ("video", "mp4"), "mpeg4.avi": ("video", "avi"),
    "h263.3gp": ("video", "3gp"), "hevc10.mkv": ("video", "matroska"), "silent.mp4": ("video", "mp4"),
    "variable.mp4": ("video", "mp4"), "shots.mp4": ("video", "mp4"), "one_pixel.mkv": ("video", "matroska"),
    "live.webm": ("video", "webm"), "rotated90.mp4": ("video", "mp4"), "rotated180.mp4": ("video", "mp4"),
    "rotated270.mp4": ("video", "mp4"), "long.mp4": ("video", "mp4"),
    "tone.wav": ("audio", "wav"), "tone.flac": ("audio", "flac"), "tone.mp3": ("audio", "mp3"),
    "tone.m4a": ("audio", "m4a"), "tone.aac": ("audio", "aac"), "tone.ogg": ("audio", "ogg"),
    "tone.amr": ("audio", "amr"), "tone.webm": ("audio", "webm"), "only_sound.mp4": ("audio", "mp4"),
    "cover.mp3": ("audio", "mp3"), "surround.flac": ("audio", "flac"), "opposite.wav": ("audio", "wav"),
    "twelve_channels.wav": ("audio", "wav"),
    **{f"orientation{i}.jpg": ("image", "jpeg") for i in range(1, 9)},
}  # fmt: skip

# name -> the error that opening or decoding it ends in.
BAD = {
    "empty.jpg": "EmptyMediaError", "header_only.webm": "CorruptMediaError", "no_samples.wav": "EmptyMediaError",
    "no_moov.mp4": "CorruptMediaError", "truncated.heic": "CorruptMediaError", "truncated.webp": "CorruptMediaError",
    "header_only.jpg": "CorruptMediaError", "zeros.mp4": "CorruptMediaError", "noise.mp4": "CorruptMediaError",
    "noise_inside.jpg": "CorruptMediaError",
    "text.jpg": "UnsupportedMediaError", "archive.jpg": "UnsupportedMediaError",
    "document.mp4": "UnsupportedMediaError",
    "encrypted.mp4": "EncryptedMediaError", "bomb.png": "LimitExceededError", "huge.gif": "LimitExceededError",
}  # fmt: skip

# name -> what its coverage gap must speak of: damaged, but not lost.
DAMAGED = {
    "truncated.jpg": "rows were decoded", "truncated.png": "rows were decoded",
    "truncated_progressive.jpg": "finer scans", "truncated.gif": "after frame",
    "truncated.mp4": "are in the file", "truncated.webm": "are in the file",
    "truncated.wav": "declares", "truncated.mp3": "declares", "truncated.ogg": "end mark",
    "bit_rot.mp4": "could not be decoded", "oversized_text.png": "too large",
}  # fmt: skip


def picture(step: int = 0, width: int = WIDTH, height: int = HEIGHT, shot: int = 0) -> NDArray[np.uint8]:
    """The test picture, uint8 (height, width, 3); ``step`` moves the bar, ``shot`` changes the colours."""
    image = np.empty((height, width, 3), np.uint8)
    half_y, half_x = height // 2, width // 2
    colours = [255 - np.roll(c, shot) if shot % 2 else np.roll(c, shot) for c in CORNERS]
    image[:half_y, :half_x], image[:half_y, half_x:] = colours[0], colours[1]
    image[half_y:, :half_x], image[half_y:, half_x:] = colours[2], colours[3]
    if half_x > 8:
        at = half_x + step * 2 % (half_x - 6)
        image[half_y + 4 : half_y + 12, at : at + 4] = 255
    return image


def tone(rate: int, seconds: float, channels: int = 2) -> NDArray[np.float32]:
    """float32 (channels, n) in [-0.5, 0.5]."""
    wave = 0.5 * np.sin(2 * np.pi * TONE_HERTZ * np.arange(round(rate * seconds)) / rate)
    return np.tile(wave.astype(np.float32), (channels, 1))


def write(
    path: Path, video: str | None = None, audio: str | None = None, *, pix_fmt: str = "yuv420p",
    frames: int = FPS * SECONDS, size: tuple[int, int] = (WIDTH, HEIGHT), rate: int = 48_000, layout: str = "stereo",
    sound: NDArray[np.float32] | None = None,
    turn: int | None = None, shots: int = 1, gop: int = 25, milliseconds: Callable[[int], int] | None = None,
    format_: str | None = None, mux: dict[str, str] | None = None, options: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """Encode the moving test picture and the tone."""
    with av.open(str(path), "w", format=format_, options=mux or {}) as container:
        v = a = None
        if video:
            v = container.add_stream(video, rate=FPS, options={"threads": "1", **(options or {})})
            v.width, v.height, v.pix_fmt, v.codec_context.gop_size = *size, pix_fmt, gop
            if milliseconds:
                v.codec_context.time_base = Fraction(1, 1000)
            if turn is not None:
                v.set_display_rotation(turn)
        if audio:
            a = container.add_stream(audio, rate=rate, layout=layout)
        if v is not None:
            for i in range(frames):
                frame = av.VideoFrame.from_ndarray(picture(i, *size, shot=i * shots // frames), format="rgb24")
                if milliseconds:
                    frame.pts, frame.time_base = milliseconds(i), Fraction(1, 1000)
                container.mux(v.encode(frame))
            container.mux(v.encode())
        if a is not None:
            channels = a.codec_context.channels
            samples = tone(rate, frames / FPS, channels) if sound is None else sound
            for at in range(0, samples.shape[1], 1024):
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, at : at + 1024]), "fltp", layout)
                frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
                container.mux(a.encode(frame))
            container.mux(a.encode())


def make_pictures(folder: Path) -> None:
    """Stills of every format, depth and colour model."""
    rgb = picture()
    image = Image.fromarray(rgb)
    image.save(folder / "plain.jpg", quality=83)
    image.save(folder / "progressive.jpg", quality=90, progressive=True)
    image.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.convert("CMYK").save(
        folder / "cmyk_icc.jpg", quality=95, icc_profile=srgb
    )  # a wrong profile must not lose it
    image.convert("L").save(folder / "grey.jpg")
    for name in ("plain.png", "plain.webp", "plain.avif", "plain.gif", "plain.bmp", "plain.tif"):
        image.save(folder / name, **({"quality": 90} if name.endswith(("webp", "avif")) else {}))
    pillow_heif.from_pillow(image).save(folder / "plain.heic", quality=90)
    deep = rgb.astype(np.uint16) << 8
    pillow_heif.from_bytes("RGB;16", (WIDTH, HEIGHT), deep.tobytes()).save(folder / "ten_bit.heic", quality=90)
    alpha = image.convert("RGBA")
    alpha.putalpha(
        Image.fromarray(np.where(np.arange(WIDTH) < WIDTH // 2, 255, 0).astype(np.uint8)[None].repeat(HEIGHT, 0))
    )
    alpha.save(folder / "alpha.png")
    ramp = np.linspace(0, 65535, WIDTH, dtype=np.uint16)[None].repeat(HEIGHT, 0)
    Image.fromarray(ramp).save(folder / "grey16.png")
    Image.fromarray(ramp).save(folder / "lzw16.tif", compression="tiff_lzw")
    (folder / "rgb16.png").write_bytes(png_rgb16(rgb))
    image.quantize(16).save(folder / "palette.png")
    Image.fromarray(rgb[:1, :1]).save(folder / "one_pixel.png")
    Image.new("RGB", (20_000, 64), (10, 200, 30)).save(folder / "wide.png")
    image.save(folder / "pages.tif", save_all=True, append_images=[image, image])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(folder / f"orientation{orientation}.jpg", exif=exif, quality=95)


def png_rgb16(rgb: NDArray[np.uint8]) -> bytes:
    """A 16 bit RGB PNG, which Pillow does not write."""
    rows = b"".join(b"\0" + (row.astype(">u2") * 257).astype(">u2").tobytes() for row in rgb)
    header = struct.pack(">IIBBBBB", rgb.shape[1], rgb.shape[0], 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_animations(folder: Path) -> None:
    """40 frames of 50 ms, and 600 frames of 20 ms."""
    frames = [Image.fromarray(picture(i)) for i in range(40)]
    for suffix in ("gif", "webp", "png", "avif"):
        frames[0].save(folder / f"animated.{suffix}", save_all=True, append_images=frames[1:], duration=50)
    small = [Image.fromarray(picture(i, 24, 16)) for i in range(600)]
    small[0].save(folder / "many_frames.gif", save_all=True, append_images=small[1:], duration=20)


def make_videos(folder: Path) -> None:
    """Every container and codec, and what phones and screen recorders do with them."""
    write(folder / "h264.mp4", "libx264", "aac")
    write(folder / "h264.mkv", "libx264", "flac", rate=44_100)
    write(folder / "hevc.mov", "libx265", "aac", options={"x265-params": "log-level=none"})
    write(folder / "hevc10.mkv", "libx265", pix_fmt="yuv420p10le", options={"x265-params": "log-level=none"})
    write(folder / "vp9.webm", "libvpx-vp9", "libopus")
    subprocess.run([sys.executable, __file__, AV1, folder / "av1.mp4"], check=True)
    write(folder / "mpeg4.avi", "mpeg4", "libmp3lame")
    write(folder / "h263.3gp", "h263", "libopencore_amrnb", size=(176, 144), rate=8000, layout="mono")
    write(folder / "silent.mp4", "libx264")
    write(folder / "variable.mp4", "libx264", milliseconds=lambda i: i * 33 + i // 7 * 120)
    write(folder / "shots.mp4", "libx264", frames=250, shots=8)
    write(folder / "one_pixel.mkv", "ffv1", pix_fmt="gray", size=(1, 1), frames=3)
    write(folder / "live.webm", "libvpx-vp9", "libopus", mux={"live": "1"})  # no duration, as browsers record
    for turn in (90, 180, 270):
        write(folder / f"rotated{turn}.mp4", "libx264", turn=turn)
    write(
        folder / "long.mp4",
        "libx264",
        "aac",
        frames=25 * 200,
        gop=50,
        rate=16_000,
        layout="mono",
        options={"preset": "ultrafast"},
    )


def make_sounds(folder: Path) -> None:
    """Every audio container, a cover picture, six channels, and channels that cancel."""
    write(folder / "tone.wav", audio="pcm_s16le", rate=44_100)
    write(folder / "tone.flac", audio="flac", rate=44_100)
    write(folder / "tone.mp3", audio="libmp3lame", rate=44_100)
    write(folder / "tone.m4a", audio="aac")
    write(folder / "tone.aac", audio="aac", format_="adts")
    write(folder / "tone.ogg", audio="libopus")
    write(folder / "tone.amr", audio="libopencore_amrnb", rate=8000, layout="mono")
    write(folder / "tone.webm", audio="libopus")
    write(folder / "only_sound.mp4", audio="aac")
    write(folder / "surround.flac", audio="flac", layout="5.1")
    twelve = np.tile(tone(48_000, SECONDS, 1)[0], (12, 1)).T * 32767
    (folder / "twelve_channels.wav").write_bytes(wav(twelve.astype("<i2").tobytes(), channels=12, rate=48_000))
    wave = tone(16_000, SECONDS)
    write(folder / "opposite.wav", audio="pcm_s16le", rate=16_000, sound=wave * np.array([[1], [-1]], np.float32))
    jpeg = io.BytesIO()
    Image.fromarray(picture()).save(jpeg, "JPEG")
    apic = b"\0image/jpeg\0\x03\0" + jpeg.getvalue()
    frame = b"APIC" + struct.pack(">I", len(apic)) + b"\0\0" + apic
    size = len(frame)
    tag = b"ID3\x03\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    (folder / "cover.mp3").write_bytes(tag + frame + (folder / "tone.mp3").read_bytes())


def wav(samples: bytes, channels: int, rate: int) -> bytes:
    """A WAV file of 16 bit samples."""
    header = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body = b"WAVE" + header + struct.pack("<4sI", b"data", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def make_bad(folder: Path) -> None:
    """Files that end in one clear error."""
    noise = np.random.default_rng(7).integers(0, 256, 20_000, dtype=np.uint8).tobytes()
    (folder / "empty.jpg").touch()
    webm = (folder / "vp9.webm").read_bytes()
    (folder / "header_only.webm").write_bytes(webm[: webm.find(b"\x1f\x43\xb6\x75")])  # up to the first cluster
    wav = (folder / "tone.wav").read_bytes()
    data = wav.find(b"data")
    (folder / "no_samples.wav").write_bytes(
        b"RIFF" + struct.pack("<I", data) + wav[8 : data + 4] + struct.pack("<I", 0)
    )
    cut(folder, "h264.mp4", "no_moov.mp4", 0.6)
    cut(folder, "plain.heic", "truncated.heic", 0.6)
    cut(folder, "plain.webp", "truncated.webp", 0.6)
    cut(folder, "plain.jpg", "header_only.jpg", 0.05)
    (folder / "zeros.mp4").write_bytes(bytes(10_000))
    (folder / "noise.mp4").write_bytes((folder / "h264.mp4").read_bytes()[:32] + noise)
    jpeg = (folder / "plain.jpg").read_bytes()
    (folder / "noise_inside.jpg").write_bytes(jpeg[: jpeg.find(b"\xff\xdb") + 6] + noise)
    (folder / "text.jpg").write_text("This is a letter, not a picture.\n" * 50)
    (folder / "archive.jpg").write_bytes(b"PK\x03\x04" + noise)
    (folder / "document.mp4").write_bytes(b"%PDF-1.7\n" + noise)
    write(folder / "encrypted.mp4", "libx264", "aac", mux=CENC)
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    (folder / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    gif = bytearray((folder / "plain.gif").read_bytes())
    at = gif.find(b"\x2c\0\0\0\0", 13)
    gif[6:10] = struct.pack("<HH", 50_000, 50_000)
    gif[at + 5 : at + 9] = struct.pack("<HH", 50_000, 50_000)
    (folder / "huge.gif").write_bytes(gif)


def make_damaged(folder: Path) -> None:
    """Files of which a part is left."""
    cut(folder, "plain.jpg", "truncated.jpg", 0.7)
    cut(folder, "progressive.jpg", "truncated_progressive.jpg", 0.7)
    rough = np.random.default_rng(7).integers(1, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(rough).save(folder / "rough.png")
    cut(folder, "rough.png", "truncated.png", 0.6)
    (folder / "rough.png").unlink()
    cut(folder, "animated.gif", "truncated.gif", 0.6)
    write(folder / "fast.mp4", "libx264", "aac", mux={"movflags": "faststart"}, options={"crf": "5"})
    cut(folder, "fast.mp4", "truncated.mp4", 0.7)
    cut(folder, "vp9.webm", "truncated.webm", 0.6)
    for suffix in ("wav", "mp3", "ogg"):
        cut(folder, f"tone.{suffix}", f"truncated.{suffix}", 0.6)
    rotten = bytearray((folder / "fast.mp4").read_bytes())
    start = rotten.find(b"mdat") + 4
    rng = np.random.default_rng(7)
    for at in rng.integers(start, len(rotten), 400):
        rotten[at] = rng.integers(0, 256)
    (folder / "bit_rot.mp4").write_bytes(rotten)
    (folder / "fast.mp4").unlink()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "x" * (8 << 20), zip=True)
    Image.fromarray(picture()).save(folder / "oversized_text.png", pnginfo=text)


def cut(folder: Path, source: str, target: str, share: float) -> None:
    """Keep the first ``share`` of a file."""
    data = (folder / source).read_bytes()
    (folder / target).write_bytes(data[: int(len(data) * share)])


def build(folder: Path) -> None:
    """Make everything in ``GOOD``, ``BAD`` and ``DAMAGED``."""
    folder.mkdir(parents=True, exist_ok=True)
    for make in (make_pictures, make_animations, make_videos, make_sounds, make_bad, make_damaged):
        make(folder)


def make_av1(path: Path) -> None:
    """Call this in a process of its own: SVT-AV1, run by root, turns its process into a real-time one (SCHED_FIFO, 99),
    and whatever is started from it afterwards; a few threads of that kind bring the whole machine to a stop.
    """
    write(path, "libsvtav1", "aac", options={"svtav1-params": "lp=1", "preset": "12"})


if __name__ == "__main__":
    if sys.argv[1] == AV1:
        make_av1(Path(sys.argv[2]))
    else:
        build(Path(sys.argv[1]))
