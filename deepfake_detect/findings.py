"""What a scan says: findings, abstentions, the verdict and the record of the run. ``report.schema`` publishes their
JSON form.

Labels and reasons are never renamed within a major version of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .media import JsonValue, MediaFile, Region, Span

SCHEMA_VERSION = "1.1.0"


class Reason(StrEnum):
    """Why a detector, or the whole scan, gives no answer."""

    NO_FACE = "no_face"
    TOO_SMALL = "too_small"
    TOO_SHORT = "too_short"
    TOO_COMPRESSED = "too_compressed"
    UNSUPPORTED = "unsupported"
    OUT_OF_DOMAIN = "out_of_domain"
    FAILED = "failed"
    WEIGHTS_MISSING = "weights_missing"
    NOT_CALIBRATED = "not_calibrated"
    TIMEOUT = "timeout"


class Label(StrEnum):
    """The verdict in one word. None of them means "authentic"."""

    SYNTHETIC = "synthetic"
    MANIPULATED = "manipulated"
    INCONCLUSIVE = "inconclusive"
    NO_MANIPULATION_FOUND = "no_manipulation_found"


@dataclass(frozen=True, slots=True)
class Proposition:
    """The two propositions a likelihood ratio weighs, each a full sentence without its full stop."""

    synthetic: str
    genuine: str
    label: Label


@dataclass(frozen=True, slots=True)
class EvidenceImage:
    """A picture that explains a finding. ``data`` (PNG) is kept beside the JSON, under its SHA-256, never in it."""

    sha256: str
    width: int
    height: int
    data: bytes = field(repr=False, compare=False, default=b"")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One explanation. ``kind``: ``crop``, ``map``, ``ghosts``, ``timeline``, ``spectrogram``, ``note``, or of a
    comparison ``suspect``, ``original``, ``difference``; ``values``: (time in s, raw score) pairs; ``threshold``: the
    raw score at which the ratio reaches the detector's upper threshold, or None.
    """

    kind: str
    caption: str
    span: Span | None = None
    region: Region | None = None
    values: tuple[tuple[float, float], ...] = ()
    image: EvidenceImage | None = None
    threshold: float | None = None


AS_RECEIVED = "as_received"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The same line after a fixed re-shipping (``robustness``): what a messenger, a phone line or a screenshot leaves.

    ``name``: the re-shipping, or ``as_received`` for the same pieces without one. ``score`` and ``llr`` are None where
    the detector gives no answer any more, for ``reason``.
    """

    name: str
    score: float | None
    llr: float | None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of evidence.

    ``score``: the model's own number, higher for synthetic, always. ``llr``: calibrated log10 likelihood ratio of
    ``proposition.synthetic`` against ``proposition.genuine``. ``interval``: 95 % interval of ``llr`` from the
    calibration data, or None. All are None for facts, whose content is in ``facts``. ``condition``: the calibration
    condition that matched. ``deliveries``: the line scored again after re-shippings, on a few of its pieces; empty
    where that was not tested.
    """

    detector: str
    subject: str
    score: float | None
    llr: float | None
    proposition: Proposition | None
    experimental: bool
    region: Region | None = None
    span: Span | None = None
    interval: tuple[float, float] | None = None
    condition: str | None = None
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Abstention:
    """A detector, or the scan (``detector="scan"``), that gives no answer, and why. Never a score."""

    detector: str
    subject: str
    reason: Reason
    detail: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """``llr``: the strongest line of a detector past the experimental stage, corrected for the number of lines looked
    at.

    None if there is no such line.
    """

    label: Label
    llr: float | None
    interval: tuple[float, float] | None
    reasons: tuple[str, ...]
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody or something the findings speak of: ``person-1``, ``voice``, ``picture``, ``file``."""

    id: str
    kind: str
    span: Span | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class WeightRecord:
    """A weights file that was loaded.

    Its id, version, SHA-256 and where it came from (``shipped`` or ``added by the user``).
    """

    id: str
    version: str
    sha256: str
    origin: str


def language_condition(tag: str) -> str:
    """The name under which ``error_rates`` holds what was measured for a language tag; regions are not told apart."""
    return f"language {tag.split('-')[0]}, clean sound"


@dataclass(frozen=True, slots=True)
class DetectorRecord:
    """A detector that took part: the device it really ran on, its weights, where its code came from.

    ``thresholds``: lower and upper one in log10 LR, None for a detector without a calibration; the upper one is that of
    ``operating_point``. ``false_alarms``: by condition, the share of genuine samples that reach it, where measured.
    ``calibration_sha256``: of the file that the curves and error rates come from.
    ``explanations``: how well maps and time lines agree with the truth, by kind of explanation.
    """

    id: str
    version: str
    device: str
    experimental: bool
    experimental_reason: str
    origin: str
    commercial_use: bool
    weights: tuple[WeightRecord, ...]
    limits: tuple[str, ...] = ()
    error_rates: Mapping[str, JsonValue] = field(default_factory=dict)
    thresholds: tuple[float, float] | None = None
    operating_point: str = "standard"
    false_alarms: Mapping[str, float] = field(default_factory=dict)
    explanations: Mapping[str, JsonValue] = field(default_factory=dict)
    calibration_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """How the report came about. ``started`` is UTC in ISO 8601, ``seconds`` wall time."""

    id: str
    version: str
    started: str
    seconds: float
    fingerprint: str
    device: str
    detectors: tuple[DetectorRecord, ...]
    extractors: tuple[WeightRecord, ...]
    options: Mapping[str, JsonValue]
    packages: Mapping[str, str]
    platform: str
    protections: tuple[str, ...]
    plugins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A person's own conclusion on a file, beside the tool's. ``time`` is UTC in ISO 8601."""

    time: str
    by: str
    reviewer: str | None
    conclusion: str


@dataclass(frozen=True, slots=True)
class DriveRecord:
    """What the manifest of the tool that exported a file says of it, each as it stands there, or None.

    ``tool``: whose columns they are. ``manifest_sha256``: of the manifest. ``state``: ``allocated``, ``deleted`` or
    ``carved``. ``md5_agrees``: whether ``listed_md5`` is the MD5 of the bytes that were scanned.
    """

    tool: str
    manifest_sha256: str
    original_path: str | None = None
    created: str | None = None
    modified: str | None = None
    accessed: str | None = None
    changed: str | None = None
    state: str | None = None
    listed_md5: str | None = None
    md5_agrees: bool | None = None


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """What heads a report that belongs to a case, each as it was typed, or None.

    ``minor``: a child is or may be shown, so no picture is kept. ``modified``: when the file was last written, as its
    file system said at the scan, UTC in ISO 8601. ``drive``: what the manifest of an export says of it. ``paths``,
    ``tags`` and ``notes`` are filled when a case is shown or exported; the stored report has none.
    """

    case_id: str | None = None
    exhibit: str | None = None
    examiner: str | None = None
    organisation: str | None = None
    minor: bool = False
    modified: str | None = None
    paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    drive: tuple[DriveRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The result of scanning one file. ``verdict`` is None when nothing could be analysed, ``case`` outside of one.

    ``first_pass``: nothing in the file was flagged, so no map, crop, robustness test or page was made.
    """

    media: MediaFile
    findings: tuple[Finding, ...]
    abstentions: tuple[Abstention, ...]
    verdict: Verdict | None
    run: RunRecord
    subjects: tuple[Subject, ...] = ()
    coverage_gaps: tuple[str, ...] = ()
    case: CaseRecord | None = None
    first_pass: bool = False
    schema: str = SCHEMA_VERSION

    @property
    def analysed(self) -> bool:
        """Whether a content detector scored the file or provenance found something."""
        return bool(self.findings)

    def to_json(self, indent: int | None = None) -> str:
        """The report as JSON text that ``report.schema`` describes; pictures are named by hash, not embedded."""
        from .report.serialise import report_to_json

        return report_to_json(self, indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """Read what ``to_json`` wrote. Unknown fields are ignored; raises ``ReportError`` on anything else wrong."""
        from .report.serialise import report_from_json

        return report_from_json(text)


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that has no report: it could not be read or decoded.

    ``sha256`` is None when not even its bytes could be read.
    """

    path: str | None
    reason: Reason
    message: str
    hint: str
    sha256: str | None
    case: CaseRecord | None = None
    schema: str = SCHEMA_VERSION
