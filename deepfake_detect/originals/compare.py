"""What differs between a suspect picture and an original that lies in place over it.

Exposure, colour and blur are undone first; what is left is measured against what recompression leaves around places
that certainly match, at the same strength of detail.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..media import Pixels
from .register import Registration, size_ratio, warp

Mask = NDArray[np.bool_]
Map = NDArray[np.float32]

THRESHOLD = 3.0  # of the map; chosen by hand on a few trial pairs
_BLURS = (0.0, 0.6, 1.0, 1.5, 2.2, 3.2, 4.5)  # px
_SMOOTH = 1.5  # px; finer differences are noise of compression
_WINDOW = 11  # px
_EDGE = 13  # px; the original's rim is not compared, resampling and lens bend are strongest there
_ANCHOR = 15  # px around a match
_FLOOR = 2.0  # of 255: smaller differences are never counted
_AGREES = 0.6  # of the overlap, under one curve of colours
_CLIPPED = 4  # of 255, from black or white
_FIRST_RIDGE, _FEW_COLOURS, _ALL_COLOURS = 3e4, 30.0, 0.3  # ridge: terms that few colours cannot tell stay near zero
_MIN_SHARE = 0.0008  # of the picture: smaller spots are left out


@dataclass(frozen=True, slots=True)
class Comparison:
    """A suspect picture against one original, all at the size of ``suspect`` (at most ``REGISTER_SIDE``).

    ``placed``: the original in place, in its own colours. ``overlap``: where it lies. ``strength``: float32 (h, w), the
    difference in units of what recompression explains, 0 outside. ``differs``: strength above ``THRESHOLD`` in a spot
    of some size. ``reused``: in place, the same, and joined to a match. ``shown``: how much of the original's area lies
    in the suspect (0..1).
    """

    suspect: Pixels = field(repr=False)
    placed: Pixels = field(repr=False)
    overlap: Mask = field(repr=False)
    strength: Map = field(repr=False)
    differs: Mask = field(repr=False)
    reused: Mask = field(repr=False)
    shown: float


def compare(suspect: Pixels, original: Pixels, registration: Registration) -> Comparison:
    """Compare; both pictures as they were registered."""
    import cv2

    warped, inside = warp(original, registration, suspect.shape)
    overlap = cv2.erode(np.pad(inside, 1).astype(np.uint8), np.ones((_EDGE, _EDGE), np.uint8))[1:-1, 1:-1] > 0
    anchors = _anchors(overlap, registration)
    target = suspect.astype(np.float32)
    aligned = _recolour(target, _same_blur(target, warped.astype(np.float32), anchors), anchors, overlap)
    difference = cv2.GaussianBlur(np.abs(cv2.GaussianBlur(target - aligned, (0, 0), _SMOOTH)), (0, 0), 1).max(-1)
    strength = difference / _expected(difference, aligned, anchors)
    strength = np.sqrt(np.maximum(cv2.boxFilter(np.minimum(strength, 12) ** 2, cv2.CV_32F, (_WINDOW, _WINDOW)), 0))
    strength = np.where(overlap, strength, 0).astype(np.float32)
    differs = _spots(strength > THRESHOLD) & overlap
    reused = _joined(overlap & ~differs, registration)
    warped[~inside] = 128
    return Comparison(suspect, warped, overlap, strength, differs, reused, _shown(overlap, original, registration))


def _shown(overlap: Mask, original: Pixels, registration: Registration) -> float:
    whole = original.shape[0] * original.shape[1] * size_ratio(registration) ** 2
    return min(1.0, float(overlap.sum() / max(whole, 1)))


def _anchors(overlap: Mask, registration: Registration) -> Mask:
    """Discs around the matches: there both pictures show the same."""
    import cv2

    discs = np.zeros(overlap.shape, np.uint8)
    for x, y in np.rint(registration.points).astype(int).tolist():
        cv2.circle(discs, (x, y), _ANCHOR, 1, -1)
    return overlap & (discs > 0)


def _same_blur(target: Map, warped: Map, anchors: Mask) -> Map:
    """The original as blurred as the suspect is: the blur under which their detail has the same strength."""
    import cv2

    def detail(pixels: Map) -> float:
        grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
        high = (grey - cv2.GaussianBlur(grey, (0, 0), 2))[anchors]
        low = (cv2.GaussianBlur(grey, (0, 0), 2) - cv2.GaussianBlur(grey, (0, 0), 6))[anchors]
        return float(high.std() / max(float(low.std()), 1e-3))

    if not anchors.any():
        return warped
    wanted, best, gap = detail(target), warped, np.inf
    for blur in _BLURS:
        blurred = warped if blur == 0 else np.asarray(cv2.GaussianBlur(warped, (0, 0), blur), np.float32)
        off = float(np.log(max(detail(blurred), 1e-3) / max(wanted, 1e-3)))
        if abs(off) < gap:
            best, gap = blurred, abs(off)
        if off <= 0:
            break
    return best


def _recolour(target: Map, warped: Map, anchors: Mask, overlap: Mask) -> Map:
    """The original with the suspect's exposure, colours and vignette: a polynomial, fitted without the outliers.

    Fitted to all of the overlap where most of that then agrees, and the anchors agree no less than with a fit of their
    own: few anchors lie on few of a filter's colours. Else, as where a part lies in a strange scene, to the anchors.
    """
    import cv2

    if anchors.sum() < 200:
        return warped
    smooth_target, smooth = (np.asarray(cv2.GaussianBlur(p, (0, 0), 2), np.float32) for p in (target, warped))
    near, wide = (_sample(smooth_target, smooth, mask) for mask in (anchors, overlap))
    terms, wanted = (np.concatenate(pair) for pair in zip(near, wide, strict=True))
    fit, other = _colour_fit(*near, _FEW_COLOURS), _colour_fit(terms, wanted, _ALL_COLOURS)
    typical = float(np.median(_misfit(*near, fit)))
    as_well = float(np.median(_misfit(*near, other))) <= 1.5 * typical + 0.5
    if as_well and float((_misfit(*wide, other) < max(4.0, 3 * typical)).mean()) >= _AGREES:
        fit = other
    rows, columns = np.mgrid[0 : target.shape[0], 0 : target.shape[1]]
    result = np.empty_like(target)
    for top in range(0, len(target), 64):  # the terms of a whole picture would take 29 times its memory
        part = slice(top, top + 64)
        result[part] = _colour_terms(warped[part], columns[part], rows[part], target.shape) @ fit
    return np.asarray(np.clip(result, 0, 255), np.float32)


def _sample(target: Map, warped: Map, mask: Mask) -> tuple[Map, Map]:
    """Terms (n, 29) and wanted colours (n, 3) at no more than 6,000 places of ``mask``."""
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(mask.ravel()))[:6_000]
    ys, xs = np.divmod(chosen, target.shape[1])
    return _colour_terms(warped[ys, xs], xs, ys, target.shape), target[ys, xs]


def _colour_fit(terms: Map, wanted: Map, ridge: float) -> Map:
    """(29, 3), by iterated least squares with Tukey's biweight; ``ridge`` holds what the colours do not tell."""
    further = np.arange(terms.shape[1]) >= 4
    start = np.zeros((terms.shape[1], 3), np.float32)
    start[1:4] = np.eye(3)
    white, black = wanted >= 255 - _CLIPPED, wanted <= _CLIPPED
    fit, weight, beyond = start.copy(), np.ones(len(terms), np.float32), white | black
    for step in range(9):  # nearly linear at first: most filters are, and rare colours are no outliers then
        held = np.diag(np.where(further, max(ridge, _FIRST_RIDGE * 0.1**step), 0.1).astype(np.float32) * len(terms))
        for channel in range(3):  # a clipped value tells only that the true one lies beyond
            weighted = terms * (weight * ~beyond[:, channel])[:, None]
            missing = wanted[:, channel] - terms @ start[:, channel]
            fit[:, channel] = start[:, channel] + np.linalg.solve(weighted.T @ terms + held, weighted.T @ missing)
        told = terms @ fit
        beyond = (white & (told > wanted)) | (black & (told < wanted))
        error = np.where(beyond, 0, np.abs(wanted - told)).max(1)
        scale = max(1.5, 1.4826 * float(np.median(error)))
        weight = np.square(np.clip(1 - (error / (4.7 * scale)) ** 2, 0, 1)).astype(np.float32)
    return fit


def _misfit(terms: Map, wanted: Map, fit: Map) -> Map:
    return np.asarray(np.abs(np.clip(terms @ fit, 0, 255) - wanted).max(1), np.float32)


def _colour_terms(pixels: Map, xs: NDArray[np.intp], ys: NDArray[np.intp], shape: tuple[int, ...]) -> Map:
    """(..., 29): colours, their products and roots, and shade that changes over the picture, each near 0..1 before it
    is scaled to 255."""
    side = max(shape[:2])
    x, y = (xs / side - 0.5).astype(np.float32), (ys / side - 0.5).astype(np.float32)
    c = np.clip(pixels, 0, 255) / 255
    r, g, b = c[..., 0], c[..., 1], c[..., 2]
    places = (x, y, x * x, y * y)
    parts = (np.ones_like(r), r, g, b, r * r, g * g, b * b, r * g, r * b, g * b,
             *np.sqrt(c).transpose(-1, *range(c.ndim - 1)), *places,
             *(place * colour for place in places for colour in (r, g, b)))  # fmt: skip
    return np.stack(parts, -1) * np.float32(255)


def _expected(difference: Map, aligned: Map, anchors: Mask) -> Map:
    """What difference the matching places have, by the strength of detail around them: their median, times 1.5."""
    import cv2

    grey = aligned @ np.array([0.299, 0.587, 0.114], np.float32)
    gx, gy = (cv2.Sobel(cv2.GaussianBlur(grey, (0, 0), 1), cv2.CV_32F, *d) / 8 for d in ((1, 0), (0, 1)))
    detail = cv2.GaussianBlur(np.hypot(gx, gy), (0, 0), 2)
    if anchors.sum() < 500:
        return np.full(detail.shape, 3 * _FLOOR, np.float32)
    inside, values = detail[anchors], difference[anchors]
    edges = np.quantile(inside, np.linspace(0, 1, 9))
    bins = np.clip(np.searchsorted(edges, inside, "right") - 1, 0, 7)
    medians = np.array([np.median(values[bins == k]) if (bins == k).any() else 0 for k in range(8)])
    typical = np.maximum.accumulate(medians) * 1.5
    centres = (edges[1:] + edges[:-1]) / 2
    return np.asarray(np.maximum(np.interp(detail, centres, typical), _FLOOR), np.float32)


def _spots(mask: Mask) -> Mask:
    """Without specks and hairlines."""
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    large = stats[:, cv2.CC_STAT_AREA] >= max(64, _MIN_SHARE * mask.size)
    large[0] = False
    return np.asarray(large[labels], bool)


def _joined(mask: Mask, registration: Registration) -> Mask:
    """The parts of ``mask`` that hold at least three matches."""
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    count, labels = cv2.connectedComponents(cv2.erode(mask.astype(np.uint8), kernel))
    x = np.clip(np.rint(registration.points[:, 0]).astype(int), 0, mask.shape[1] - 1)
    y = np.clip(np.rint(registration.points[:, 1]).astype(int), 0, mask.shape[0] - 1)
    votes = np.bincount(labels[y, x], minlength=count)
    votes[0] = 0
    grown = cv2.dilate((votes[labels] >= 3).astype(np.uint8), kernel)
    return np.asarray(mask & (grown > 0), bool)
