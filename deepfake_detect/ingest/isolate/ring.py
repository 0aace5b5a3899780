"""Frames cross in shared memory of a fixed size; at most eight are in flight."""

from __future__ import annotations

import mmap
import os
from typing import BinaryIO

import numpy as np

from ...media import Pixels
from ..limits import Limits

MAX_IN_FLIGHT = 8
_BLOCK = 1 << 20
_KEEP_BYTES = 64 << 20


def ring_size(limits: Limits) -> int:
    """Bytes that hold one frame of the largest size that is decoded; pages that are never written cost nothing."""
    return 3 * limits.max_decoded_pixels + (-3 * limits.max_decoded_pixels) % mmap.PAGESIZE


def slots(size: int, frame_bytes: int) -> int:
    """How many frames of ``frame_bytes`` fit at once, 0..8."""
    return min(size // frame_bytes, MAX_IN_FLIGHT)


def sealed(size: int) -> int:
    """A descriptor of anonymous shared memory whose size nobody can change: whoever shares it could otherwise crash
    the scanner by cutting it off.
    """
    import fcntl

    descriptor = os.memfd_create("deepfake-detect", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return descriptor


def copied(source: BinaryIO, size: int) -> int:
    """A descriptor of anonymous memory with the bytes of ``source``, which nobody can change any more."""
    import fcntl

    descriptor = os.memfd_create("deepfake-detect", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        source.seek(0)
        left = size
        while left and (block := source.read(min(left, _BLOCK))):
            view = memoryview(block)
            left -= len(view)
            while view:
                view = view[os.write(descriptor, view) :]
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


class Ring:
    """The scanner's side."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.descriptor = sealed(size)
        self._memory = mmap.mmap(self.descriptor, size)
        self._used = 0

    def take(self, at: int, height: int, width: int) -> Pixels:
        """A copy of a frame, uint8 (height, width, 3), that begins at byte ``at``; the caller has checked that it
        lies inside. A copy, because the worker could change the ring at any time.
        """
        count = 3 * height * width
        self._used = max(self._used, at + count)
        return np.frombuffer(self._memory, np.uint8, count, at).reshape(height, width, 3).copy()

    def trim(self) -> None:
        """Give the memory of a large frame back."""
        if self._used > _KEEP_BYTES:
            self._memory.madvise(mmap.MADV_REMOVE)
        self._used = 0

    def close(self) -> None:
        """Unmap and close."""
        self._memory.close()
        os.close(self.descriptor)
