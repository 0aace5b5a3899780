"""Figures: those of the library, so that a benchmark and ``deepfake-detect calibrate`` measure alike."""

from __future__ import annotations

from deepfake_detect.fuse.fit import curve as rising_curve
from deepfake_detect.fuse.fit import platt
from deepfake_detect.fuse.measure import auc, bootstrap, cllr, detection_at, elub, equal_error

__all__ = ["auc", "bootstrap", "cllr", "detection_at", "elub", "equal_error", "platt", "rising_curve"]
