"""What a person can set for a scan; part of the run's fingerprint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from .errors import UsageError
from .ingest import Limits
from .media import JsonValue, Region, SamplingPlan


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """``plan``: what is decoded. ``limits``: what is refused. ``pictures``: whether crops and maps are kept for the
    report.

    ``trust_list``: PEM text of the certificates whose Content Credentials count as trusted; None trusts nobody.
    ``language``: what is spoken, as a person stated it (``parse_language``), or None; it changes no score, only which
    error rates the report names. ``robustness``: whether the strongest lines are scored again after re-shippings.
    ``operating_point``: ``standard``, or ``strict`` for folders of many files that are nearly all genuine.
    ``region``: the part of every frame to look at, in pixels of the full frame; None: all, of a screenshot the picture
    found in it.
    """

    plan: SamplingPlan = field(default_factory=SamplingPlan)
    limits: Limits = field(default_factory=Limits)
    pictures: bool = True
    trust_list: str | None = None
    language: str | None = None
    robustness: bool = True
    operating_point: str = "standard"
    region: Region | None = None

    def as_json(self) -> Mapping[str, JsonValue]:
        """The options as the report records them."""
        return {**asdict(self), "trust_list": self.trust_list is not None}


def parse_language(text: str) -> str:
    """A language tag (BCP 47: ``vi``, ``fr-CA``) in the usual letter case. Raises ``UsageError`` for anything else."""
    tag = text.strip().replace("_", "-")
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", tag, re.ASCII):
        raise UsageError("this is no language tag", "Give a code such as vi, fr, en or wo (BCP 47).")
    first, *rest = tag.split("-")
    return "-".join([first.lower(), *(part.upper() if len(part) == 2 else part for part in rest)])


def parse_region(text: str) -> Region:
    """``x,y,width,height`` in pixels. Raises ``UsageError`` for anything else."""
    try:
        return Region(*(int(number) for number in text.split(",")))
    except (TypeError, ValueError) as error:
        raise UsageError("this is no region", "Give x,y,width,height in pixels, such as 0,200,720,960.") from error
