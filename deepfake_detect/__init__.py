"""Explainable forensic reports on suspect pictures, videos and voice notes.

    from deepfake_detect import scan
    report = scan("clip.mp4")
    print(report.verdict)

Importing the package is cheap: heavy libraries are loaded when a ``Scanner`` is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import DeepfakeDetectError
from .findings import Abstention, Evidence, Failure, Finding, Label, Reason, Report, Verdict

if TYPE_CHECKING:
    from .options import ScanOptions
    from .pipeline import Scanner, scan

__all__ = [
    "Abstention",
    "DeepfakeDetectError",
    "Evidence",
    "Failure",
    "Finding",
    "Label",
    "Reason",
    "Report",
    "ScanOptions",
    "Scanner",
    "Verdict",
    "scan",
]

_LAZY = {"scan": "pipeline", "Scanner": "pipeline", "ScanOptions": "options"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
