"""Numbers that should not tell fake from real: what a classifier on them reaches shows how far the data leak.

    python training/visual/nuisance.py DATA

float32 [rows, features] for each task and condition in CACHE/nuisance.TASK.CONDITION.npy.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import crops
import numpy as np
from corpus import PACKS, TASKS, Row, cache, part, protocol

from deepfake_detect.detect.quality import blockiness, detail, luma

NAMES = (
    "detail",
    "detail-half",
    "blockiness",
    "band-1",
    "band-2",
    "band-3",
    "luma",
    "contrast",
    "saturation",
    "black border",
    "flat share",
    "pack",
    "face px",
    "source side",
    "source quality",
    "lossless source",
)


def picture_numbers(rgb: np.ndarray) -> list[float]:
    y = luma(rgb)
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(y - y.mean()))) ** 2
    radius = np.hypot(*np.meshgrid(*(np.arange(n) - n // 2 for n in y.shape), indexing="ij")) / (min(y.shape) / 2)
    bands = [np.log10(1 + spectrum[(radius >= a) & (radius < b)].mean()) for a, b in ((0.1, 0.3), (0.3, 0.6), (0.6, 1))]
    border = np.concatenate([y[:4].ravel(), y[-4:].ravel(), y[:, :4].ravel(), y[:, -4:].ravel()])
    flat = (np.abs(np.diff(y, axis=1)) < 1).mean()
    return [
        detail(rgb),
        detail(np.ascontiguousarray(rgb[::2, ::2])),
        blockiness(y),
        *bands,
        y.mean(),
        y.std(),
        float(np.ptp(rgb, axis=2).mean()),
        float((border < 4).mean()),
        float(flat),
    ]


def source_numbers(data: Path) -> dict[str, list[float]]:
    """What the manifests tell of the source file: short side, JPEG quality, lossless or not (-1 where unknown)."""
    out = {}
    for pack in protocol(data).get("packs", PACKS):
        with (data / pack / "manifest.csv").open(newline="", encoding="utf-8") as stream:
            for item in csv.DictReader(stream):
                sides = [float(n) for n in (item.get("source_size") or "0x0").split("x")]
                lossless = item.get("source_format") in ("PNG", "TIFF", "BMP") if item.get("source_format") else -1
                out[f"{pack}/{item['file']}"] = [min(sides) or -1, float(item.get("source_quality") or -1), lossless]
    return out


def numbers(data: Path, task: str, name: str, wanted: list[Row]) -> np.ndarray:
    source, fit, out = source_numbers(data), crops.fit_face if task == "face-manipulation" else crops.fit_native, []
    for row in wanted:
        rgb = crops.condition(crops.centre(crops.read(data / row.file), crops.STORED), name, row.file)
        known = [row.file.startswith("visual2/"), -1 if np.isnan(row.face_px) else row.face_px, *source[row.file]]
        out.append([*picture_numbers(fit(rgb)), *known])
    return np.array(out, np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--conditions", nargs="+", default=["clean"])
    args = parser.parse_args()
    for task in TASKS:
        for name in args.conditions:
            np.save(
                cache(args.data) / f"nuisance.{task}.{name}.npy",
                numbers(args.data, task, name, part(args.data, task, name)),
            )


if __name__ == "__main__":
    main()
