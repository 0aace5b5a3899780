"""The process that reads suspect bytes. It answers requests on the socket it was started with, and ends with it."""

from __future__ import annotations

import io
import mmap
import os
import select
import socket
import threading
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from typing import Any, BinaryIO, cast

from ...errors import DeepfakeDetectError, LimitExceededError
from ...media import AudioSegment, Frame, SamplingPlan
from ..limits import Limits
from ..opened import OpenMedia, open_media
from ..source import Identity
from . import sandbox
from .checked import describe
from .ring import slots
from .wire import Channel, ChannelClosed

_MAX_REQUEST = 64 << 20
_RAISE_MEMORY = "Raise it with --max-memory if you trust the file and the machine has the memory."
# Loaded before the process is shut off.
_NEEDED = (
    "av", "av.video.reformatter", "av.audio.resampler", "av.stream", "PIL.ImageCms", "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin", "PIL.GifImagePlugin", "PIL.WebPImagePlugin", "PIL.BmpImagePlugin", "PIL.TiffImagePlugin",
    "PIL.AvifImagePlugin", "PIL.ExifTags", "PIL.IptcImagePlugin", "PIL.ImageFile", "pillow_heif", "c2pa",
    "defusedxml.ElementTree", "encodings.idna", "encodings.latin_1", "encodings.utf_16_be", "encodings.utf_16_le",
)  # fmt: skip


class DescriptorFile(io.RawIOBase):
    """An inherited descriptor, read at positions of its own: the scanner's are never moved."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor, self._size, self._at = descriptor, size, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; positions before the start are refused."""
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if at < 0:
            raise OSError(22, "negative position")
        self._at = at
        return at

    def readinto(self, buffer: Any) -> int:
        """Read at the position."""
        view = memoryview(buffer).cast("B")
        if self._at > 2**62:
            return 0
        count = os.preadv(self._descriptor, [view], self._at)
        self._at += count
        return count

    def close(self) -> None:
        """Close the descriptor too."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()


class Outbox:
    """Frames and sound on their way out: waits while eight frames are in flight, and hears when no more are wanted."""

    def __init__(self, channel: Channel, sock: socket.socket, ring: mmap.mmap) -> None:
        self._channel, self._sock, self._ring = channel, sock, ring
        self._size = self._sent = self._in_flight = 0
        self._stopped = False

    def put(self, item: Frame | AudioSegment) -> bool:
        """Send; False once no more are wanted."""
        self._hear()
        if not self._stopped:
            if isinstance(item, Frame):
                self._put_frame(item)
            else:
                message = {"sound": {"start": item.start, "count": item.samples.size}}
                self._channel.send(message, item.samples.data.cast("B") if item.samples.size else None)
        return not self._stopped

    def _put_frame(self, frame: Frame) -> None:
        pixels = frame.pixels
        if not slots(len(self._ring), pixels.nbytes):
            raise LimitExceededError(
                f"a frame has {frame.width:,} x {frame.height:,} pixels, more than this run allows",
                "Raise it with --max-pixels if you trust the file and the machine has the memory.",
            )
        if pixels.nbytes != self._size:
            while self._in_flight and not self._stopped:
                self._hear(wait=True)
            self._size, self._sent = pixels.nbytes, 0
        count = slots(len(self._ring), self._size)
        while self._in_flight >= count and not self._stopped:
            self._hear(wait=True)
        if self._stopped:
            return
        at = self._sent % count * self._size
        self._ring[at : at + self._size] = pixels.reshape(-1).data
        shape = {"time": frame.time, "height": frame.height, "width": frame.width, "new_shot": frame.new_shot, "at": at}
        self._channel.send({"frame": shape})
        self._sent += 1
        self._in_flight += 1

    def _hear(self, wait: bool = False) -> None:
        while not self._stopped and (wait or select.select([self._sock], [], [], 0)[0]):
            message, _ = self._channel.receive()
            self._in_flight -= message["do"] == "took"
            self._stopped = message["do"] == "stop"
            wait = False


class Worker:
    """One file at a time: ``open``, any number of ``decode``, ``close``."""

    def __init__(self, channel: Channel, sock: socket.socket, ring: mmap.mmap) -> None:
        self._channel, self._sock, self._ring = channel, sock, ring
        self._file: BinaryIO | None = None
        self._opened: OpenMedia | None = None

    def serve(self) -> None:
        """Answer until the scanner is gone."""
        while True:
            request, descriptor = self._channel.receive(descriptor=True)
            act = {"open": self._open, "decode": self._decode, "close": self._close}.get(request["do"])
            if act is None:
                continue  # "took" or "stop", on the way when the pass came to its end
            try:
                act(request, descriptor)
            except ChannelClosed:
                raise
            except MemoryError:
                self._fail(LimitExceededError("the file needs more memory than this run allows", _RAISE_MEMORY))
            except Exception as error:  # whatever the bytes lead a decoder to
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._channel.send({**describe(error), "gaps": self._gaps()})

    def _gaps(self) -> list[str]:
        return [sentence[:2000] for sentence in self._opened.gaps[:256]] if self._opened else []

    def _open(self, request: Mapping[str, Any], descriptor: int | None) -> None:
        self._close(request, None)
        if descriptor is None:
            raise ValueError("no file came with the request")
        raw = DescriptorFile(descriptor, request["size"])
        self._file = cast(BinaryIO, io.BufferedReader(raw, 1 << 16))
        identity = Identity(None, "", "", "", request["size"])
        self._opened = open_media(self._file, identity, Limits(**request["limits"]), request["trust_list"])
        media = self._opened.media
        assert media.kind is not None and media.facts is not None
        self._channel.send({"kind": str(media.kind), "facts": asdict(media.facts), "gaps": self._gaps()})

    def _decode(self, request: Mapping[str, Any], _: int | None) -> None:
        if self._opened is None:
            raise ValueError("no file is open")
        outbox = Outbox(self._channel, self._sock, self._ring)
        for item in self._opened.decode(SamplingPlan(**request["plan"])):
            if not outbox.put(item):
                break
        self._channel.send({"end": True, "gaps": self._gaps()})

    def _close(self, _: Mapping[str, Any], __: int | None) -> None:
        file, self._file, self._opened = self._file, None, None
        if file is not None:
            with suppress(DeepfakeDetectError, OSError, ValueError):
                file.close()


def _end_with(sock: socket.socket) -> None:
    """End the process when the scanner's end of the socket is closed, even while a file is being decoded."""
    poll = select.poll()
    poll.register(sock, select.POLLHUP | getattr(select, "POLLRDHUP", 0))
    poll.poll()
    os._exit(0)


def main() -> None:
    """Standard input is the socket. Standard output is not used; standard error is read by the scanner."""
    sock = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    warnings.simplefilter("ignore")
    for name in _NEEDED:
        import_module(name)
    channel = Channel(sock, _MAX_REQUEST)
    try:
        start, descriptor = channel.receive(descriptor=True)
        assert descriptor is not None
        ring = mmap.mmap(descriptor, start["ring"])
        os.close(descriptor)
        protections = sandbox.close(start["max_memory"])
        threading.Thread(target=_end_with, args=(sock,), daemon=True).start()
        channel.send({"protections": protections})
        Worker(channel, sock, ring).serve()
    except ChannelClosed:
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
