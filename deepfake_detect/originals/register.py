"""Bringing an original into place over a suspect picture: SIFT matches, RANSAC, then refinement on dense points."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..media import Pixels
from .features import Features, mirrored, shrink

REGISTER_SIDE = 1024  # pixels of the longer side at which pictures are registered and compared
REGISTER_FEATURES = 1_500
_RATIO = 0.8  # Lowe's ratio test
_TOLERANCE = 3.0  # px at REGISTER_SIDE
_MIN_INLIERS = 6
_CERTAIN = 40  # matches in place: the mirror image need not be tried
_PATCH = 21  # px, of the optical flow and of the confirmation
_CONFIRMED = 0.6  # normalised cross-correlation of a patch around a match
_CONFIRMED_COARSE = 0.95  # the same of smooth pictures that only their whole can be found by
_LOCAL = 41  # px over which light and contrast are made even
_CELL = 12  # px; matches closer than that count once
_BEND_POINTS, _BEND_AGREES = 80, 0.6  # of the optical flow, and the share of them that one cubic must bring together
_BENT = 0.3  # px that one point in ten is off at least; less is noise of the flow

Matrix = NDArray[np.float64]
Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Registration:
    """Where an original lies in the suspect picture.

    ``matrix``: 3x3, from pixels of the original (turned over left to right first, if ``mirrored``) to pixels of the
    suspect, both at most ``REGISTER_SIDE``. ``bend``: (10, 2), the cubic polynomial of the displacement that a lens
    leaves, zero if there is none. ``points``: (n, 2), matches that lie in place, in pixels of the suspect.
    ``confirmed``: how many of them, one for each cell of 12 px, have neighbourhoods that look alike.
    """

    matrix: Matrix = field(repr=False)
    mirrored: bool
    points: Points = field(repr=False)
    confirmed: int
    bend: Matrix | None = field(default=None, repr=False)


def register(
    suspect: Pixels, original: Pixels, found: Features, theirs: Features, turned: int | None = None
) -> Registration | None:
    """Register ``original`` on ``suspect``, or None when no placement is plausible.

    Both at most ``REGISTER_SIDE``; ``found``: features of the suspect, ``theirs`` of the original, in pixels of these.
    ``turned``: the form of the original, in PDQ's order, that looks like the suspect as a whole, if one does; tried
    when there are too few features.
    """
    best: Registration | None = None
    for flipped, mine in ((False, found), (True, mirrored(found))):
        if best is not None and len(best.points) >= _CERTAIN:
            break
        placed = _place(mine, theirs)
        if placed is None or (best is not None and len(placed[1]) <= len(best.points)):
            continue
        matrix, points = placed
        if flipped:  # the suspect was turned over; turn the original over instead
            matrix = _flip(suspect.shape[1]) @ matrix @ _flip(original.shape[1])
            points = np.stack([suspect.shape[1] - 1 - points[:, 0], points[:, 1]], 1).astype(np.float32)
        best = Registration(matrix, flipped, points, 0)
    if best is not None and len(best.points) >= _MIN_INLIERS:
        refined = _refine(suspect, original, best)
        if refined.confirmed >= _MIN_INLIERS or turned is None:
            return refined if _plausible(refined.matrix, original) else None
    if turned is None:
        return None
    stretched = _whole(suspect, original, turned)
    warped, inside = warp(original, stretched, suspect.shape)
    return _confirm(_coarse(warped), _coarse(suspect), inside, stretched, 4 * _PATCH + 1, _CONFIRMED_COARSE)


def _flip(width: int) -> Matrix:
    return np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], np.float64)


def _place(mine: Features, theirs: Features) -> tuple[Matrix, Points] | None:
    """A matrix from their pixels to mine, and my points in place; None if fewer than four matches agree."""
    import cv2

    if min(len(mine), len(theirs)) < 4:
        return None
    pairs = cv2.BFMatcher().knnMatch(_root(mine), _root(theirs), k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < _RATIO * p[1].distance]
    if len(good) < 4:
        return None
    to = mine.points[[m.queryIdx for m in good], :2]
    from_ = theirs.points[[m.trainIdx for m in good], :2]
    cv2.setRNGSeed(0)
    similar, kept = cv2.estimateAffinePartial2D(
        from_, to, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE, maxIters=4000, confidence=0.999
    )
    if similar is None or kept.sum() < 4:
        return None
    matrix, inliers = np.vstack([similar, [0, 0, 1]]), kept.ravel().astype(bool)
    if inliers.sum() >= 8:
        full, kept = cv2.findHomography(from_, to, cv2.USAC_MAGSAC, _TOLERANCE, maxIters=4000, confidence=0.999)
        if full is not None and kept.sum() > 1.1 * inliers.sum():
            matrix, inliers = full, kept.ravel().astype(bool)
    return np.asarray(matrix, np.float64), np.asarray(to[inliers], np.float32)


def _root(found: Features) -> NDArray[np.float32]:
    """RootSIFT (Arandjelovic and Zisserman 2012, doi:10.1109/CVPR.2012.6248018)."""
    values = found.descriptors.astype(np.float32)
    return np.asarray(np.sqrt(values / np.maximum(values.sum(1, keepdims=True), 1)), np.float32)


def _whole(suspect: Pixels, original: Pixels, turned: int) -> Registration:
    """The original stretched over the whole suspect, in one of the eight forms of PDQ's order."""
    # PDQ's order: as it is, turned 90, 180, 270 degrees, flipped top to bottom, left to right, over both diagonals.
    forms = ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0),
             (1, 0, 0, -1), (-1, 0, 0, 1), (0, 1, 1, 0), (0, -1, -1, 0))  # fmt: skip
    a, b, c, d = forms[turned]
    height, width = suspect.shape[:2]
    unit = np.array([[a, b, 0.5 - (a + b) / 2], [c, d, 0.5 - (c + d) / 2], [0, 0, 1]], np.float64)
    ours = np.diag([width - 1, height - 1, 1]).astype(np.float64)
    theirs = np.diag([1 / (original.shape[1] - 1), 1 / (original.shape[0] - 1), 1])
    matrix, mirrored = ours @ unit @ theirs, a * d - b * c < 0
    if mirrored:
        matrix = matrix @ _flip(original.shape[1])
    ys, xs = np.mgrid[height // 32 : height : max(height // 16, 1), width // 32 : width : max(width // 16, 1)]
    return Registration(matrix, mirrored, np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float32), 0)


def warp(original: Pixels, registration: Registration, shape: tuple[int, ...]) -> tuple[Pixels, NDArray[np.bool_]]:
    """The original as it lies in the suspect, and where it does."""
    import cv2

    height, width = shape[:2]
    source: Any = np.ascontiguousarray(original[:, ::-1]) if registration.mirrored else original
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float64)
    if registration.bend is not None:
        move = _terms(xs, ys, max(height, width)) @ registration.bend
        xs, ys = xs - move[..., 0], ys - move[..., 1]
    back = np.linalg.inv(registration.matrix)
    scale = np.sqrt(abs(np.linalg.det(registration.matrix[:2, :2])))
    if scale < 0.8:  # average before taking fewer pixels, as every resize does
        source = cv2.GaussianBlur(source, (0, 0), 0.45 / scale)
    z = back[2, 0] * xs + back[2, 1] * ys + back[2, 2]
    u = ((back[0, 0] * xs + back[0, 1] * ys + back[0, 2]) / z).astype(np.float32)
    v = ((back[1, 0] * xs + back[1, 1] * ys + back[1, 2]) / z).astype(np.float32)
    inside = (u >= 1) & (v >= 1) & (u <= source.shape[1] - 2) & (v <= source.shape[0] - 2) & (z > 0)
    warped = cv2.remap(source, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8), inside


def _terms(xs: Matrix, ys: Matrix, side: int) -> Matrix:
    x, y = xs / side - 0.5, ys / side - 0.5
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3], -1)


def bent(registration: Registration, shape: tuple[int, ...]) -> float:
    """How far ``registration.bend`` moves any place of a suspect picture of this shape, by its longer side."""
    if registration.bend is None:
        return 0.0
    ys, xs = (np.linspace(0, length, 17) for length in shape[:2])
    move = _terms(*np.meshgrid(xs, ys), max(shape[:2])) @ registration.bend
    return float(np.hypot(move[..., 0], move[..., 1]).max() / max(shape[:2]))


def _even(pixels: Pixels) -> NDArray[np.uint8]:
    """Luma without its local mean and contrast, so that exposure and filters do not matter."""
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean = cv2.blur(grey, (_LOCAL, _LOCAL))
    spread = np.sqrt(np.maximum(cv2.blur((grey - mean) ** 2, (_LOCAL, _LOCAL)), 0)) + 4
    return np.asarray(np.clip(128 + 50 * (grey - mean) / spread, 0, 255), np.uint8)


def _coarse(pixels: Pixels) -> NDArray[np.uint8]:
    """Luma of a picture without its detail."""
    import cv2

    return np.asarray(cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (0, 0), 4), np.uint8)


def _refine(suspect: Pixels, original: Pixels, start: Registration) -> Registration:
    """Optical flow on a grid around the matches, the matrix fitted again, twice; then what bend is left."""
    import cv2

    target, current = _even(suspect), start
    for _ in range(2):
        warped, inside = warp(original, current, suspect.shape)
        before, after = _flow(_even(warped), target, _near(inside, start.points))
        if len(before) < 12:
            break
        cv2.setRNGSeed(0)
        change, kept = cv2.findHomography(before, after, cv2.RANSAC, 1.0, maxIters=2000)
        if change is None or kept.sum() < 12:
            break
        current = replace(current, matrix=change @ current.matrix)
        if not _plausible(current.matrix, original):
            current = start
            break
    current = _bend(suspect, original, current, target)
    warped, inside = warp(original, current, suspect.shape)
    return _confirm(_even(warped), target, inside, current, _PATCH, _CONFIRMED)


def _near(inside: NDArray[np.bool_], points: Points) -> NDArray[np.bool_]:
    """Inside the original and within the widened hull of the matches."""
    import cv2

    hull = np.zeros(inside.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.rint(points).astype(np.int32)), 255)
    wide = cv2.dilate(hull, np.ones((33, 33), np.uint8))
    return inside & (wide > 0)


def _flow(first: NDArray[np.uint8], second: NDArray[np.uint8], mask: NDArray[np.bool_]) -> tuple[Points, Points]:
    """Corners of ``first`` and where they are in ``second``, those only that come back to their place."""
    import cv2

    none = np.empty((0, 2), np.float32)
    points: Any = cv2.goodFeaturesToTrack(first, 600, 0.01, 10, mask=mask.astype(np.uint8) * 255)
    if points is None:
        return none, none
    guess: Any = None
    options: Any = {"winSize": (_PATCH, _PATCH), "maxLevel": 2}
    there, ok, _ = cv2.calcOpticalFlowPyrLK(first, second, points, guess, **options)
    back, ok_back, _ = cv2.calcOpticalFlowPyrLK(second, first, there, guess, **options)
    stable = (np.abs(back - points).max(-1) < 0.5) & (ok > 0) & (ok_back > 0)
    near = np.abs(there - points).max(-1) < 8
    keep = (stable & near).ravel()
    return points.reshape(-1, 2)[keep], there.reshape(-1, 2)[keep]


def _bend(suspect: Pixels, original: Pixels, current: Registration, target: NDArray[np.uint8]) -> Registration:
    """A lens of a camera that filmed a screen bends what a homography cannot: a cubic of few terms, or nothing.

    Fitted to the whole overlap, since the bend is largest where matches are few; twice, since the flow reaches far only
    from near.
    """
    for _ in range(2):
        warped, inside = warp(original, current, suspect.shape)
        before, after = _flow(_even(warped), target, inside)
        if len(before) < _BEND_POINTS:
            break
        move = after - before
        terms = _terms(after[:, 0].astype(np.float64), after[:, 1].astype(np.float64), max(suspect.shape[:2]))
        keep = np.ones(len(move), bool)
        for _ in range(6):
            fit = np.linalg.lstsq(terms[keep], move[keep], rcond=None)[0]
            left = np.hypot(*(move - terms @ fit).T)
            keep = left < max(1.0, 2.5 * float(np.median(left)))
        was, now = (float(np.quantile(v[keep], 0.9)) for v in (np.hypot(*move.T), left))
        if keep.mean() < _BEND_AGREES or was <= _BENT or now >= 0.7 * was:
            break
        current = replace(current, bend=fit if current.bend is None else current.bend + fit)
    return current


def _confirm(
    warped: NDArray[np.uint8], target: NDArray[np.uint8], inside: NDArray[np.bool_], current: Registration,
    window: int, least: float,
) -> Registration:  # fmt: skip
    """Keep the matches around which both pictures look alike."""
    alike = correlation(warped.astype(np.float32), target.astype(np.float32), window)
    height, width = inside.shape
    x = np.clip(np.rint(current.points[:, 0]).astype(int), 0, width - 1)
    y = np.clip(np.rint(current.points[:, 1]).astype(int), 0, height - 1)
    good = (alike[y, x] > least) & inside[y, x]
    cells = np.unique(np.stack([x[good] // _CELL, y[good] // _CELL], 1), axis=0)
    return replace(current, points=current.points[good], confirmed=len(cells))


def correlation(first: NDArray[np.float32], second: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    """Normalised cross-correlation (-1..1) of two pictures (h, w) around each pixel; 0 where one is flat."""
    import cv2

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.boxFilter(values, cv2.CV_32F, (window, window)), np.float32)

    a, b = mean(first), mean(second)
    across = mean(first * second) - a * b
    spread = (mean(first * first) - a * a) * (mean(second * second) - b * b)
    return np.asarray(np.where(spread > 1, across / np.sqrt(np.maximum(spread, 1e-3)), 0), np.float32)


def _plausible(matrix: Matrix, original: Pixels) -> bool:
    """No mirror, no fold, no picture squeezed to a line."""
    height, width = original.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64) @ matrix.T
    if not np.isfinite(corners).all() or (corners[:, 2] <= 1e-6).any():
        return False
    quad = corners[:, :2] / corners[:, 2:]
    sides = np.roll(quad, -1, 0) - quad
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    lengths = np.hypot(*sides.T)
    if (turns <= 0).any() or lengths.min() < 24:
        return False
    ratios = (lengths[0] / lengths[2], lengths[1] / lengths[3], lengths[0] / width / (lengths[1] / height))
    return all(1 / 3 < r < 3 for r in ratios)


def size_ratio(registration: Registration) -> float:
    """Pixels of the suspect a side for one of the original, both as they were registered."""
    matrix = registration.matrix / registration.matrix[2, 2]
    return float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))


def at_side(pixels: Pixels) -> Pixels:
    """The picture at the size that registration and comparison use."""
    return shrink(pixels, REGISTER_SIDE)
