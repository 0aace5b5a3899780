"""Which device the models run on. torch is asked, and so loaded, only where there may be an accelerator."""

from __future__ import annotations

import ctypes
import platform
import sys
from pathlib import Path

from .errors import UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(wanted: str) -> str:
    """``auto`` becomes cuda, mps or cpu, whichever is there. Raises ``UsageError`` if a named device is not."""
    if wanted not in DEVICES:
        raise UsageError(f"no device named {wanted}", f"Known: {', '.join(DEVICES)}.")
    if wanted == "cpu" or (wanted == "auto" and not _worth_asking()):
        return "cpu"
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next((name for name, available in there.items() if available), "cpu")
    if not there[wanted]:
        raise UsageError(f"this machine has no usable {wanted} device", "Use --device auto or --device cpu.")
    return wanted


def _worth_asking() -> bool:
    """Whether a driver without which torch has no accelerator is installed. torch takes seconds and 500 MB."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if Path("/dev/kfd").exists():  # AMD's, which torch calls cuda too
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
