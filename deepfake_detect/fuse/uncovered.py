"""Why no condition of a calibration covers a sample."""

from __future__ import annotations

from collections.abc import Mapping

from ..findings import Reason
from .calibrate import Calibration, Range, within

_REASONS: Mapping[str, Reason] = {
    "face_px": Reason.TOO_SMALL,
    "short_side": Reason.TOO_SMALL,
    "blockiness": Reason.TOO_COMPRESSED,
}


def uncovered(calibration: Calibration, quantities: Mapping[str, float]) -> tuple[Reason, str]:
    """The reason and a sentence: with one condition, what lies out of its range; else all that was measured."""
    ranges = calibration.conditions[0].applies if len(calibration.conditions) == 1 else {}
    outside = [name for name in ranges if name in quantities and not within(quantities[name], ranges[name])]
    if outside:
        told = ", ".join(f"{name} {quantities[name]:.4g} ({_said(ranges[name])})" for name in outside)
        return _REASONS.get(outside[0], Reason.OUT_OF_DOMAIN), f"outside of what was measured: {told}"
    measured = ", ".join(f"{name} {value:.4g}" for name, value in sorted(quantities.items()))
    return Reason.OUT_OF_DOMAIN, f"no calibrated condition covers this sample ({measured})"


def _said(range_: Range) -> str:
    low, high = range_
    ends = [f"{end:.4g}" for end in (low, high) if end is not None]
    return " – ".join(ends) if len(ends) == 2 else ("≤ " if low is None else "≥ ") + ends[0]
