"""From raw scores to calibrated likelihood ratios, and from these to one verdict."""

from .calibrate import Calibration, Condition, parse_calibration
from .decide import Line, decide, flagged
from .operating import POINTS, STANDARD, STRICT, OperatingPoint
from .uncovered import uncovered

__all__ = [
    "POINTS", "STANDARD", "STRICT", "Calibration", "Condition", "Line", "OperatingPoint", "decide",
    "flagged", "parse_calibration", "uncovered",
]  # fmt: skip
