"""Messages between scanner and worker: JSON behind its length, then raw bytes where a message announces them."""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LENGTH = struct.Struct(">I")
_POLL_SECONDS = 0.1


class ChannelClosed(Exception):
    """The other side is gone."""


class Nonsense(ValueError):
    """A message that the other side should never have sent."""


class Channel:
    """One end of a connected stream socket.

    ``wait``: called with the seconds waited so far at least every 0.1 s while nothing can be read or written; what it
    raises ends the waiting. Without it, waiting never ends. ``max_message``: bytes of JSON accepted.
    """

    def __init__(self, sock: socket.socket, max_message: int, wait: Callable[[float], None] | None = None) -> None:
        self._sock, self._max, self._wait = sock, max_message, wait
        self.waited = 0.0
        sock.settimeout(None if wait is None else _POLL_SECONDS)

    def send(
        self, message: Mapping[str, Any], payload: memoryview | None = None, descriptor: int | None = None
    ) -> None:
        """Raises ``ValueError`` for a message that holds NaN or infinity, and ``ChannelClosed``."""
        body = json.dumps(message, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        data = memoryview(_LENGTH.pack(len(body)) + body)
        if descriptor is not None:
            data = data[self._attempt(socket.send_fds, self._sock, [data], [descriptor]) :]
        for view in (data, payload) if payload is not None else (data,):
            while view:
                view = view[self._attempt(self._sock.send, view) :]

    def receive(self, *, descriptor: bool = False) -> tuple[dict[str, Any], int | None]:
        """A message, and the file descriptor that came with it. Raises ``ChannelClosed`` and ``Nonsense``."""
        head = bytearray(_LENGTH.size)
        passed: int | None = None
        at = 0
        if descriptor:
            data, descriptors, _, _ = socket.recv_fds(self._sock, _LENGTH.size, 1)
            passed = descriptors[0] if descriptors else None
            head[: len(data)], at = data, len(data)
            if not data:
                raise ChannelClosed
        self._fill(memoryview(head)[at:])
        (length,) = _LENGTH.unpack(head)
        if length > self._max:
            raise Nonsense(f"a message of {length} bytes")
        body = bytearray(length)
        self._fill(memoryview(body))
        return _parse(bytes(body)), passed

    def receive_array(self, count: int) -> NDArray[np.float32]:
        """``count`` float32 values, which the caller has found to be within bounds."""
        values = np.empty(count, np.float32)
        if count:
            self._fill(values.data.cast("B"))
        return values

    def can_send(self) -> bool:
        """Whether the other side has read most of what it was sent."""
        poll = select.poll()
        poll.register(self._sock, select.POLLOUT)
        return bool(poll.poll(0))

    def _fill(self, view: memoryview) -> None:
        while view:
            count = self._attempt(self._sock.recv_into, view)
            if not count:
                raise ChannelClosed
            view = view[count:]

    def _attempt(self, act: Callable[..., int], *arguments: Any) -> int:
        """Repeat ``act`` until it gets through; the bytes it moved."""
        while True:
            begun = time.monotonic()
            try:
                return act(*arguments)
            except TimeoutError:
                pass
            except OSError as error:
                raise ChannelClosed from error
            finally:
                self.waited += time.monotonic() - begun
                if self._wait is not None:
                    self._wait(self.waited)


def _parse(body: bytes) -> dict[str, Any]:
    def refuse(name: str) -> None:
        raise Nonsense(f"{name} is no number")

    try:
        message = json.loads(body.decode("utf-8"), parse_constant=refuse)
    except Nonsense:
        raise
    except (ValueError, RecursionError) as error:
        raise Nonsense("a message that is no JSON") from error
    if not isinstance(message, dict):
        raise Nonsense("a message that is no object")
    return message
