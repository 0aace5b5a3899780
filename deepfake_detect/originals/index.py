"""An index over thousands of originals: which of them may share content with a picture.

Local features are found by multi-index hashing of their binary codes (Norouzi et al. 2012,
doi:10.1109/CVPR.2012.6248043) and checked for one common scale, turn and place; whole pictures by their PDQ hash.
24 bytes a feature are kept, no picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .features import CODE_BYTES, Features, codes

INDEX_SIDE = 640  # pixels; features are sought at this size
INDEX_FEATURES = 600
QUERY_FEATURES = 2_500  # of the picture that is sought; a small part of it must still have enough
FRAMES_OF_VIDEO = 16
_TABLES = 8  # of 16 bits each, the whole code; nine true matches in ten agree in one of them, degraded one in two
_MAX_BUCKET = 2_000  # a code that stands so often tells nothing
_MAX_HAMMING = 30  # of 128 bits; true matches lie near 10, others near 62
_CHECKED = 120  # frames whose geometry is checked
_MAX_PAIRS = 200  # of one frame
_PLACE = 0.06  # of the original's diagonal: how far a point may lie from where a common similarity puts it
PDQ_SAME = 31  # of 256 bits, the bound that PDQ's authors advise
PDQ_NEAR = 80
PDQ_QUALITY = 50


@dataclass(frozen=True, slots=True)
class OriginalRecord:
    """One file supplied as an original. ``modified_ns`` and ``size`` tell whether its entry is still of use.

    ``kind``: ``image`` or ``video``. ``supplied``: UTC in ISO 8601, when it first came into the index.
    """

    path: str
    sha256: str
    size: int
    modified_ns: int
    kind: str
    width: int
    height: int
    supplied: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index keeps of one frame of an original.

    ``time``: s. ``points``: uint16 (n, 4), x, y, diameter as 65,535ths of the longer side, angle as those of a turn.
    ``codes``: uint8 (n, 16). ``pdq``: uint8 (32,).
    """

    original: int
    time: float
    quality: int
    points: NDArray[np.uint16] = field(repr=False)
    codes: NDArray[np.uint8] = field(repr=False)
    pdq: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame of an original that may share content. ``support``: features that agree on one similarity.

    ``pdq``: Hamming distance of the whole pictures, the smallest over turns and mirror, of which ``turned`` is the
    index (0 as it is).
    """

    original: int
    time: float
    support: int
    pdq: int
    turned: int


def pack_points(found: Features) -> NDArray[np.uint16]:
    """Points of features as ``Entry`` keeps them."""
    longer = max(found.width, found.height)
    scaled = np.clip(found.points[:, :3] / longer, 0, 1) * 65_535
    turn = (found.points[:, 3:] % 360) / 360 * 65_535
    return np.rint(np.hstack([scaled, turn])).astype(np.uint16)


def hamming(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Bits that differ along the last axis, whose length is divisible by eight."""
    words = [np.ascontiguousarray(codes_).view(np.uint64) for codes_ in (first, second)]
    return np.asarray(np.bitwise_count(words[0] ^ words[1]).sum(-1, dtype=np.int64))


class OriginalsIndex:
    """Frames of originals, searchable. Read-only once made; may be shared between threads.

    ``records``: the originals; ``entries``: their frames. ``problems``: a sentence for each file that is not in it.
    """

    def __init__(
        self, records: tuple[OriginalRecord, ...], entries: tuple[Entry, ...], problems: tuple[str, ...] = ()
    ) -> None:
        self.records, self.entries, self.problems = records, entries, problems
        self._codes = np.concatenate([e.codes for e in entries] or [np.empty((0, CODE_BYTES), np.uint8)])
        self._points = np.concatenate([e.points for e in entries] or [np.empty((0, 4), np.uint16)])
        lengths = [len(e.codes) for e in entries]
        self._frame = np.repeat(np.arange(len(entries), dtype=np.int32), lengths)
        self._pdq = np.array([e.pdq for e in entries], np.uint8).reshape(len(entries), 32)
        self._quality = np.array([e.quality for e in entries], np.int64)
        self._tables = [self._table(k) for k in range(_TABLES)]

    def _table(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Where the features with each key begin in the order, and the order."""
        keys = np.ascontiguousarray(self._codes).view(np.uint16)[:, k] if len(self._codes) else np.empty(0, np.uint16)
        starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << 16))])
        return starts, np.argsort(keys, kind="stable").astype(np.int32)

    def search(
        self, found: Features, mirrored: Features, pdq: tuple[NDArray[np.uint8], int], limit: int
    ) -> list[Candidate]:
        """At most ``limit`` frames, no two of one original, the best first.

        ``mirrored``: the features of the picture turned over left to right. ``pdq``: of ``hashes``.
        """
        support = np.maximum(self._support(found), self._support(mirrored))
        distance, turned = self._whole(*pdq)
        order = np.lexsort((distance, -support))
        near = [int(i) for i in np.argsort(distance, kind="stable")[:limit] if distance[i] <= PDQ_NEAR]
        best: dict[int, Candidate] = {}
        same = [i for i in near if distance[i] <= PDQ_SAME]
        for frame in (*same, *(int(i) for i in order[: 4 * limit] if support[i] > 2), *near):
            entry = self.entries[frame]
            candidate = Candidate(
                entry.original, entry.time, int(support[frame]), int(distance[frame]), int(turned[frame])
            )
            if entry.original not in best or best[entry.original].support < candidate.support:
                best[entry.original] = candidate
        ranked = sorted(best.values(), key=lambda c: (c.pdq > PDQ_SAME, -c.support, c.pdq, c.original))
        return ranked[:limit]

    def _whole(self, query: NDArray[np.uint8], quality: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if quality < PDQ_QUALITY or not len(self._pdq):
            return np.full(len(self._pdq), 256), np.zeros(len(self._pdq), np.int64)
        distances = hamming(self._pdq[:, None], query[None])
        turned = distances.argmin(1)
        nearest = np.where(self._quality < PDQ_QUALITY, 256, distances.min(1))
        return nearest, turned

    def _support(self, found: Features) -> NDArray[np.int64]:
        """For each frame, how many of its features agree with those of the query on one similarity."""
        support = np.zeros(len(self.entries), np.int64)
        pairs = self._pairs(codes(found.descriptors))
        if not len(pairs):
            return support
        frames = self._frame[pairs[:, 1]]
        counts = np.bincount(frames, minlength=len(self.entries))
        votes = np.bincount(frames, self._weights(pairs), len(self.entries))
        votes[counts < 3] = 0
        query, by_frame, ends = pack_points(found), np.argsort(frames, kind="stable"), np.cumsum(counts)
        for frame in np.argsort(-votes, kind="stable")[:_CHECKED]:
            if votes[frame] == 0:
                break
            mine = pairs[by_frame[ends[frame] - counts[frame] : ends[frame]]]
            mine = mine[np.argsort(mine[:, 2], kind="stable")][:_MAX_PAIRS]
            support[frame] = _consensus(query[mine[:, 0]], self._points[mine[:, 1]], mine[:, :2])
        return support

    @staticmethod
    def _weights(pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """A pair tells more the closer it is, and the fewer others its feature of the query has."""
        close = np.square(1 - pairs[:, 2] / (_MAX_HAMMING + 1))
        return np.asarray(close / np.bincount(pairs[:, 0])[pairs[:, 0]])

    def _pairs(self, query: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(m, 3): feature of the query, feature of the index, Hamming distance; each pair once."""
        width = max(len(self._codes), 1)  # a pair is one number until its repeats are gone: rows sort slowly
        found = [np.empty(0, np.int64)]
        keys = np.ascontiguousarray(query).view(np.uint16) if len(query) else np.empty((0, _TABLES), np.uint16)
        for k, (starts, order) in enumerate(self._tables):
            low = starts[keys[:, k]]
            count = starts[keys[:, k].astype(np.int64) + 1] - low
            count[count > _MAX_BUCKET] = 0
            mine = np.repeat(np.arange(len(keys)), count)
            offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            theirs = order[np.repeat(low, count) + offset]
            close = hamming(query[mine], self._codes[theirs]) <= _MAX_HAMMING
            found.append(mine[close] * width + theirs[close])
        ordered = np.sort(np.concatenate(found))  # faster than np.unique, which hashes
        pairs = np.stack(np.divmod(ordered[np.diff(ordered, prepend=-1) > 0], width), 1)
        distance = hamming(query[pairs[:, 0]], self._codes[pairs[:, 1]])
        return np.hstack([pairs, distance[:, None]])


def _consensus(query: NDArray[np.uint16], other: NDArray[np.uint16], ids: NDArray[np.int64]) -> int:
    """The most features that one similarity brings to their place, each feature counted once.

    Each pair proposes the similarity that its own places, diameters and angles give.
    """
    a, b = query.astype(np.float64) / 65_535, other.astype(np.float64) / 65_535
    scale = b[:, 2] / np.maximum(a[:, 2], 1e-6)
    turn = (b[:, 3] - a[:, 3]) * 2 * np.pi
    step = scale * np.exp(1j * turn)
    from_, to = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    error = np.abs(to[None, :] - to[:, None] - step[:, None] * (from_[None, :] - from_[:, None]))
    same_scale = np.abs(np.log(scale)[None, :] - np.log(scale)[:, None]) < 0.7
    same_turn = np.cos(turn[None, :] - turn[:, None]) > 0.8
    agree = (error < _PLACE) & same_scale & same_turn
    best = agree[agree.sum(1).argmax()]
    return min(len(np.unique(ids[best, 0])), len(np.unique(ids[best, 1])))
