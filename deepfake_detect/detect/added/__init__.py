"""Detectors around weights that a person added: models of the field, run through our own samples and calibration."""
