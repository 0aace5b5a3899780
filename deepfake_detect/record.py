"""The record of a run: versions, weights, options and the device really used."""

from __future__ import annotations

import hashlib
import json
import platform
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from .findings import DetectorRecord, RunRecord, WeightRecord
from .media import JsonValue

PACKAGES = (
    "torch", "torchvision", "onnxruntime", "facenet-pytorch", "opencv-python", "librosa", "av", "pillow", "pillow-heif",
    "c2pa-python", "silero-vad", "numpy",
)  # fmt: skip


def installed(package: str) -> str:
    """The version of an installed distribution, or ``not installed``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def fingerprint(
    detectors: Sequence[DetectorRecord], extractors: Sequence[WeightRecord], options: Mapping[str, JsonValue]
) -> str:
    """SHA-256 over what decides a result: version, detectors, weights, calibrations and options; not device or time."""
    parts = {
        "version": installed("deepfake-detect"),
        "detectors": [
            {
                "id": d.id,
                "version": d.version,
                "weights": [asdict(w) for w in d.weights],
                "calibration": d.calibration_sha256,
            }
            for d in detectors
        ],
        "extractors": [asdict(w) for w in extractors],
        "options": options,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()


def run_record(
    started: datetime, seconds: float, device: str, detectors: tuple[DetectorRecord, ...],
    extractors: tuple[WeightRecord, ...], options: Mapping[str, JsonValue], plugins: tuple[str, ...],
    protections: tuple[str, ...],
) -> RunRecord:  # fmt: skip
    """The record for one report."""
    return RunRecord(
        id=str(uuid.uuid4()),
        version=installed("deepfake-detect"),
        started=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        fingerprint=fingerprint(detectors, extractors, options),
        device=device,
        detectors=detectors,
        extractors=extractors,
        options=options,
        packages={name: installed(name) for name in PACKAGES},
        platform=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        protections=protections,
        plugins=plugins,
    )
