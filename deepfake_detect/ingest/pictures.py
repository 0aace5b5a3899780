"""Stills and animations, decoded by Pillow's plug-ins, each called by name: no global registry, no global setting
is touched.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..errors import CorruptMediaError, IngestError, LimitExceededError
from ..media import ContainerFacts, Frame, MediaKind, Pixels, SamplingPlan, StreamFacts
from .damaged import GET_AGAIN, decoder_says, load_rows
from .gaps import Gaps
from .jpeg import jpeg_tables
from .limits import Limits
from .picture_metadata import bit_depth, read_metadata, undecoded_parts
from .pixels import to_rgb
from .png import without_text
from .sniff import Sniffed

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_PLUGINS = {
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "heic": ("pillow_heif", "HeifImageFile"),
}
_ANIMATED = {"png", "gif", "webp", "avif"}
_TURNED_BY_DECODER = {"tiff", "heic"}
_DEFAULT_FRAME_MS = 100.0  # what browsers show for a GIF frame that declares no duration

# EXIF orientation (CIPA DC-008, 4.6.4) -> the turn that shows the picture upright.
_UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


class PictureReader:
    """One picture file: ``facts`` from its header, pixels from ``decode``. Raises ``IngestError`` subclasses."""

    kind = MediaKind.IMAGE

    def __init__(self, file: BinaryIO, sniffed: Sniffed, limits: Limits) -> None:
        self._file, self._sniffed, self._limits = file, sniffed, limits
        limits.check_picture_bytes(file.seek(0, os.SEEK_END))
        self._strip_text = False
        image = self._open()
        limits.check_pixels(*image.size)
        self.open_gaps, self.decode_gaps = Gaps(), Gaps()
        self._frames = self._count_frames(image)
        metadata, orientation = read_metadata(image, file, sniffed.format, limits, self.open_gaps)
        undecoded_parts(image, sniffed.format, self.open_gaps)
        self._turn = None if sniffed.format in _TURNED_BY_DECODER else _UPRIGHT.get(orientation or 1)
        self.facts = self._facts(image, metadata, orientation)

    def _open(self, file: BinaryIO | None = None) -> ImageFile:
        module, name = _PLUGINS[self._sniffed.format]
        source = file or (without_text(self._file) if self._strip_text else self._file)
        source.seek(0)
        try:
            image: ImageFile = getattr(import_module(module), name)(source)
        except Exception as error:  # a decoder raises whatever the bytes lead it to
            if self._sniffed.format == "png" and isinstance(error, ValueError) and not self._strip_text:
                self._strip_text = True  # refused for an oversized text chunk; the pixels may be fine
                return self._open()
            raise self._unreadable(error) from error
        return image

    def _unreadable(self, error: Exception) -> IngestError:
        from PIL import Image

        says = decoder_says(error)
        if isinstance(error, Image.DecompressionBombError):
            return LimitExceededError(
                f"the decoder refuses a picture of this size: {says}", "Convert a part of it first."
            )
        return CorruptMediaError(f"the {self._sniffed.format.upper()} header cannot be read: {says}", GET_AGAIN)

    def _count_frames(self, image: ImageFile) -> int:
        if self._sniffed.format not in _ANIMATED:
            return 1
        try:
            count = int(getattr(image, "n_frames", 1))
        except Exception:  # the last frame of a damaged animation; those before it decode
            count = self._frames_before_damage()
            self.open_gaps.add(f"The animation is cut off or damaged after frame {count}.")
        self._limits.check_frames(count)
        return max(count, 1)

    def _frames_before_damage(self) -> int:
        image = self._open()
        for count in range(self._limits.max_frames + 1):
            try:
                image.seek(count)
            except Exception:  # as above
                return count
        return self._limits.max_frames + 1

    def _facts(self, image: ImageFile, metadata: dict[str, str], orientation: int | None) -> ContainerFacts:
        width, height = image.size
        codec, sideways = self._sniffed.format, self._turn is not None and (orientation or 1) >= 5
        quantization = getattr(image, "quantization", None) if codec == "jpeg" else None
        stream = StreamFacts(
            "image", codec, width=width, height=height, pixel_format=image.mode, bit_depth=bit_depth(image, codec)
        )
        return ContainerFacts(
            format=codec,
            mime=self._sniffed.mime,
            width=height if sideways else width,
            height=width if sideways else height,
            frames=self._frames,
            orientation=orientation,
            streams=(stream,),
            jpeg=jpeg_tables(quantization) if quantization else None,
            metadata=metadata,
        )

    def decode(self, plan: SamplingPlan) -> Iterator[Frame]:
        """The picture, or evenly spread frames of an animation. Raises ``CorruptMediaError`` if nothing decodes."""
        self.decode_gaps = Gaps()
        image = self._open()
        if self._frames > 1:
            yield from self._decode_animation(image, plan)
            return
        try:
            image.load()
            pixels = to_rgb(image, self.decode_gaps)
        except MemoryError:
            raise
        except Exception:  # as above
            pixels = load_rows(image, self._file, self._open, self.decode_gaps)
        yield Frame(0.0, self._upright(pixels), new_shot=True)

    def _decode_animation(self, image: ImageFile, plan: SamplingPlan) -> Iterator[Frame]:
        step = max(self._frames / plan.max_frames, 1.0)
        period = 1 / plan.fps if plan.fps else 0.0
        time, sent = 0.0, 0
        for index in range(self._frames):
            try:
                image.seek(index)
                image.load()
                duration = float(image.info.get("duration") or _DEFAULT_FRAME_MS) / 1000
                due = sent < plan.max_frames and index >= sent * step - 1e-9 and time >= sent * period - 1e-9
                pixels = to_rgb(image, self.decode_gaps) if due else None
            except Exception as error:  # as above
                if not sent:
                    raise CorruptMediaError(
                        f"the animation cannot be decoded: {decoder_says(error)}", GET_AGAIN
                    ) from error
                self.decode_gaps.add(f"The animation is damaged after frame {index} of {self._frames}.")
                return
            if pixels is not None:
                yield Frame(time, self._upright(pixels), new_shot=sent == 0)
                sent += 1
            time += duration
        if sent < self._frames:
            self.decode_gaps.add(f"{sent} of {self._frames} frames of the animation were looked at.")

    def _upright(self, pixels: Pixels) -> Pixels:
        return np.ascontiguousarray(self._turn(pixels)) if self._turn else pixels
