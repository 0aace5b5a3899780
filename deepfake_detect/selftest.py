"""Known files through every decoder and model of an installation, against what they gave when the vectors were made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from .checkpoints import WeightStore
from .errors import DeepfakeDetectError
from .findings import Report
from .ingest import open_media
from .media import AudioSegment, Frame, SamplingPlan
from .options import ScanOptions
from .pipeline import Scanner
from .record import PACKAGES, installed

GRID = 2  # the mean colours of GRID x GRID tiles stand for a picture


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``detail``: what was found, or what differs."""

    name: str
    ok: bool
    detail: str = ""


def read_vector(name: str) -> bytes:
    """A file of the package's vectors."""
    return (files("deepfake_detect.vectors") / name).read_bytes()


def decode_facts(data: bytes) -> dict[str, Any]:
    """What a decoder makes of a file: kind, format, size, tile colours, seconds and level (RMS) of its sound."""
    colours: list[list[float]] = []
    size, sound = None, []
    with open_media(data) as opened:
        for item in opened.decode(SamplingPlan(max_frames=2)):
            if isinstance(item, AudioSegment):
                sound.append(item.samples)
            elif isinstance(item, Frame) and not colours:
                size, colours = [item.width, item.height], _tile_colours(item)
        facts = {"kind": str(opened.media.kind), "format": opened.media.facts.format if opened.media.facts else None}
    samples = np.concatenate(sound) if sound else np.zeros(0, np.float32)
    level = round(float(np.sqrt((samples**2).mean())), 3) if len(samples) else 0.0
    return {**facts, "size": size, "colours": colours, "seconds": round(len(samples) / 16_000, 2), "level": level}


def _tile_colours(frame: Frame) -> list[list[float]]:
    rows = [tile for half in np.array_split(frame.pixels, GRID, 0) for tile in np.array_split(half, GRID, 1)]
    return [[round(float(c), 1) for c in tile.reshape(-1, 3).mean(0)] for tile in rows]


def score_facts(report: Report) -> dict[str, Any]:
    """The raw scores of a report by detector, subject and time, and the reasons of its abstentions."""
    scores = {
        f"{f.detector} {f.subject}{f' {f.span.start:g}' if f.span else ''}": round(f.score, 5)
        for f in report.findings
        if f.score is not None
    }
    return {"scores": scores, "abstentions": sorted({f"{a.detector} {a.reason}" for a in report.abstentions})}


def _differences(expected: Any, found: Any, tolerances: Mapping[str, float], path: str = "") -> Iterator[str]:
    """Where ``found`` differs from ``expected``; numbers within the tolerance of their first key are the same."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping) and expected.keys() == found.keys():
        for key in expected:
            yield from _differences(expected[key], found[key], tolerances, path or key)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for one, other in zip(expected, found, strict=True):
            yield from _differences(one, other, tolerances, path)
    elif isinstance(expected, int | float) and isinstance(found, int | float):
        if abs(expected - found) > tolerances.get(path, 0.0):
            yield f"{path} is {found}, expected {expected}"
    elif expected != found:
        yield f"{path} is {found}, expected {expected}"


def _compare(name: str, expected: Any, found: Any, tolerances: Mapping[str, float]) -> Check:
    differences = list(_differences(expected, found, tolerances))
    return Check(name, not differences, "; ".join(differences[:3]))


def _decoder_checks(vectors: Mapping[str, Any]) -> Iterator[Check]:
    for name, expected in vectors["decoders"].items():
        try:
            yield _compare(f"decoder {name}", expected, decode_facts(read_vector(name)), vectors["tolerances"])
        except (DeepfakeDetectError, OSError) as error:
            yield Check(f"decoder {name}", False, str(error))


def _model_checks(vectors: Mapping[str, Any], scanner: Scanner) -> Iterator[Check]:
    for name, expected in vectors["models"].items():
        yield _compare(
            f"models on {name}", expected, score_facts(scanner.scan(read_vector(name))), vectors["tolerances"]
        )


def run_selftest(device: str = "auto") -> Iterator[Check]:
    """Every check, as it is made. Raises ``UsageError`` for a device that is not there."""
    vectors = json.loads(read_vector("vectors.json"))
    for package in ("deepfake-detect", *PACKAGES):
        yield Check(f"version {package}", installed(package) != "not installed", installed(package))
    for state in WeightStore().verify():
        yield Check(f"weights {state.entry.id} {state.file.path.name}", state.state == "ok", state.state)
    yield from _decoder_checks(vectors)
    with Scanner(device=device, plugins=False, options=ScanOptions(robustness=False)) as scanner:
        yield Check("device", True, scanner.device)
        for protection in scanner.protections:
            yield Check("protection", True, protection)
        for loaded in scanner.detectors:
            yield Check(
                f"detector {loaded.card.id}", loaded.refusal is None, loaded.refusal.detail if loaded.refusal else ""
            )
        yield from _model_checks(vectors, scanner)
