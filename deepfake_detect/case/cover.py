"""Which whole pictures a report shows: none, or, with the extra ``[nudity]``, all with the nudity in them filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from ..explain.images import evidence_image
from ..findings import Evidence, Failure, Finding, Report
from ..ingest import open_media
from ..media import Frame, Pixels, Region, SamplingPlan
from ..nudity import NudityFinder, filled, nudity_finder
from ..report.pictures import Cover, is_whole

Result = TypeVar("Result", bound=Report | Failure)


def with_nudity_covered(
    results: Sequence[Result], load: Callable[[], NudityFinder | None] = nudity_finder
) -> tuple[list[Result], Cover]:
    """The results as they may be shown, and how their whole pictures are then covered: without the extra the results as
    they are, and every whole picture. ``load`` is called where there is a whole picture. Raises ``WeightsError`` if the
    extra's model was changed.
    """
    has_whole = any(_has_whole(finding) for r in results if isinstance(r, Report) for finding in r.findings)
    finder = load() if has_whole else None
    if finder is None:
        return [*results], Cover.WHOLE
    return [_covered(result, finder) for result in results], Cover.NUDITY


def _has_whole(finding: Finding) -> bool:
    return any(is_whole(i, finding.subject) and i.image and i.image.data for i in finding.evidence)


def _covered(report: Result, finder: NudityFinder) -> Result:
    if isinstance(report, Failure):
        return report
    return replace(report, findings=tuple(_finding(f, finder) if _has_whole(f) else f for f in report.findings))


def _finding(finding: Finding, finder: NudityFinder) -> Finding:
    """The pictures of one comparison lie over each other, so what is found in one is covered in all of one size."""
    decoded = {i: _decoded(item) for i, item in enumerate(finding.evidence) if is_whole(item, finding.subject)}
    found = {i: finder.find(pixels) for i, pixels in decoded.items() if pixels is not None}
    evidence = tuple(
        _filled(item, decoded[i], [*_regions(found, decoded, i)]) if i in decoded else item
        for i, item in enumerate(finding.evidence)
    )
    return replace(finding, evidence=evidence)


def _regions(found: dict[int, tuple[Region, ...]], decoded: dict[int, Pixels | None], index: int) -> Iterator[Region]:
    here = decoded[index]
    for i, regions in found.items():
        there = decoded[i]
        if here is not None and there is not None and there.shape == here.shape:
            yield from regions


def _decoded(item: Evidence) -> Pixels | None:
    """The pixels of a picture of the case; None where its bytes are not there."""
    if item.image is None or not item.image.data:
        return None
    with open_media(item.image.data) as opened:
        return next(f.pixels for f in opened.decode(SamplingPlan(max_frames=1)) if isinstance(f, Frame))


def _filled(item: Evidence, pixels: Pixels | None, regions: Sequence[Region]) -> Evidence:
    if pixels is None or not regions:
        return item
    return replace(item, image=evidence_image(filled(pixels, regions), max(pixels.shape[:2])))
