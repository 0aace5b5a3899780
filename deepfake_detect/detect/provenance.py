"""What the file says of its own origin, read by ``ingest.provenance`` and repeated here as facts, never as a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..checkpoints import WeightStore
from ..findings import Reason
from ..media import ContainerFacts, JsonValue
from .base import Detector, DetectorCard, Facts, Outcome, Refusal

_MUXER = "Lav"  # libavformat's tag, in half of all videos: it tells nothing of an edit


class Provenance(Detector[ContainerFacts]):
    """Reports Content Credentials, declared source types and traces of tools where a file has any."""

    card = DetectorCard(
        id="provenance",
        version="1.0.0",
        title="Content Credentials, declared origin and traces of tools",
        consumes=ContainerFacts,
        batch_size=64,
        weights=(),
        licence="Apache-2.0",
        commercial_use=True,
        paper="C2PA Technical Specification 2.2; IPTC NewsCodes, Digital Source Type; CIPA DC-008; ISO 16684-1",
        limits=(
            "Anyone can write or strip metadata; only a signature under a trust list of yours binds it to somebody.",
            "Most platforms strip it: a file without any of it is the ordinary case and no sign of anything.",
            "A valid credential says who signed what; it does not say that the content is true.",
            "Manifests and revocation lists elsewhere on the network are never fetched.",
        ),
        content=False,
    )

    def load(self, store: WeightStore, device: str) -> str:
        """Nothing to load; runs on the CPU."""
        return "cpu"

    def score(self, batch: Sequence[ContainerFacts]) -> list[Outcome]:
        """``Facts`` for a file that declares something, else a refusal."""
        return [self._read(facts.provenance) for facts in batch]

    @staticmethod
    def _read(provenance: Mapping[str, JsonValue]) -> Outcome:
        credentials = provenance.get("c2pa")
        signed = isinstance(credentials, Mapping) and (
            credentials.get("state") != "absent" or "remote_manifest" in credentials
        )
        declared = any(provenance.get(key) for key in ("digital_source_type", "traces"))
        tools = provenance.get("editing_tools")
        edited = isinstance(tools, tuple) and any(not str(tool).startswith(_MUXER) for tool in tools)
        if signed or declared or edited:
            return Facts(provenance)
        return Refusal(Reason.UNSUPPORTED, "no content credentials or origin declaration in the file")
