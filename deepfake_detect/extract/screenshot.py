"""The picture inside a screenshot: what survivors bring is often a screen with a picture in it.

An interface is drawn: large parts of it have exactly one colour, its borders run along rows and columns, its text lies
on such a ground. A recorded or generated picture has texture nearly everywhere. So the frame is cut into cells, those
that show the interface's few colours are marked, and the largest rectangle of the others is the picture, if it is large
enough and nearly full, and if enough of what lies around it is interface.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..media import Pixels, Region

CELL = 8
MIN_SIDE = 112  # a smaller picture is not scored
MIN_SHARE = 0.06  # of the screen that the picture covers
MAX_SHARE = 0.94  # a picture that fills the screen needs no finding
MIN_FILL = 0.75  # of the rectangle that is no interface
MIN_AROUND = 0.7  # of the rest that is interface
MIN_GROUND = 0.04  # of the frame: a colour that covers less is no ground of an interface
GROUNDS = 4
NEAR = 6  # levels in each channel; lossy codecs move a flat ground by less
SLACK = 3  # cells without texture that a picture may have in a row
GROUND_LINE, GAP = 0.9, 3  # so many lines, each nearly all ground, part two pictures
EDGE_LINE = 0.7  # share of ground from which a line at the edge is no part of the picture: codecs smear borders
STRIP, APART = 6, 3  # lines looked at on each side of a border, and lines beside it that are not
OUTER, INNER = 0.7, 0.6  # share of ground just outside and just inside a straight border

Bools = NDArray[np.bool_]


def find_picture(pixels: Pixels) -> Region | None:
    """The largest picture inside a screenshot, uint8 (height, width, 3); None for a frame that is no screenshot.

    Where several pictures stand beside each other the largest is given; the others are not looked at.
    """
    if min(pixels.shape[:2]) < 2 * MIN_SIDE:
        return None
    ground = _ground(pixels)
    if ground is None:
        return None
    textured = _cells(~ground) > 0.35
    box = _largest(_closed(textured))
    if box is None:
        return None
    region = _exact(ground, box)
    return region if region is not None and _is_screen(ground, textured, region) else None


def _ground(pixels: Pixels) -> Bools | None:
    """Which pixels have one of the frame's few flat colours; None where there is no such colour.

    Colours are counted where the next pixels down and right are the same, so that a smooth sky counts for little.
    """
    grid = pixels[::2, ::2].astype(np.int16)
    flat = (np.abs(grid[1:, :-1] - grid[:-1, :-1]).max(2) <= 1) & (np.abs(grid[:-1, 1:] - grid[:-1, :-1]).max(2) <= 1)
    colours = (grid[:-1, :-1][flat] // 4).astype(np.int64)
    keys, counts = np.unique(colours @ np.array([1 << 12, 1 << 6, 1]), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:GROUNDS]
    chosen = [keys[i] for i in order if counts[i] >= MIN_GROUND * flat.size]
    if not chosen:
        return None
    near = np.zeros(pixels.shape[:2], np.bool_)
    for key in chosen:
        colour = np.array([key >> 12, key >> 6 & 63, key & 63]) * 4 + 2
        near |= (np.abs(pixels.astype(np.int16) - colour) <= NEAR).all(2)
    return near


def _cells(mask: Bools) -> NDArray[np.float32]:
    """The share of each cell that is marked; an incomplete cell at the right or lower edge is left out."""
    height, width = (side // CELL * CELL for side in mask.shape)
    blocks = mask[:height, :width].reshape(height // CELL, CELL, width // CELL, CELL)
    return np.asarray(blocks.mean((1, 3)), np.float32)


def _closed(cells: Bools) -> NDArray[np.uint8]:
    """Cells without texture inside a picture filled, then lines of text and icons taken away."""
    import cv2

    wide = np.ones((SLACK, SLACK), np.uint8)
    filled = cv2.morphologyEx(cells.astype(np.uint8), cv2.MORPH_CLOSE, wide)
    return np.asarray(cv2.morphologyEx(filled, cv2.MORPH_OPEN, np.ones((SLACK + 4, SLACK + 4), np.uint8)), np.uint8)


def _largest(cells: NDArray[np.uint8]) -> Region | None:
    """The bounding box of the largest connected part, in cells."""
    import cv2

    count, _, stats, _ = cv2.connectedComponentsWithStats(cells, connectivity=4)
    if count < 2:
        return None
    x, y, width, height, _ = (int(v) for v in stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))])
    return Region(x, y, width, height)


def _exact(ground: Bools, box: Region) -> Region | None:
    """The box in pixels, cut where a line of ground runs right through it; rows and columns of ground are left out."""
    rows = slice(max(0, box.y - 1) * CELL, (box.y + box.height + 1) * CELL)
    columns = slice(max(0, box.x - 1) * CELL, (box.x + box.width + 1) * CELL)
    for _ in range(2):  # rows, then columns of what is left, and once more
        rows = _longest(ground[rows, columns].mean(1), rows.start)
        columns = _longest(ground[rows, columns].mean(0), columns.start)
        if rows.stop - rows.start < MIN_SIDE or columns.stop - columns.start < MIN_SIDE:
            return None
    return Region(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)


def _longest(ground: NDArray[np.float64], offset: int) -> slice:
    """The longest run of lines that are not nearly all ground; fewer than ``GAP`` such lines do not end it."""
    filled = np.flatnonzero(ground < GROUND_LINE)
    if not len(filled):
        return slice(offset, offset)
    longest = max(np.split(filled, np.flatnonzero(np.diff(filled) > GAP) + 1), key=len)
    inner = longest[ground[longest] < EDGE_LINE]
    return slice(offset + int(inner[0]), offset + int(inner[-1]) + 1) if len(inner) else slice(offset, offset)


def _is_screen(ground: Bools, textured: Bools, region: Region) -> bool:
    height, width = ground.shape
    share = region.width * region.height / (height * width)
    if not MIN_SHARE <= share <= MAX_SHARE:
        return False
    inside = np.zeros(textured.shape, np.bool_)
    low_y, low_x = -(-region.y // CELL), -(-region.x // CELL)
    inside[low_y : (region.y + region.height) // CELL, low_x : (region.x + region.width) // CELL] = True
    full = textured[inside].mean() >= MIN_FILL and (~textured[~inside]).mean() >= MIN_AROUND
    return bool(full and _straight(ground, region))


def _straight(ground: Bools, region: Region) -> bool:
    """Whether each side of the rectangle lies at the frame's edge or is a straight border from ground to texture.

    At least two sides must be such borders. A thing before a plain wall has none.
    """
    x, y, right, bottom = region.x, region.y, region.x + region.width, region.y + region.height
    across, down = ground[:, x:right].mean(1), ground[y:bottom].mean(0)
    sides = [
        (across[:y][::-1], across[y:bottom]),
        (across[bottom:], across[y:bottom][::-1]),
        (down[:x][::-1], down[x:right]),
        (down[right:], down[x:right][::-1]),
    ]
    borders = [
        (outer[APART : APART + STRIP].mean(), inner[APART : APART + STRIP].mean())
        for outer, inner in sides
        if len(outer) > APART
    ]
    return len(borders) >= 2 and all(outer >= OUTER and inner <= INNER for outer, inner in borders)
