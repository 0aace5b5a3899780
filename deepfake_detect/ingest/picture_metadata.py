"""What the header of a picture tells beside its size: metadata, orientation, bit depth, pictures that stay
undecoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from .gaps import Gaps
from .limits import Limits
from .metadata import Metadata
from .png import png_text

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_ORIENTATION, _TIFF_BITS = 0x0112, 258
_PNG_XMP = "XML:com.adobe.xmp"


def read_metadata(
    image: ImageFile, file: BinaryIO, format_: str, limits: Limits, gaps: Gaps
) -> tuple[dict[str, str], int | None]:
    """``namespace:key`` -> value, and the EXIF orientation (1..8) or None. Damage becomes a gap, never an error."""
    metadata = Metadata(limits, gaps)
    value = None
    try:
        if (
            format_ != "png" or "exif" in image.info
        ):  # of a PNG without it, Pillow would decode all pixels to look behind them
            exif: Any = image.getexif() or {}
            value = exif.get(_ORIENTATION)
            metadata.add_exif(exif)
    except Exception:  # Pillow's EXIF reader raises whatever the bytes lead it to
        gaps.add("The EXIF data is damaged and was not read.")
    xmp = image.info.get("xmp")
    if isinstance(xmp, bytes | str) and format_ != "png":
        metadata.add_xmp(xmp)
    _add_iptc(image, format_, metadata, gaps)
    if format_ == "png":
        _add_png_text(file, limits, metadata, gaps)
    elif image.info.get("comment"):
        metadata.add(format_, "comment", image.info["comment"])
    return metadata.values, int(value) if isinstance(value, int) and 1 <= value <= 8 else None


def _add_iptc(image: ImageFile, format_: str, metadata: Metadata, gaps: Gaps) -> None:
    if format_ not in ("jpeg", "tiff"):
        return
    from PIL import IptcImagePlugin

    try:
        records: Any = IptcImagePlugin.getiptcinfo(image)
    except Exception:  # as above
        gaps.add("The IPTC data is damaged and was not read.")
        return
    metadata.add_iptc(records or {})


def _add_png_text(file: BinaryIO, limits: Limits, metadata: Metadata, gaps: Gaps) -> None:
    for keyword, text in png_text(file, limits):
        if text is None:
            gaps.add(f"A text chunk of the PNG is too large or damaged and was not read ({keyword[:40]!r}).")
        elif keyword == _PNG_XMP:
            metadata.add_xmp(text)
        else:
            metadata.add("png", keyword, text)


def bit_depth(image: ImageFile, format_: str) -> int | None:
    """Bits a channel as stored, or None if the decoder does not tell."""
    if format_ == "png":
        image.fp.seek(24)  # type: ignore[union-attr]  # IHDR: width, height, bit depth
        return image.fp.read(1)[0]  # type: ignore[union-attr]
    if format_ == "tiff":
        bits = image.tag_v2.get(_TIFF_BITS, 1)  # type: ignore[attr-defined]
        return int(bits[0] if isinstance(bits, tuple) else bits)
    if format_ == "heic":
        return int(image.info["bit_depth"])
    return None if format_ == "avif" else 8


def undecoded_parts(image: ImageFile, format_: str, gaps: Gaps) -> None:
    """Note further pictures in the file: pages, depth maps, the other pictures of a multi-picture JPEG."""
    if format_ == "jpeg" and "mp" in image.info:
        gaps.add("The file holds further pictures (a multi-picture JPEG); only the main one was decoded.")
    if format_ in ("tiff", "heic"):
        try:
            count = int(getattr(image, "n_frames", 1))
        except Exception:  # as above
            gaps.add("The list of further pictures in the file is damaged; only the first was decoded.")
            return
        if count > 1:
            gaps.add(f"The file holds {count} pictures; only the main one was decoded.")
