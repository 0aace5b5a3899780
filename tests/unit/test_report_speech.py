"""What a report says beside a line on a voice: the language as it was stated, and that speakers were not told apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from make_report import make_report

from deepfake_detect.errors import UsageError
from deepfake_detect.findings import CaseRecord, Report, language_condition
from deepfake_detect.options import ScanOptions, parse_language
from deepfake_detect.report.court import court_document
from deepfake_detect.report.html import render_document, render_report
from deepfake_detect.report.language import Language
from deepfake_detect.report.pictures import Cover
from deepfake_detect.report.speech import voice_notes

MEASURED = {"eer": 0.1034, "n_real": 19, "n_synthetic": 60}


def stated(language: str | None) -> Report:
    report = make_report()
    detectors = tuple(
        replace(d, error_rates={language_condition("vi"): MEASURED}) if d.id == "synthetic-voice" else d
        for d in report.run.detectors
    )
    options = ScanOptions(language=language).as_json()
    return replace(report, run=replace(report.run, detectors=detectors, options=options))


def notes(language: str | None) -> tuple[str, ...]:
    report = stated(language)
    (voice, *_), records = [f for f in report.findings if f.subject == "voice"], report.run.detectors
    return voice_notes(voice, next(r for r in records if r.id == voice.detector), report.run)


def test_a_measured_language_comes_with_its_rate() -> None:
    apart, spoken = notes("vi-VN")
    assert "not told apart" in apart
    assert "Vietnamese (vi-VN)" in spoken and "10 %" in spoken and "19 real and 60 synthetic" in spoken


@pytest.mark.parametrize(("language", "words"), [("wo", "Wolof (wo). It was not measured"), (None, "not guessed")])
def test_a_language_that_was_not_measured_or_not_stated_is_told(language: str | None, words: str) -> None:
    spoken = notes(language)[1]
    assert words in spoken and "10 %" not in spoken


def test_only_lines_on_a_voice_have_such_notes() -> None:
    report = stated("vi")
    face = next(f for f in report.findings if f.subject == "person-1")
    assert voice_notes(face, report.run.detectors[0], report.run) == ()


def test_the_page_and_the_court_report_in_each_language_show_them() -> None:
    report = stated("vi")
    assert "Vietnamese (vi)" in render_report(report)
    words = {Language.EN: "not told apart", Language.FR: "pas été distingués", Language.VI: "không được phân biệt"}
    for language, expected in words.items():
        page = render_document(court_document([report], CaseRecord(), language, Cover.WHOLE))
        assert expected in page and "(vi)" in page and "10 %" in page


@pytest.mark.parametrize(("text", "tag"), [("VI", "vi"), ("fr_ca", "fr-CA"), ("zh-Hant-tw", "zh-Hant-TW")])
def test_a_language_tag_is_put_into_its_usual_form(text: str, tag: str) -> None:
    assert parse_language(text) == tag


@pytest.mark.parametrize("text", ["", "Vietnamese!", "v", "<b>", "vi\n=1+1", "ví"])
def test_what_is_no_language_tag_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_language(text)
