"""Serving the page: this machine only, one person, until it is closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .desk import Desk
from .guard import Guard
from .place import open_place
from .views import application

_HEAD_SECONDS = 10.0  # for the first request of a connection
_MOST_CONNECTIONS = 32
_HEAD_BYTES = 16_384
_LOOK_SECONDS = 1.0


class _Impatient(H11Protocol):
    """Closes a connection that does not say what it wants."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(_HEAD_SECONDS, self._hang_up)

    def _hang_up(self) -> None:
        if self.cycle is None:
            self.transport.close()


def serve(announce: Callable[[str], None], referrals: Path | None = None) -> None:
    """Serve until the page is closed or the process is told to end. ``announce`` gets the address to open, which lets
    in once. ``referrals``: a list of who helps in place of the library's own.

    Raises ``UsageError`` for a list that cannot be read, ``OSError`` without a folder or a port.
    """
    with open_place() as place, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        desk = Desk(place, referrals)
        guard = Guard(application(desk), listening.getsockname()[1])
        server = uvicorn.Server(_config(guard))
        try:
            asyncio.run(_until_over(server, listening, desk, lambda: announce(guard.address)))
        finally:
            desk.work.end()


def _config(guard: Guard) -> uvicorn.Config:
    return uvicorn.Config(
        guard, http=_Impatient, ws="none", lifespan="off", log_config=None, log_level="critical", access_log=False,
        proxy_headers=False, server_header=False, date_header=False, limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_HEAD_BYTES, timeout_graceful_shutdown=2,
    )  # fmt: skip


async def _until_over(
    server: uvicorn.Server, listening: socket.socket, desk: Desk, announce: Callable[[], None]
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not (server.started or serving.done()):
        await asyncio.sleep(0.01)
    await asyncio.to_thread(announce)  # a browser in a terminal would hold up the page
    while not serving.done():
        await asyncio.sleep(_LOOK_SECONDS)
        server.should_exit = server.should_exit or desk.over
    await serving
