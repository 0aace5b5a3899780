"""A match as a finding: which original, what of it, where the two differ, in facts and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..findings import Evidence, Finding
from ..media import FaceTrack, JsonValue, MediaFile, Region
from .capture import Capture
from .compare import Comparison
from .index import OriginalRecord
from .pictures import evidence
from .register import Registration, size_ratio

SHARED = "this picture and the file supplied as original share content, one copied from the other or both from a third"
APART = "the two pictures were made independently of each other"
_MAX_REGIONS = 12
_COVERED = 0.3  # of a zone: less is not judged
_PART, _MOST = 0.05, 0.25  # of what is covered of a zone


@dataclass(frozen=True, slots=True)
class Match:
    """An original that shares content. ``time`` and ``original_time``: of the frames, in s.
    ``factor``: full over compared size of the suspect; ``scale``: compared over full size of the original.
    """

    record: OriginalRecord
    media: MediaFile
    time: float
    original_time: float
    factor: float
    scale: float
    registration: Registration
    comparison: Comparison
    shot: Capture


def finding(
    detector: str, match: Match, media: MediaFile, tracks: Sequence[FaceTrack], ratio: float | None, by: str,
    named: bool, pictures: bool,
) -> Finding:  # fmt: skip
    """The finding on one match. ``ratio``: log10, or None; ``by``: who supplied the original; ``named``: whether its
    path is told.
    """
    comparison, record = match.comparison, match.record
    zones = tuple(_zone(name, subject, mask, comparison) for name, subject, mask in _zones(match, tracks))
    share = float(comparison.reused.mean())
    facts: dict[str, JsonValue] = {
        "relation": "another_shot" if match.shot.another_shot else "shares_content",
        "statement": _statement(match, zones),
        "original": {
            "path": record.path if named else None, "sha256": record.sha256, "size": record.size, "kind": record.kind,
            "width": record.width, "height": record.height, "time": match.original_time,
            "supplied": record.supplied, "supplied_by": by or None,
        },
        "log10_likelihood_ratio": ratio,
        "propositions": (SHARED, APART),
        "matching_places": match.registration.confirmed,
        "suspect_time": match.time,
        "share_of_suspect_same": round(share, 4),
        "share_of_suspect_different": round(float(comparison.differs.mean()), 4),
        "share_of_original_shown": round(comparison.shown, 4),
        **_placement(match),
        "grain": _grain(match.shot),
        "zones": zones,
        "same_regions": _regions(comparison.reused, match.factor),
        "different_regions": _regions(comparison.differs, match.factor),
        "order": _order(match, media),
    }  # fmt: skip
    box = _bounds(comparison.overlap, match.factor)
    shown = evidence(comparison) if pictures else ()
    notes = tuple(Evidence("note", str(text)) for text in (facts["statement"],))
    return Finding(detector, "file", None, None, None, False, region=box, facts=facts, evidence=(*notes, *shown))


def _grain(shot: Capture) -> dict[str, JsonValue]:
    """Whether the two share their grain, which a copy does and another shot does not."""
    return {
        "answer": shot.grain.value, "correlation": shot.correlation, "of_suspect": shot.suspect_grain,
        "of_original": shot.original_grain, "same_framing": shot.framing,
    }  # fmt: skip


def _statement(match: Match, zones: Sequence[dict[str, JsonValue]]) -> str:
    comparison = match.comparison
    same, other = comparison.reused.mean(), comparison.differs.mean()
    if match.shot.another_shot:
        text = "This picture shows the scene of the file supplied as original, but with grain of its own: another shot"
        text += " of the same scene, or a copy that was given new grain, so a difference is no sign of an edit"
        return f"{text}; {_percent(float(other))} of it differs" if other else text
    text = f"About {_percent(float(same))} of this picture is the same as in the file supplied as original"
    if other:
        text += f"; {_percent(float(other))} differs from it beyond what recompression explains"
    else:
        text += "; no part that was compared differs from it beyond what recompression explains"
    told = {"same": "is the same", "differs": "differs", "differs_in_part": "differs in part"}
    parts = [f"the {z['zone']} of {z['subject']} {told[str(z['state'])]}" for z in zones
             if z["zone"] != "surroundings" and z["state"] in told]  # fmt: skip
    return f"{text}: {', '.join(parts)}" if parts else text


def _percent(share: float) -> str:
    return "less than 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def _zones(match: Match, tracks: Sequence[FaceTrack]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """(zone, subject, mask): face and body of each person in the frame, and what is neither.

    A body is taken to lie below its face, 3.2 face widths wide and 6 heights down, as in a portrait or standing figure.
    """
    height, width = match.comparison.overlap.shape
    zones: list[tuple[str, str, NDArray[np.bool_]]] = []
    faces, bodies = np.zeros((height, width), bool), np.zeros((height, width), bool)
    for track in tracks:
        face = min(track.faces, key=lambda f: abs(f.time - match.time))
        if abs(face.time - match.time) > 0.5:
            continue
        x = (face.region.x + face.region.width / 2) / match.factor
        y = (face.region.y + face.region.height / 2) / match.factor
        size = face.face_px / match.factor
        mine = _box(height, width, x - 0.5 * size, y - 0.5 * size, x + 0.5 * size, y + 0.5 * size)
        body = _box(height, width, x - 1.6 * size, y + 0.6 * size, x + 1.6 * size, y + 6 * size)
        zones += [("face", track.subject, mine), ("body", track.subject, body)]
        faces |= mine
        bodies |= body
    zones = [(z, s, mask & ~faces if z == "body" else mask) for z, s, mask in zones]
    return [*zones, ("surroundings", "picture", ~(faces | bodies))]


def _box(height: int, width: int, left: float, top: float, right: float, bottom: float) -> NDArray[np.bool_]:
    mask = np.zeros((height, width), bool)
    mask[max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))] = True
    return mask


def _zone(name: str, subject: str, mask: NDArray[np.bool_], comparison: Comparison) -> dict[str, JsonValue]:
    total, covered = int(mask.sum()), mask & comparison.overlap
    share = float(comparison.differs[covered].mean()) if covered.any() else 0.0
    joined = float(comparison.reused[covered].mean()) if covered.any() else 0.0
    if not total or covered.sum() < _COVERED * total:
        state = "not_covered"
    elif share >= _MOST:
        state = "differs"
    elif share >= _PART:
        state = "differs_in_part"
    else:
        state = "same" if joined > 0.5 else "undecided"
    return {
        "zone": name, "subject": subject, "state": state,
        "share_covered": round(float(covered.sum() / total), 4) if total else 0.0, "share_different": round(share, 4),
    }  # fmt: skip


def _regions(mask: NDArray[np.bool_], factor: float) -> tuple[dict[str, JsonValue], ...]:
    """The largest spots of a mask as rectangles in pixels of the suspect."""
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:_MAX_REGIONS] + 1
    return tuple(
        {
            "x": int(x * factor), "y": int(y * factor), "width": max(1, int(w * factor)),
            "height": max(1, int(h * factor)), "share_of_suspect": round(float(area / mask.size), 4),
        }
        for x, y, w, h, area in stats[order].tolist() if area >= 64
    )  # fmt: skip


def _bounds(mask: NDArray[np.bool_], factor: float) -> Region | None:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x, y = int(columns[0] * factor), int(rows[0] * factor)
    return Region(x, y, max(1, int((columns[-1] + 1) * factor) - x), max(1, int((rows[-1] + 1) * factor) - y))


def _placement(match: Match) -> dict[str, JsonValue]:
    """Scale, turn and mirror of the original in the suspect, in full pixels of both."""
    matrix = match.registration.matrix / match.registration.matrix[2, 2]
    scale = size_ratio(match.registration) * match.scale * match.factor
    turn = float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
    return {
        "mirrored": match.registration.mirrored,
        "turned_degrees": round(turn, 1) + 0.0,
        "scale": round(scale, 4),
        "bent": match.registration.bend is not None,
    }


def _order(match: Match, media: MediaFile) -> tuple[str, ...]:
    """What resolution, compression and metadata say on which came first; each only a hint."""
    hints = []
    scale = float(str(_placement(match)["scale"]))
    if scale < 0.9:
        hints.append(f"The examined file shows the shared part with {_percent(scale)} of the original's pixels a side,"
                     " as a copy of it, or of a larger common source, would.")  # fmt: skip
    elif scale > 1.1:
        hints.append(f"The examined file shows the shared part with {scale:.1f} times the original's pixels a side:"
                     " it was enlarged, or it does not come from this file.")  # fmt: skip
    ours, theirs = (m.facts.jpeg.quality if m.facts and m.facts.jpeg else None for m in (media, match.media))
    if ours and theirs:
        hints.append(f"JPEG quality is estimated as {ours} in the examined file and {theirs} in the original;"
                     " a copy is seldom stored better than its source.")  # fmt: skip
    for name, file in (("examined file", media), ("original", match.media)):
        taken = (file.facts.metadata if file.facts else {}).get("exif:DateTimeOriginal")
        if taken:
            hints.append(f"The {name} claims to have been taken at {taken[:40]}; anyone can write that.")
    return tuple(hints)
