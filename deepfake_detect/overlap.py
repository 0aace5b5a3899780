"""While the models look at one file, the next one is decoded and searched for faces and speech."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from .ordering import Done, Job


class Begun(Protocol):
    """A file that is open."""

    def close(self) -> None:
        """Close it; may be called twice."""


B = TypeVar("B", bound=Begun)


def overlapped(
    begin: Callable[[Job, threading.Event], B], end: Callable[[Job, B], Done], jobs: Iterator[Job | None]
) -> Iterator[Done | None]:
    """Do ``jobs`` in order, ``begin`` in a thread of its own, one file ahead: two files are open at most.

    The event that ``begin`` is given is set when the run breaks off.
    """
    cancel, ahead = threading.Event(), None
    with ThreadPoolExecutor(1, "deepfake-detect-reader") as reader:
        try:
            for job in jobs:
                current, ahead = ahead, (job, reader.submit(begin, job, cancel)) if job else None
                if current is not None:
                    yield _ended(current, end)
                elif job is None:
                    yield None
            if ahead is not None:
                current, ahead = ahead, None
                yield _ended(current, end)
        finally:
            cancel.set()
            if ahead is not None:
                ahead[1].add_done_callback(_close)


def _ended(current: tuple[Job, Future[B]], end: Callable[[Job, B], Done]) -> Done:
    job, begun = current[0], current[1].result()
    try:
        return end(job, begun)
    finally:
        begun.close()


def _close(future: Future[B]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().close()
