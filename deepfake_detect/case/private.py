"""What is taken out of a result before anything is written or printed: names in a survivor's case, pictures where a
child may be shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, TypeVar

from ..findings import CaseRecord, Evidence, Failure, Report
from .evidence import modified
from .layout import Profile

Outcome = TypeVar("Outcome", Report, Failure)
_HIDDEN = "the file"


@dataclass(frozen=True, slots=True)
class Handling:
    """How results are handled: what heads them, whose case it is, and whether a child is or may be shown."""

    record: CaseRecord = field(default_factory=CaseRecord)
    profile: Profile = Profile.STANDARD

    @property
    def survivor(self) -> bool:
        """Whether names and paths are kept out of everything."""
        return self.profile is Profile.SURVIVOR

    @property
    def minor(self) -> bool:
        """Whether no picture is kept."""
        return self.record.minor


def prepared(result: Report | Failure, handling: Handling) -> Report | Failure:
    """The result as it may be written and printed, with what heads it. Does nothing to one that is prepared already."""
    path = result.media.path if isinstance(result, Report) else result.path
    written, drive = (result.case.modified, result.case.drive) if result.case else (None, ())
    if written is None and path is not None and not handling.survivor:
        written = modified(path)
    if isinstance(result, Failure):
        told: Report | Failure = without_names(result) if handling.survivor else result
    else:
        told = without_names(result) if handling.survivor else result
        told = without_pictures(told) if handling.minor else told
    kept = () if handling.survivor else drive  # a manifest names the file
    return replace(told, case=replace(handling.record, modified=written, drive=kept))


def without_pictures(report: Report) -> Report:
    """The report without any picture, a voice's included, and without their hashes."""
    return replace(
        report,
        findings=tuple(replace(f, evidence=_imageless(f.evidence)) for f in report.findings),
        subjects=tuple(replace(s, evidence=_imageless(s.evidence)) for s in report.subjects),
    )


def _imageless(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    return tuple(item for item in evidence if item.image is None)


def without_names(result: Outcome) -> Outcome:
    """The result without its path, and without the path or the file's name in the texts that may quote it: messages,
    metadata, what the file claims of itself.
    """
    if isinstance(result, Failure):
        path = result.path
        if path is None:
            return result
        said = _patterns(path).messages
        return replace(result, path=None, message=_map_text(result.message, said), hint=_map_text(result.hint, said))
    path = result.media.path
    return result if path is None else _nameless(result, _patterns(path))


@dataclass(frozen=True, slots=True)
class _Patterns:
    """What is looked for in messages of this program, in facts, and in the media's free text."""

    messages: re.Pattern[str]
    facts: re.Pattern[str]
    free_text: re.Pattern[str]


def _nameless(report: Report, patterns: _Patterns) -> Report:
    media, said = report.media, patterns.messages
    facts = media.facts and replace(
        media.facts,
        metadata=_map_text(media.facts.metadata, patterns.free_text),
        provenance=_map_text(media.facts.provenance, patterns.facts),
    )
    verdict = report.verdict and replace(report.verdict, reasons=_map_text(report.verdict.reasons, patterns.facts))
    return replace(
        report,
        media=replace(media, path=None, facts=facts),
        findings=tuple(replace(f, facts=_map_text(f.facts, patterns.facts)) for f in report.findings),
        abstentions=tuple(replace(a, detail=_map_text(a.detail, said)) for a in report.abstentions),
        coverage_gaps=_map_text(report.coverage_gaps, said),
        verdict=verdict,
    )


def _patterns(path: str) -> _Patterns:
    """Facts hold words of their own (``camera``), so there only a name with an ending is looked for; in free text the
    name without its ending as well. A name of one or two letters is too common a word, its path is still found.
    """
    name = PurePath(path)
    paths = {path, os.path.abspath(path)}  # noqa: PTH100  resolves no link, as the person wrote it
    ended = {name.name} if name.suffix else set()
    long = {text for text in (name.name, name.stem) if len(text) > 2}
    telling = {text for text in paths if len(PurePath(text).parts) > 1} | ended
    return _Patterns(_any_of(paths | telling | {name.name} & long), _any_of(telling), _any_of(telling | long))


def _any_of(texts: set[str]) -> re.Pattern[str]:
    """Any of the texts as a whole word, the longest first, also as ``repr`` writes them and with the other slash."""
    forms = {form for text in texts for form in (text, repr(text)[1:-1], text.replace("\\", "/"))}
    choices = "|".join(re.escape(text) for text in sorted(forms, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)


def _map_text(value: Any, pattern: re.Pattern[str]) -> Any:
    """``value`` with the pattern replaced in every text below it."""
    if isinstance(value, str):
        return pattern.sub(_HIDDEN, value)
    if isinstance(value, tuple | list):
        return tuple(_map_text(item, pattern) for item in value)
    if isinstance(value, Mapping):
        return {key: _map_text(item, pattern) for key, item in value.items()}
    return value
