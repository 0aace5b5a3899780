"""What a person can set for a scan; part of the run's fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from .ingest import Limits
from .media import JsonValue, SamplingPlan


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """``plan``: what is decoded. ``limits``: what is refused. ``pictures``: whether crops and maps are kept for the
    report.

    ``trust_list``: PEM text of the certificates whose Content Credentials count as trusted; None trusts nobody.
    """

    plan: SamplingPlan = field(default_factory=SamplingPlan)
    limits: Limits = field(default_factory=Limits)
    pictures: bool = True
    trust_list: str | None = None

    def as_json(self) -> Mapping[str, JsonValue]:
        """The options as the report records them."""
        return {**asdict(self), "trust_list": self.trust_list is not None}
