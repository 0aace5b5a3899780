"""Reading what the browser sends: never more than was allowed, and never slower."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

_CHUNK_SECONDS = 15.0  # to wait for the next piece
_GRACE_SECONDS = 30.0  # for the whole, and a second more for each of
_SLOWEST = 200_000  # bytes
_FORM_BYTES = 4096


async def _pieces(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body, in pieces. Raises ``HTTPException``: 413 for too long a body, 408 for too slow a one."""
    loop = asyncio.get_running_loop()
    began, size = loop.time(), 0
    stream = request.stream()
    while True:
        late = began + _GRACE_SECONDS + size / _SLOWEST - loop.time()
        try:
            piece = await asyncio.wait_for(anext(stream), max(min(_CHUNK_SECONDS, late), 0))
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        size += len(piece)
        if size > limit:
            raise HTTPException(413, headers={"Connection": "close"})
        yield piece


async def form(request: Request) -> dict[str, str]:
    """The fields of a short form, the first value of each. Raises ``HTTPException``."""
    body = b"".join([piece async for piece in _pieces(request, _FORM_BYTES)])
    fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=8)
    return {name: values[0] for name, values in fields.items()}


async def save(request: Request, path: Path, limit: int) -> int:
    """Write the body to ``path`` as it comes and return its size; nothing is left of one that is refused.

    Raises ``HTTPException``, ``OSError``.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise HTTPException(413, headers={"Connection": "close"})
    size = 0
    try:
        with path.open("xb") as stream:
            path.chmod(0o600)
            async for piece in _pieces(request, limit):
                stream.write(piece)
                size += len(piece)
    except (HTTPException, OSError, ClientDisconnect, asyncio.CancelledError):
        path.unlink(missing_ok=True)
        raise
    return size
