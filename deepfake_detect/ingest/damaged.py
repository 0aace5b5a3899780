"""Pictures whose file is cut off or damaged: what is there is decoded, and said to be all there is."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..errors import CorruptMediaError
from ..media import Pixels
from .gaps import Gaps
from .metadata import clean
from .pixels import to_rgb

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

GET_AGAIN = "Get the complete file again from its source; keep this one as evidence."
_MIN_ROWS = 8
_END_OF_IMAGE = b"\xff\xd9"


def decoder_says(error: Exception) -> str:
    """The decoder's message as one bounded line; it may quote the file."""
    return clean(str(error), 160)


def load_rows(image: ImageFile, file: BinaryIO, reopen: Callable[[BinaryIO], ImageFile], gaps: Gaps) -> Pixels:
    """Pixels (rows, width, 3) of ``image``, whose ``load`` has just failed: the rows from the top that were decoded.

    ``reopen`` opens other bytes with the same decoder. Raises ``CorruptMediaError`` when fewer than 8 rows are there.
    """
    if image.info.get("interlace"):
        raise CorruptMediaError("the interlaced picture is damaged, so no row of it is complete", GET_AGAIN)
    try:
        rows = _rows_decoded(image)
        if rows < _MIN_ROWS and image.info.get("progressive"):
            return _finish_progressive(file, reopen, gaps)
        pixels = to_rgb(image, gaps)
    except Exception as error:  # a decoder raises whatever the bytes lead it to
        raise CorruptMediaError(f"the picture cannot be decoded: {decoder_says(error)}", GET_AGAIN) from error
    height = pixels.shape[0]
    if rows < min(_MIN_ROWS, height):
        raise CorruptMediaError(f"the picture is damaged: {rows} of {height} rows could be decoded", GET_AGAIN)
    if rows < height:
        gaps.add(f"The file is cut off or damaged: only the first {rows} of {height} rows were decoded.")
    else:
        gaps.add("The end of the file is missing or damaged; every row of the picture was there.")
    return pixels[:rows]


def _rows_decoded(image: ImageFile) -> int:
    """Decoders fill from the top memory that was zero before."""
    image.tile = []  # Pillow then shows what it has instead of decoding again
    image.load()
    stored = np.asarray(image)
    filled = np.flatnonzero(stored.reshape(stored.shape[0], -1).any(axis=1))
    return int(filled[-1]) + 1 if filled.size else 0


def _finish_progressive(file: BinaryIO, reopen: Callable[[BinaryIO], ImageFile], gaps: Gaps) -> Pixels:
    """libjpeg shows the scans of a progressive JPEG that are there once an end marker follows a whole segment."""
    file.seek(0)
    data = file.read()
    last_segment = max(data.rfind(b"\xff\xc4"), data.rfind(b"\xff\xda"))
    for end in (len(data), last_segment):
        image = reopen(io.BytesIO(data[:end] + _END_OF_IMAGE))
        try:
            image.load()
        except OSError:
            if end == last_segment:
                raise
            continue
        break
    gaps.add("The file is cut off: the picture was decoded without its finer scans; parts of it may be coarse or grey.")
    return to_rgb(image, gaps)
