"""The catalogues hold every text of a report and no other, and every text that a detector's card puts into a record."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from deepfake_detect.detect.registry import Registry
from deepfake_detect.report.language import REVIEWED, Language, translator
from deepfake_detect.report.messages import known, said

REPORT = Path(__file__).parents[2] / "deepfake_detect" / "report"
OTHERS = [Language.FR, Language.VI]
# Texts that are the same word in the other language, or only put values in order.
SAME = {
    Language.FR: {"{name}, {time}", "{width} × {height} pixels", "{detector} ({subject})"},
    Language.VI: {"{name}, {time}", "{detector} ({subject})", "{detector}: {subject}"},
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


def used() -> set[str]:
    return {text for path in REPORT.rglob("*.py") for text in texts_in(path.read_text("utf-8"))}


def folder(language: Language) -> Path:
    return REPORT / "locale" / language.value / "LC_MESSAGES"


def catalogue(language: Language) -> dict[str, str]:
    with (folder(language) / "report.po").open("rb") as stream:
        return {m.id: m.string for m in read_po(stream) if m.id and not m.fuzzy}


def test_texts_are_found() -> None:
    source = "x = _('a'); y = N_('b'); _(z); w = f'{_(\"c\")}'"
    assert set(texts_in(source)) == {"a", "b", "c"}
    with pytest.raises(AssertionError):
        list(texts_in("_(f'{x}')"))
    assert len(used()) > 200


@pytest.mark.parametrize("language", OTHERS)
def test_catalogue_is_complete_and_holds_nothing_else(language: Language) -> None:
    texts = catalogue(language)
    assert sorted(used() - texts.keys()) == [], "not translated"
    assert sorted(texts.keys() - used()) == [], "not used"
    assert [text for text, translated in texts.items() if not translated.strip()] == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_left_in_english(language: Language) -> None:
    same = {text for text, translated in catalogue(language).items() if text.strip() == translated.strip()}
    assert same == SAME[language]


@pytest.mark.parametrize("language", OTHERS)
def test_translations_keep_their_values(language: Language) -> None:
    for text, translated in catalogue(language).items():
        assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", translated)), text
        assert "{" not in re.sub(r"\{\w+\}", "", translated), text


@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_catalogue_is_that_of_the_source(language: Language) -> None:
    with (folder(language) / "report.mo").open("rb") as stream:
        compiled = gettext.GNUTranslations(stream)
    for text, translated in catalogue(language).items():
        assert compiled.gettext(text) == translated
    assert translator(language)("Whom to call") == catalogue(language)["Whom to call"]


def test_vietnamese_is_written_with_its_marks() -> None:
    for text in catalogue(Language.VI).values():
        assert not re.search("[\u0300-\u036f]", text), "letters must be composed"
    assert {Language.EN} == REVIEWED


def test_every_sentence_of_a_built_in_card_can_be_said() -> None:
    for registered in Registry(plugins=False).select(None):
        card = registered.create().card
        propositions = (card.proposition.synthetic, card.proposition.genuine) if card.proposition else ()
        if card.content:
            for text in (*propositions, *card.limits):
                assert known(text), text


def test_recorded_sentences_are_said_with_their_values() -> None:
    vietnamese = translator(Language.VI)
    text = said("face-manipulation on person-2 lies above its threshold", vietnamese)
    assert "người 2" in text.lower() and "face" not in text
    assert said("something nobody knows", vietnamese) == "something nobody knows"
