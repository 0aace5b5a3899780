"""What a file is, from its first bytes. Names and extensions are never looked at.

Signatures: ISO/IEC 14496-12 (ftyp), RFC 9559 (EBML, Matroska), RFC 2649/2361 (RIFF), RFC 3533 (Ogg), RFC 4867 (AMR),
ISO/IEC 11172-3 and 13818-7 (MPEG audio and ADTS headers), id3.org (ID3v2), and the specifications of the picture
formats.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import CorruptMediaError, EmptyMediaError, IngestError, UnsupportedMediaError

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Sniffed:
    """``format``: a short name (``jpeg``, ``mp4``, ``ogg``). ``demuxer``: libav's name for it, None for pictures."""

    format: str
    mime: str
    demuxer: str | None = None


_PICTURES = {
    "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp", "bmp": "image/bmp",
    "tiff": "image/tiff", "heic": "image/heic", "avif": "image/avif",
}  # fmt: skip
_CONTAINERS = {
    "mp4": ("video/mp4", "mp4"), "mov": ("video/quicktime", "mov"), "3gp": ("video/3gpp", "3gp"),
    "m4a": ("audio/mp4", "m4a"), "matroska": ("video/x-matroska", "matroska"), "webm": ("video/webm", "matroska"),
    "avi": ("video/x-msvideo", "avi"), "wav": ("audio/wav", "wav"), "flac": ("audio/flac", "flac"),
    "mp3": ("audio/mpeg", "mp3"), "aac": ("audio/aac", "aac"), "ogg": ("audio/ogg", "ogg"),
    "amr": ("audio/amr", "amr"),
}  # fmt: skip

_PREFIXES = (
    (b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"), (b"GIF89a", "gif"), (b"fLaC", "flac"),
    (b"II*\0", "tiff"), (b"MM\0*", "tiff"), (b"II+\0", "tiff"), (b"MM\0+", "tiff"), (b"OggS", "ogg"),
    (b"#!AMR\n", "amr"), (b"#!AMR-WB\n", "amr"),
)  # fmt: skip
_RIFF = {b"WAVE": "wav", b"AVI ": "avi", b"WEBP": "webp"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}

# What people often hand in by mistake: (prefix, what it is, what to do).
_KNOWN_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive or an office document", "Unpack it, and scan the pictures and recordings inside."),
    (b"PK\x05\x06", "an empty ZIP archive", "Unpack it, and scan the pictures and recordings inside."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it, and scan the pictures and recordings inside."),
    (b"Rar!\x1a\x07", "a RAR archive", "Unpack it, and scan the pictures and recordings inside."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it, and scan the pictures and recordings inside."),
    (b"%PDF", "a PDF document", "Extract its pictures (`pdfimages -all`) and scan those."),
    (
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        "a Windows Media (ASF) file",
        "Convert it losslessly first, and keep the original.",
    ),
    (b"FLV\x01", "a Flash video", "Repack it first (`ffmpeg -i IN -c copy OUT.mkv`), and keep the original."),
    (b"\x00\x00\x00\x0cJXL \r\n", "a JPEG XL picture", "Convert it to PNG first, and keep the original."),
    (b"\xff\x0a", "a JPEG XL picture", "Convert it to PNG first, and keep the original."),
    (b"\x00\x00\x00\x0cjP  \r\n", "a JPEG 2000 picture", "Convert it to PNG first, and keep the original."),
    (b"8BPS", "a Photoshop document", "Export it as PNG or TIFF first, and keep the original."),
    (b"<svg", "an SVG drawing", "Only pictures, videos and sound are scanned."),
    (b"<?xml", "an XML text", "Only pictures, videos and sound are scanned."),
    (b"<!doctype", "a web page", "Save the picture or video itself, not the page that shows it."),
    (b"<html", "a web page", "Save the picture or video itself, not the page that shows it."),
    (b"\x7fELF", "a program", "Only pictures, videos and sound are scanned."),
    (b"MZ", "a Windows program", "Only pictures, videos and sound are scanned."),
)


def sniff(file: BinaryIO) -> Sniffed:
    """Name the format. Raises ``EmptyMediaError``, ``CorruptMediaError`` or ``UnsupportedMediaError``."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if not head:
        raise EmptyMediaError("the file is empty (0 bytes)", "Get the file again from its source.")
    name = _prefix(head) or _iso(head) or _ebml(head) or _mpeg_audio(file, head)
    if name is None:
        raise _unknown(head)
    if name in _PICTURES:
        return Sniffed(name, _PICTURES[name])
    mime, demuxer = _CONTAINERS[name]
    return Sniffed(name, mime, demuxer)


def _prefix(head: bytes) -> str | None:
    for prefix, name in _PREFIXES:
        if head.startswith(prefix):
            return name
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12])
    if (
        head.startswith(b"BM")
        and len(head) >= 18
        and struct.unpack_from("<I", head, 14)[0] in (12, 16, 40, 52, 56, 64, 108, 124)
    ):
        return "bmp"
    return None


def _iso(head: bytes) -> str | None:
    """The ISO base media family, by brands; QuickTime files older than ``ftyp`` by their first box."""
    if len(head) < 8:
        return None
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return "mov"
    if head[4:8] != b"ftyp":
        return None
    size = min(struct.unpack_from(">I", head)[0], len(head))
    major, brands = head[8:12], {head[i : i + 4] for i in range(16, size - 3, 4)} | {head[8:12]}
    if brands & {b"avif", b"avis"}:
        return "avif"
    if brands & _HEIC or major in (b"mif1", b"msf1"):
        return "heic"
    if major == b"qt  ":
        return "mov"
    if major[:3] in (b"3gp", b"3g2"):
        return "3gp"
    return "m4a" if major in (b"M4A ", b"M4B ") else "mp4"


def _ebml(head: bytes) -> str | None:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    at = head.find(b"\x42\x82", 4, 256)  # DocType
    return "webm" if at > 0 and head[at + 3 : at + 7] == b"webm" else "matroska"


def _mpeg_audio(file: BinaryIO, head: bytes) -> str | None:
    """MP3 or ADTS AAC, with or without an ID3v2 tag; a bare sync word counts only if a second frame follows it."""
    start = 0
    if head.startswith(b"ID3") and len(head) >= 10:
        a, b, c, d = (byte & 0x7F for byte in head[6:10])
        start = 10 + (a << 21 | b << 14 | c << 7 | d)
        file.seek(start)
        head = file.read(HEAD_BYTES)
        if head.startswith(b"fLaC"):
            return "flac"
        if not head:
            raise CorruptMediaError("the file holds an ID3 tag and no sound", "Get the file again from its source.")
        head = head.lstrip(b"\0") or head
    frame = _adts_length(head, 0), _mp3_length(head, 0)
    if frame[0] and _adts_length(head, frame[0]):
        return "aac"
    if frame[1] and (_mp3_length(head, frame[1]) or start):
        return "mp3"
    return "mp3" if start else None


def _adts_length(data: bytes, at: int) -> int | None:
    if len(data) < at + 7 or data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
        return None
    length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return length if length > 7 and data[at + 2] >> 2 & 15 < 13 else None


_BITRATES = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _mp3_length(data: bytes, at: int) -> int | None:
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = data[at + 1] >> 3 & 3, 4 - (data[at + 1] >> 1 & 3)
    rate_index, hertz_index, padding = data[at + 2] >> 4, data[at + 2] >> 2 & 3, data[at + 2] >> 1 & 1
    if version == 1 or layer == 4 or rate_index in (0, 15) or hertz_index == 3:
        return None
    rate = _BITRATES[1 if version == 3 else 2, layer][rate_index - 1] * 1000
    hertz = (44100, 48000, 32000)[hertz_index] >> {3: 0, 2: 1, 0: 2}[version]
    if layer == 1:
        return (12 * rate // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * rate // hertz + padding


def _unknown(head: bytes) -> IngestError:
    if not head.strip(b"\0"):
        return CorruptMediaError(
            "the file holds only zero bytes", "The copy failed or the disk was wiped; get the file again."
        )
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for prefix, what, hint in _KNOWN_OTHERS:
        if (text if prefix.startswith(b"<") else head).startswith(prefix):
            return UnsupportedMediaError(f"the file is {what}, not a picture, video or recording", hint)
    return UnsupportedMediaError(
        "the file is no picture, video or recording in a format that is read here",
        "Read are JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF; MP4, MOV, MKV, WebM, AVI, 3GP; "
        "WAV, FLAC, MP3, M4A, AAC, Ogg, AMR.",
    )
