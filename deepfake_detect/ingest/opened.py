"""The way in: one file opened, hashed, recognised and probed; then decoded as far as a plan asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Protocol

from ..media import AudioSegment, ContainerFacts, Frame, MediaFile, MediaKind, SamplingPlan
from .containers import ContainerReader
from .gaps import Gaps
from .limits import Limits
from .pictures import PictureReader
from .provenance import read_provenance
from .sniff import sniff
from .source import Identity, OpenSource, Source


class Reader(Protocol):
    """What opens one kind of file."""

    kind: MediaKind
    facts: ContainerFacts
    open_gaps: Gaps
    decode_gaps: Gaps

    def decode(self, plan: SamplingPlan) -> Iterator[Frame | AudioSegment]:
        """Yield what the plan asks for."""


class OpenMedia:
    """A file that is open for reading. Use it as a context manager; nothing is ever written, and a caller's stream
    stays open.

    ``media``: hashes, kind and container facts. Not for use by two threads at once.
    """

    def __init__(self, source: OpenSource, media: MediaFile, reader: Reader, provenance_gaps: Gaps) -> None:
        self.media = media
        self._source, self._reader, self._provenance_gaps = source, reader, provenance_gaps

    @property
    def gaps(self) -> list[str]:
        """Sentences on what was not read or decoded; complete once ``decode`` has come to its end."""
        parts = (self._provenance_gaps, self._reader.open_gaps, self._reader.decode_gaps)
        return [sentence for gaps in parts for sentence in gaps.sentences()]

    def decode(self, plan: SamplingPlan) -> Iterator[Frame | AudioSegment]:
        """Frames and sound in one pass, interleaved as the container has them; frames upright, uint8 RGB.

        Raises ``CorruptMediaError`` when nothing can be decoded, for a video or recording at the end of the pass.
        """
        return self._reader.decode(plan)

    def verify_unchanged(self) -> None:
        """Hash again. Raises ``EvidenceChangedError`` if the file is not what it was."""
        self._source.verify(self.media.sha256)

    def close(self) -> None:
        """Close what was opened here."""
        self._source.close()

    def __enter__(self) -> OpenMedia:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_media(
    source: Source, identity: Identity | None = None, limits: Limits | None = None, trust_list: str | None = None
) -> OpenMedia:
    """Open a path, bytes or a seekable binary stream.

    ``identity``: the result of ``identify`` on the same source, to save hashing twice. ``trust_list``: PEM certificates
    under which a signer of Content Credentials counts as trusted; none ships. Raises ``UnreadableError``,
    ``UsageError`` for a trust list that is no PEM, or an ``IngestError`` that says why these bytes are not decoded;
    ``identify`` still gives their hashes for a report.
    """
    limits = limits or Limits()
    opened = OpenSource(source)
    try:
        limits.check_bytes(opened.size())
        who = identity or opened.identify()
        sniffed = sniff(opened.file)
        reader: Reader = (ContainerReader if sniffed.demuxer else PictureReader)(opened.file, sniffed, limits)
        gaps = Gaps()
        provenance = read_provenance(opened.file, reader.facts, gaps, trust_list)
        facts = replace(reader.facts, provenance=provenance)
        media = MediaFile(opened.path, who.sha256, who.md5, who.sha1, who.size, reader.kind, facts)
        return OpenMedia(opened, media, reader, gaps)
    except BaseException:
        opened.close()
        raise
