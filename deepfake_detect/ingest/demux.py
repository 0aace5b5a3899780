"""Opening a container with the one demuxer its bytes call for, and reading its packets past damage.

Only that demuxer runs, on our own read-only stream: libav never sees a path, so playlists, references to other files
and addresses inside a file have nothing to open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from ..errors import CorruptMediaError
from .damaged import GET_AGAIN
from .sniff import Sniffed

_BUFFER = 1 << 18
_MAX_ERRORS_IN_A_ROW = 64
ISO_FORMATS = frozenset({"mp4", "mov", "3gp", "m4a"})


def open_container(file: BinaryIO, sniffed: Sniffed) -> Any:
    """An ``av.container.InputContainer``. Raises ``CorruptMediaError`` when the header or index cannot be read."""
    import av

    file.seek(0)
    try:
        return av.open(
            file,
            format=sniffed.demuxer,
            metadata_errors="replace",
            buffer_size=_BUFFER,
            container_options={"export_xmp": "1"} if sniffed.format in ISO_FORMATS else {},
            options={"max_streams": "64"},
        )
    except (av.FFmpegError, ValueError, OSError) as error:
        missing = "; its index (moov) is missing or cut off" if sniffed.format in ISO_FORMATS else ""
        raise CorruptMediaError(
            f"the {sniffed.format.upper()} container cannot be opened{missing}", GET_AGAIN
        ) from error


def packets(container: Any, streams: list[Any], on_error: Callable[[], None]) -> Iterator[Any]:
    """Every packet of ``streams`` in file order, then one empty packet for each; read errors are reported and
    passed over.
    """
    import av

    errors, last_dts = 0, None
    while errors < _MAX_ERRORS_IN_A_ROW:
        try:
            for packet in container.demux(streams):
                errors, last_dts = (0, packet.dts) if packet.dts != last_dts else (errors, last_dts)
                yield packet
            return
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, EOFError):
                return
            errors += 1
            on_error()


def decode_packet(packet: Any, on_error: Callable[[], None]) -> list[Any]:
    """Frames that a packet completes; a packet that cannot be decoded is reported and gives none."""
    import av

    try:
        return list(packet.decode())
    except (av.FFmpegError, ValueError) as error:
        if not isinstance(error, EOFError):
            on_error()
        return []
