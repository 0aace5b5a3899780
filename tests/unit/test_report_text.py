"""The media's own text made harmless, and the sentences of a report."""

from __future__ import annotations

import math
import re
import sys
import unicodedata

import pytest
from make_report import FACE, HOSTILE, make_clean_report, make_report

from deepfake_detect.findings import Abstention, Label, Reason
from deepfake_detect.report import names, words
from deepfake_detect.report.text import safe_text

ACTS = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_no_code_point_that_acts_is_left() -> None:
    for start in range(0, sys.maxunicode + 1, 4096):
        block = "".join(map(chr, range(start, start + 4096)))
        assert not any(unicodedata.category(char) in ACTS for char in safe_text(block, 100_000))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("limit", [10, 80, 200])
def test_hostile_text_is_one_bounded_line(text: str, limit: int) -> None:
    shown = safe_text(text, limit)
    assert len(shown) <= limit and len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(char) in ACTS for char in shown)


def test_what_is_replaced_stays_visible() -> None:
    assert safe_text("\x1b[31m\u202egpj\n\udcff\U000e0041") == r"\x1b[31m\u202egpj\x0a\udcff\U000e0041"


def test_ordinary_text_of_any_language_is_left_alone() -> None:
    for text in ("quay màn hình Nguyễn Thị Hường.mp4", "صورة.jpg", "写真 (1).png", "Ça & <là> 'x'"):
        assert safe_text(text) == text


def test_a_long_text_keeps_both_ends() -> None:
    text = "start-" + "x" * 100_000 + "-end.mp4"
    assert re.fullmatch(r"start-x+ … x+-end\.mp4", safe_text(text, 60)) and len(safe_text(text, 60)) == 60
    assert len(safe_text("\x1b" * 100_000, 60)) == 60


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (1, "no"),
        (1.99, "no"),
        (2, "weak"),
        (9.99, "weak"),
        (10, "moderate"),
        (99, "moderate"),
        (100, "moderately strong"),
        (999, "moderately strong"),
        (1000, "strong"),
        (9_999, "strong"),
        (10_000, "very strong"),
        (999_999, "very strong"),
        (1_000_000, "extremely strong"),
        (1e12, "extremely strong"),
    ],
)
def test_the_verbal_scale_of_enfsi_in_both_directions(ratio: float, expected: str) -> None:
    assert words.strength(math.log10(ratio)) == expected
    assert words.strength(-math.log10(ratio)) == expected


def test_a_ratio_below_one_supports_the_other_proposition() -> None:
    assert words.support(1.5, FACE) == (
        "the findings provide moderate support for the proposition that the face of this person was manipulated,"
        " rather than that the face of this person was not manipulated."
    )
    assert words.support(-1.5, FACE) == (
        "the findings provide moderate support for the proposition that the face of this person was not manipulated,"
        " rather than that the face of this person was manipulated."
    )
    assert "do not support one proposition over the other" in words.support(0.1, FACE)


def test_ratio_as_a_number() -> None:
    assert "about 42 times as probable under the first" in words.ratio(1.62)
    assert "about 1,000 times as probable under the second" in words.ratio(-3.0)
    assert "as probable under the one proposition as under the other" in words.ratio(0.0)
    assert "e+" in words.ratio(400.0)


def test_every_label_and_reason_has_words() -> None:
    said = [words.label_words(label) for label in (*Label, None)]
    assert len(set(said)) == len(said)
    for reason in Reason:
        for detector in ("scan", "face-manipulation"):
            sentence = words.abstention_sentence(Abstention(detector, "person-1", reason, "a detail"))
            assert sentence.endswith(" A detail.") and sentence[0].isupper()
    assert words.reason_sentence(Reason.NO_FACE) == "No face was found."


def test_every_verdict_names_its_limits() -> None:
    for report in (make_report(), make_clean_report()):
        limits = words.verdict_words(report).limits
        assert words.WEIGHT_NOT_PROBABILITY in limits and len(limits) >= 3
    for label in Label:
        verdict = make_report().verdict
        assert verdict is not None
        text = " ".join([words.label_words(label), *words._VERDICTS[label].limits, words._VERDICTS[label].sentence])
        assert "authentic" not in text.lower() and "%" not in text and "fake" not in text.lower()


def test_a_weight_is_worded_for_each_sign() -> None:
    verdict = make_report().verdict
    assert verdict is not None
    sentence = words.verdict_weight(verdict)
    assert sentence is not None and "moderate support for synthesis or manipulation" in sentence


def test_messages_become_sentences() -> None:
    assert words.as_sentence("the file is empty") == "The file is empty."
    assert words.as_sentence("really?\n") == "Really?"
    assert words.as_sentence("") == ""
    assert names.title("face-manipulation") == "Face manipulation"


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family
        "\U0001f469\U0001f3fd\u200d\U0001f4bb",  # a woman with a skin tone at a computer
        "\u2764\ufe0f\u200d\U0001f525",  # a heart on fire
        "\u0d28\u0d7b\u0d2e\u0d4d\u200d",  # replaced below: a joiner at the end joins nothing
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala: sri
        "\u0915\u094d\u200c\u0937",  # Devanagari, conjunct held apart
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
    ],
)
def test_joiners_stay_where_a_script_or_an_emoji_needs_them(text: str) -> None:
    shown = safe_text(text)
    assert shown == (text if not text.endswith("\u200d") else text[:-1] + "\\u200d")


@pytest.mark.parametrize(
    "text", ["pass\u200dword", "a\u200cb", "\u200dx", "x\u200d", "\u0915\u094d\u200d\u200d\u0937", "\u200c",
             "\u202e\u200d\u202e", "\U0001f468\u200d.exe", "\u0646\u200d\u0645"],
)  # fmt: skip
def test_joiners_that_join_nothing_are_shown(text: str) -> None:
    assert "\\u200" in safe_text(text)


def test_controls_beside_joiners_are_still_escaped() -> None:
    shown = safe_text("\u0915\u094d\u200d\u202e\u0937\u200b\x1b\u2066")
    assert not set(shown) & set("\u202e\u200b\x1b\u2066")
