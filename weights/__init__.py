"""Weights, their manifest, cards and calibration, as package data."""
