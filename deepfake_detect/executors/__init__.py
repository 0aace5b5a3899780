"""Scanning on other machines."""
