"""Detectors: the interface, the registry and one file for each detector."""

from .base import Detector, DetectorCard, Facts, Outcome, Refusal, Score
from .registry import RegisteredDetector, Registry

__all__ = ["Detector", "DetectorCard", "Facts", "Outcome", "Refusal", "RegisteredDetector", "Registry", "Score"]
