"""Quantisation tables of a JPEG and the quality they point to."""

from __future__ import annotations

from collections.abc import Mapping

from ..media import JpegTables

# ITU-T T.81, table K.1, in zig-zag order.
_ZIGZAG = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14,
    21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60,
    61, 54, 47, 55, 62, 63,
)  # fmt: skip
_LUMINANCE = (
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51,
    61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77,
    113, 121, 112, 100, 120, 92, 101, 103, 99,
)  # fmt: skip


def _ijg_table(quality: int) -> list[int]:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [min(max((entry * scale + 50) // 100, 1), 255) for entry in _LUMINANCE]


def jpeg_tables(quantization: Mapping[int, list[int]]) -> JpegTables:
    """Tables in zig-zag order, and the IJG quality (1..100) whose luminance table is nearest to the first.

    The quality is None when no IJG table comes near (mean difference above a quarter of the mean entry): other
    encoders scale otherwise.
    """
    tables = tuple(
        tuple(int(table[i]) for i in _ZIGZAG) for _, table in sorted(quantization.items()) if len(table) == 64
    )
    if not tables:
        return JpegTables((), None)
    first = tables[0]
    errors = {q: sum(abs(a - b) for a, b in zip(first, _ijg_table(q), strict=True)) for q in range(1, 101)}
    best = min(errors, key=lambda q: (errors[q], -q))
    return JpegTables(tables, best if errors[best] <= sum(first) / 4 else None)
