"""When an accelerator runs out of memory, smaller parts are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_parts(act: Callable[[Sequence[T]], R], items: Sequence[T], size: int) -> Iterator[R]:
    """``act`` on at most ``size`` items at a time, in order.

    On an out-of-memory error of the accelerator the size is halved for the rest; with a single item left it is raised.
    """
    done = 0
    while done < len(items):
        part = items[done : done + size]
        try:
            result = act(part)
        except RuntimeError as error:
            if type(error).__name__ != "OutOfMemoryError" or len(part) == 1:
                raise
            size = len(part) // 2
            continue
        yield result
        done += len(part)
