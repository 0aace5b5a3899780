"""From raw scores to calibrated likelihood ratios, and from these to one verdict."""

from .calibrate import Calibration, Condition, parse_calibration
from .decide import Line, decide

__all__ = ["Calibration", "Condition", "Line", "decide", "parse_calibration"]
