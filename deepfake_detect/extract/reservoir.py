"""A bounded, evenly spread selection from a stream of unknown length."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class EvenReservoir(Generic[T]):
    """Keeps between ``limit`` and ``2 * limit`` items while it is fed, and gives ``limit`` evenly spread ones.

    Whenever it is full every other item is dropped and only every second, fourth, ... offer is kept from then on, so
    the items are evenly spread over the whole stream and the result does not depend on chance.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("limit must be positive")
        self._limit = limit
        self._stride = 1
        self._offered = 0
        self._items: list[T] = []

    def __len__(self) -> int:
        return len(self._items)

    @property
    def offered(self) -> int:
        """How many items were offered."""
        return self._offered

    def offer(self, item: T) -> None:
        """Keep ``item`` if it falls on the stride."""
        if self._offered % self._stride == 0:
            self._items.append(item)
            if len(self._items) >= 2 * self._limit:
                self._items = self._items[::2]
                self._stride *= 2
        self._offered += 1

    def items(self) -> tuple[T, ...]:
        """At most ``limit`` items in order, the first among them."""
        n = len(self._items)
        if n <= self._limit:
            return tuple(self._items)
        return tuple(self._items[i * n // self._limit] for i in range(self._limit))
