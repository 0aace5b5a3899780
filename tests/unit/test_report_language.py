"""The catalogues hold every text of a report or of the page and no other, and every text that a detector's card puts
into a record.
"""

from __future__ import annotations

import ast
import gettext
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.detect.registry import Registry
from deepfake_detect.report.language import DOMAINS, REVIEWED, Language, translator
from deepfake_detect.report.messages import known, said

REPORT = Path(__file__).parents[2] / "deepfake_detect" / "report"
PAGE = REPORT.parent / "page"
OTHERS = [Language.FR, Language.VI]
CATALOGUES = pytest.mark.parametrize(("language", "domain"), [(one, domain) for one in OTHERS for domain in DOMAINS])
# Texts that are the same word in the other language, or only put values in order.
SAME = {
    (Language.FR, "report"): {"{name}, {time}", "{width} × {height} pixels", "{detector} ({subject})"},
    (Language.VI, "report"): {"{name}, {time}", "{detector} ({subject})", "{detector}: {subject}"},
    (Language.FR, "page"): {"France", "Vietnam"},
    (Language.VI, "page"): {"Senegal", "video", "{size} GB", "{size} MB", "{size} kB"},
}


def texts_in(source: str) -> Iterator[str]:
    """The literal texts that are looked up (``_``) or marked (``N_``), f-strings included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "N_") and node.args:
            text = node.args[0]
            if isinstance(text, ast.Constant):
                yield text.value
            elif node.func.id == "N_" or isinstance(text, ast.JoinedStr):
                raise AssertionError(f"line {node.lineno}: only a literal can be translated")


def used(domain: str) -> set[str]:
    """What is looked up in a catalogue; the page says with the words of the reports what they can say."""
    reports = {text for path in REPORT.rglob("*.py") for text in texts_in(path.read_text("utf-8"))}
    if domain == "report":
        return reports
    sources = [*PAGE.rglob("*.py"), REPORT.parent / "case" / "wipe.py"]
    texts = {text for path in sources for text in texts_in(path.read_text("utf-8"))}
    for template in PAGE.rglob("*.j2"):
        with template.open("rb") as stream:
            texts |= {text for _, _, text, _ in babel_extract(stream, ["_"], [], {}) if isinstance(text, str)}
    return texts - reports


def folder(language: Language) -> Path:
    return REPORT / "locale" / language.value / "LC_MESSAGES"


def catalogue(language: Language, domain: str) -> dict[str, str]:
    with (folder(language) / f"{domain}.po").open("rb") as stream:
        return {m.id: m.string for m in read_po(stream) if m.id and not m.fuzzy}


def test_texts_are_found() -> None:
    source = "x = _('a'); y = N_('b'); _(z); w = f'{_(\"c\")}'"
    assert set(texts_in(source)) == {"a", "b", "c"}
    with pytest.raises(AssertionError):
        list(texts_in("_(f'{x}')"))
    assert len(used("report")) > 200 and len(used("page")) > 70


@CATALOGUES
def test_catalogue_is_complete_and_holds_nothing_else(language: Language, domain: str) -> None:
    texts = catalogue(language, domain)
    assert sorted(used(domain) - texts.keys()) == [], "not translated"
    assert sorted(texts.keys() - used(domain)) == [], "not used"
    assert [text for text, translated in texts.items() if not translated.strip()] == []


@CATALOGUES
def test_no_translation_is_left_in_english(language: Language, domain: str) -> None:
    same = {text for text, translated in catalogue(language, domain).items() if text.strip() == translated.strip()}
    assert same == SAME[language, domain]


@CATALOGUES
def test_translations_keep_their_values(language: Language, domain: str) -> None:
    for text, translated in catalogue(language, domain).items():
        assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", translated)), text
        assert "{" not in re.sub(r"\{\w+\}", "", translated), text


@CATALOGUES
def test_the_compiled_catalogue_is_that_of_the_source(language: Language, domain: str) -> None:
    with (folder(language) / f"{domain}.mo").open("rb") as stream:
        compiled = gettext.GNUTranslations(stream)
    for text, translated in catalogue(language, domain).items():
        assert compiled.gettext(text) == translated
        assert translator(language)(text) == translated


def test_vietnamese_is_written_with_its_marks() -> None:
    for text in (text for domain in DOMAINS for text in catalogue(Language.VI, domain).values()):
        assert not re.search("[\u0300-\u036f]", text), "letters must be composed"
    assert {Language.EN} == REVIEWED


def test_every_sentence_of_a_built_in_card_can_be_said() -> None:
    for registered in Registry(plugins=False).select(None):
        card = registered.create().card
        propositions = (card.proposition.synthetic, card.proposition.genuine) if card.proposition else ()
        if card.content:
            for text in (*propositions, *card.limits):
                assert known(text), text


def test_why_a_shipped_detector_is_experimental_can_be_said() -> None:
    store = WeightStore()
    texts = [text for entry in store.entries() if entry.calibration and (text := store.calibration(entry))]
    reasons = [reason for text in texts if (reason := json.loads(text).get("experimental_reason"))]
    assert reasons
    for reason in reasons:
        assert known(reason), reason
        for language in OTHERS:
            assert not re.search(r"\baim\b|_auc|not measured", said(reason, translator(language)))


@pytest.mark.parametrize(
    ("part", "french"),
    [
        (
            "clean matched_auc 0.785, aim 0.92",
            "AUC sur des paires de même source (tel que reçu) : 0.785, objectif 0.92",
        ),
        (
            "worst fold gan 0.322, aim 0.8",
            "AUC sur le pire groupe laissé de côté (images de GAN) : 0.322, objectif 0.8",
        ),
        ("Cllr 0.85, aim 0.7", "Cllr : 0.85, objectif 0.7"),
        ("false alarms 0.061, aim 0.05", "fausses alertes : 0.061, objectif 0.05"),
        ("opus false alarms 0.1, aim 0.08", "fausses alertes (message vocal : Opus) : 0.1, objectif 0.08"),
        ("opus not measured", "message vocal : Opus : non mesuré"),
        ("something else", "something else"),
    ],
)
def test_a_missed_aim_is_said_in_words(part: str, french: str) -> None:
    begun = "objectifs manqués sur les groupes laissés hors de l'entraînement"
    for missed in (part, f"{part}; {part}"):
        told = said(f"aims missed on left-out folds: {missed}", translator(Language.FR))
        assert told == f"{begun} : {missed.replace(part, french)}"


def test_recorded_sentences_are_said_with_their_values() -> None:
    vietnamese = translator(Language.VI)
    text = said("face-manipulation on person-2 lies above its threshold", vietnamese)
    assert "người 2" in text.lower() and "face" not in text
    assert said("something nobody knows", vietnamese) == "something nobody knows"
