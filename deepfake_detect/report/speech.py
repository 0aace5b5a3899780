"""What a report must say beside every line on a voice: whose voice it is not known to be, and in which language."""

from __future__ import annotations

from collections.abc import Mapping

from ..findings import DetectorRecord, Finding, RunRecord, language_condition
from ..media import JsonValue
from .language import N_, Gettext, plain
from .text import safe_text

_LANGUAGES: Mapping[str, str] = {
    "de": N_("German"),
    "en": N_("English"),
    "fr": N_("French"),
    "ko": N_("Korean"),
    "vi": N_("Vietnamese"),
    "wo": N_("Wolof"),
    "zh": N_("Chinese"),
}


def voice_notes(finding: Finding, record: DetectorRecord | None, run: RunRecord, _: Gettext = plain) -> tuple[str, ...]:
    """Sentences for a line on a voice; none for any other line."""
    if finding.subject != "voice":
        return ()
    apart = _("Speakers were not told apart: each result is for a stretch of time, whoever speaks in it.")
    return apart, _language(record, run.options.get("language"), _)


def _language(record: DetectorRecord | None, stated: JsonValue, _: Gettext) -> str:
    if not isinstance(stated, str):
        return _(
            "Nobody stated which language is spoken, and it was not guessed. Error rates differ between languages, and"
            " most languages were not measured."
        )
    measured = record.error_rates.get(language_condition(stated)) if record else None
    if not isinstance(measured, Mapping):
        sentence = _(
            "Language spoken, as stated by the person who scanned: {language}. It was not measured: how often the"
            " detector is wrong in it is not known."
        )
        return sentence.format(language=_named(stated, _))
    sentence = _(
        "Language spoken, as stated by the person who scanned: {language}. Measured on {real} real and {synthetic}"
        " synthetic clean recordings in it, from systems and sources left out of training: equal error rate {rate} %."
    )
    rate = measured["eer"]
    assert isinstance(rate, float)
    return sentence.format(
        language=_named(stated, _), real=measured["n_real"], synthetic=measured["n_synthetic"], rate=round(rate * 100)
    )


def _named(tag: str, _: Gettext) -> str:
    """A language tag with its name, where that is known."""
    name = _LANGUAGES.get(tag.split("-")[0])
    return f"{_(name)} ({safe_text(tag, 40)})" if name else safe_text(tag, 40)
