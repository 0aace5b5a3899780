"""What makes a scanner, as plain data: it can be sent to another machine, which builds its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from .options import ScanOptions


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """The arguments of ``Scanner``, without live models. Picklable.

    ``detectors``: ids, or None for all. ``weights``: a folder that is searched first, on the machine that scans.
    """

    device: str = "auto"
    detectors: tuple[str, ...] | None = None
    options: ScanOptions = field(default_factory=ScanOptions)
    weights: str | None = None
    plugins: bool = True
