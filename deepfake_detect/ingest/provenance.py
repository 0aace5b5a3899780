"""Origin declarations of a file: Content Credentials (C2PA), IPTC digital source type, traces of generators and editors."""

from __future__ import annotations

from typing import BinaryIO

from ..media import ContainerFacts, JsonValue
from .gaps import Gaps


def read_provenance(file: BinaryIO, facts: ContainerFacts, gaps: Gaps, trust_list: str | None) -> dict[str, JsonValue]:
    """Nothing yet."""
    return {}
