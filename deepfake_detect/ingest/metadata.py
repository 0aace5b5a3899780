"""What a file says of itself in text, bounded and cleaned: EXIF (CIPA DC-008), XMP (ISO 16684-1), IPTC-IIM 4.2 and
plain tags.

Maker notes are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from .gaps import Gaps
from .limits import Limits

_MAKER_NOTE, _EXIF_IFD, _GPS_IFD = 0x927C, 0x8769, 0x8825
_XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _ICC_TAG = 700, 33723, 34377, 34675


def clean(text: str, limit: int) -> str:
    """``text`` with control, direction and surrogate characters replaced by spaces, cut to ``limit`` characters."""
    cut = text[: limit + 1]
    kept = "".join(c if c.isprintable() else " " for c in cut).strip()
    return kept if len(cut) <= limit else kept[: limit - 1] + "…"


class Metadata:
    """Collects ``namespace:key`` -> value under the limits; ``gaps`` hears what had to be left out."""

    def __init__(self, limits: Limits, gaps: Gaps) -> None:
        self.values: dict[str, str] = {}
        self._limits, self._gaps = limits, gaps

    def add(self, namespace: str, key: str, value: object) -> None:
        """Keep one value; a second one under the same key is appended after ``; ``."""
        text = clean(_to_text(value), self._limits.max_metadata_chars)
        name = f"{namespace}:{clean(key, 128)}"
        if not text:
            return
        if name in self.values:
            if text not in self.values[name]:
                self.values[name] = clean(f"{self.values[name]}; {text}", self._limits.max_metadata_chars)
        elif len(self.values) < self._limits.max_metadata_entries:
            self.values[name] = text
        else:
            self._gaps.add(f"Only the first {self._limits.max_metadata_entries} entries of metadata were read.")

    def add_xmp(self, packet: bytes | str) -> None:
        """Flatten an XMP packet; entity declarations and oversized packets are refused."""
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import fromstring

        raw = packet.encode("utf-8", "replace") if isinstance(packet, str) else packet
        if len(raw) > self._limits.max_metadata_bytes:
            self._gaps.add("The XMP packet is too large and was not read.")
            return
        try:
            root = fromstring(raw.strip(b"\0 \t\r\n"), forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            self._gaps.add("The XMP packet is damaged and was not read.")
            return
        for key, value in _flatten(root, "", 0):
            self.add("xmp", key, value)

    def add_exif(self, exif: Any) -> None:
        """Read IFD0, the EXIF and the GPS directory of a Pillow ``Exif``."""
        from PIL import ExifTags

        directories: tuple[tuple[int | None, Mapping[int, str]], ...] = (
            (None, ExifTags.TAGS), (_EXIF_IFD, ExifTags.TAGS), (_GPS_IFD, ExifTags.GPSTAGS),
        )  # fmt: skip
        for pointer, names in directories:
            try:
                entries = dict(exif) if pointer is None or not exif else dict(exif.get_ifd(pointer))
            except Exception:  # Pillow's EXIF reader raises whatever the bytes lead it to
                self._gaps.add("Part of the EXIF data is damaged and was not read.")
                continue
            for tag, value in entries.items():
                if tag not in (_MAKER_NOTE, _EXIF_IFD, _GPS_IFD, _XMP_TAG, _IPTC_TAG, _PHOTOSHOP_TAG, _ICC_TAG):
                    self.add("exif", names.get(tag, f"0x{tag:04X}"), value)

    def add_iptc(self, records: Mapping[tuple[int, int], bytes | list[bytes]]) -> None:
        """Keep application records (2:xx) under their IIM names."""
        for (record, dataset), value in records.items():
            if record == 2:
                for item in value if isinstance(value, list) else [value]:
                    self.add("iptc", _IPTC_NAMES.get(dataset, f"2:{dataset}"), item)


_IPTC_NAMES = {
    5: "ObjectName", 25: "Keywords", 40: "SpecialInstructions", 55: "DateCreated", 65: "OriginatingProgram",
    70: "ProgramVersion", 80: "By-line", 105: "Headline", 110: "Credit", 115: "Source", 116: "CopyrightNotice",
    120: "Caption", 122: "Writer",
}  # fmt: skip

_XMP_PREFIXES = {
    "adobe:ns:meta/": "x", "http://ns.adobe.com/xap/1.0/": "",
    "http://purl.org/dc/elements/1.1/": "dc", "http://purl.org/dc/terms/": "dcterms",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop", "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt", "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/exif/1.0/": "exif", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore", "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://ns.google.com/photos/1.0/container/": "Container", "http://ns.adobe.com/xmp/1.0/DynamicMedia/": "xmpDM",
}  # fmt: skip
_STRUCTURE = {"rdf:RDF", "rdf:Description", "rdf:Bag", "rdf:Seq", "rdf:Alt", "rdf:li", "x:xmpmeta"}


def _xmp_name(qualified: str) -> str:
    if not qualified.startswith("{"):
        return qualified
    uri, _, local = qualified[1:].partition("}")
    prefix = _XMP_PREFIXES.get(uri)
    if prefix is None:
        prefix = next((part for part in reversed(uri.replace("#", "/").split("/")) if part.isidentifier()), "unknown")
    return f"{prefix}:{local}" if prefix else local


def _flatten(element: Element, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > 16:
        return
    name = _xmp_name(element.tag)
    if name not in _STRUCTURE:
        path = f"{path}/{name}" if path else name
    for attribute, value in element.attrib.items():
        key = _xmp_name(attribute)
        if key == "rdf:resource":
            yield path, value
        elif not key.startswith(("rdf:", "x:")):
            yield (f"{path}/{key}" if path else key), value
    if element.text and element.text.strip() and path:
        yield path, element.text.strip()
    for child in element:
        yield from _flatten(child, path, depth + 1)


def _to_text(value: object) -> str:
    if isinstance(value, bytes):
        return decode_text(value)
    if isinstance(value, tuple | list):
        return ", ".join(_to_text(item) for item in value[:64])
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_to_text(item)}" for key, item in list(value.items())[:64])
    return str(value)


def decode_text(value: bytes) -> str:
    """EXIF's eight-byte character codes, else UTF-8, else Latin-1."""
    code, body = value[:8], value[8:]
    if code == b"UNICODE\0":
        big = body[0:256:2].count(0) > body[1:256:2].count(0)
        return body.decode("utf-16-be" if big else "utf-16-le", "replace").rstrip("\0 ")
    if code in (b"ASCII\0\0\0", b"\0\0\0\0\0\0\0\0"):
        value = body
    try:
        return value.decode("utf-8").rstrip("\0 ")
    except UnicodeDecodeError:
        return value.decode("latin-1").rstrip("\0 ")
