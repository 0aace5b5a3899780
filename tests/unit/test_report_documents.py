"""Reports for a court and for a survivor: what stands in them, and what never does."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from make_report import HOSTILE, make_failure, make_hostile_report, make_report

from deepfake_detect.case.private import without_pictures
from deepfake_detect.errors import UsageError
from deepfake_detect.findings import CaseRecord, Evidence, Label
from deepfake_detect.report.court import court_document
from deepfake_detect.report.document import Grid
from deepfake_detect.report.html import render_document
from deepfake_detect.report.language import Language
from deepfake_detect.report.pdf import render_pdf
from deepfake_detect.report.pictures import Cover
from deepfake_detect.report.referrals import choose, read_referrals
from deepfake_detect.report.survivor import survivor_document

TODAY = date(2026, 11, 25)


class Tags(HTMLParser):
    """The tags, attributes and addresses of a page, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: list[str] = []
        self.links: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.sources += [value or "" for name, value in attrs if name in ("src", "xlink:href")]
        self.links += [dict(attrs)] if tag == "a" else []


def court(*results, show_media: bool = False, minor: bool = False) -> str:
    cover = Cover.NOTHING if show_media else Cover.WHOLE
    return render_document(court_document(results, CaseRecord("C-1", minor=minor), Language.EN, cover))


def survivor(*results, today: date = TODAY, country: str = "VN", minor: bool = False) -> str:
    helpers = choose(read_referrals(), country, minor)
    return render_document(survivor_document(results, minor, helpers, Language.EN, today))


def test_nothing_of_hostile_media_acts_on_a_page() -> None:
    helpers = {link.target for referral in read_referrals() for link in referral.links}
    for page in (court(make_hostile_report(), make_failure()), survivor(make_hostile_report())):
        tags = Tags()
        tags.feed(page)
        assert tags.names.isdisjoint({"script", "iframe", "object", "embed", "form"})
        assert all(link["href"] in helpers for link in tags.links)
        assert not {name for name in tags.attributes if name.startswith("on")}
        assert all(source.startswith("data:image/png;base64,") for source in tags.sources)
        assert not re.search("[\u202e\u200b\x1b\x07\x9b]", page)


def test_who_helps_can_be_called_or_opened_and_nothing_is_asked_before(tmp_path: Path) -> None:
    page, tags = survivor(make_report()), Tags()
    tags.feed(page)
    assert [(link["href"], link["rel"], link.get("target")) for link in tags.links] == [
        ("tel:111", "noreferrer noopener", None),
        ("https://tongdai111.vn/", "noreferrer noopener", "_blank"),
        ("https://takeitdown.ncmec.org/", "noreferrer noopener", "_blank"),
        ("https://stopncii.org/", "noreferrer noopener", "_blank"),
    ]
    assert '<bdi><a href="tel:111" rel="noreferrer noopener">111</a> (24/7) · <a href=' in page
    assert "default-src 'none'" in page and '<meta http-equiv="x-dns-prefetch-control" content="off">' in page
    assert not re.search(r'<link rel="(?!icon" href="data:,")', page)
    assert "<a " not in court(make_report())
    french = choose(read_referrals(), "FR", False)[0]
    assert [getattr(piece, "target", piece) for piece in french.opening] == ["tel:3018", " · ", "https://3018.fr/"]
    pdf = render_pdf(survivor_document([make_report()], False, read_referrals(), Language.EN, TODAY))
    assert b"tel:111" in pdf and b"https://stopncii.org/" in pdf


@pytest.mark.parametrize(
    "target", ["http://a.example/", "javascript:alert(1)", "https://a.example/?q=1", "tel:1;x", "", 5]
)
def test_a_list_of_ones_own_opens_numbers_and_pages_alone(tmp_path: Path, target: object) -> None:
    entry = (
        'country = "*"\nname = "n"\naddress = "Line 12"\nlanguages = []\nchecked = 2026-11-25\nminors = true\n'
        'for_whom = { en = "all" }\n'
    )
    own = tmp_path / "own.toml"
    own.write_text(f"[[referral]]\n{entry}")
    assert read_referrals(own)[0].opening == ("Line 12",)
    for links in (f'{{ "12" = {json.dumps(target)} }}', '{ "13" = "tel:13" }', '{ "" = "tel:13" }', "5"):
        own.write_text(f"[[referral]]\n{entry}links = {links}\n")
        with pytest.raises(UsageError):
            read_referrals(own)


def test_hostile_text_stays_text_in_a_pdf(tmp_path: Path) -> None:
    attack = '#panic("owned") #read("/etc/passwd") $x$ *bold* ' + "".join(HOSTILE[:16])
    report = make_report()
    report = replace(report, media=replace(report.media, path=attack), coverage_gaps=(attack,))
    path = tmp_path / "report.pdf"
    path.write_bytes(render_pdf(court_document([report], CaseRecord("#" + attack), Language.EN, Cover.WHOLE)))
    shown = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    flat = re.sub(r"\s+", " ", shown)
    assert '#panic("owned")' in flat.replace("“", '"').replace("”", '"') and "*bold*" in flat and "root:" not in flat


def test_a_pdf_holds_vietnamese(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    document = survivor_document([make_report()], False, read_referrals(), Language.VI, TODAY)
    path.write_bytes(render_pdf(document))
    shown = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    assert "Đừng trả tiền" in shown and "Tổng đài quốc gia bảo vệ trẻ em" in shown
    fonts = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout
    assert "NotoSans" in fonts
    assert render_pdf(document) == path.read_bytes()


@pytest.mark.parametrize("label", [*Label, None])
def test_each_label_has_its_survivor_page(label: Label | None) -> None:
    report = make_report()
    verdict = replace(report.verdict, label=label) if label else None
    page = survivor(replace(report, verdict=verdict))
    for text in ("Do not pay", "Do not delete", "whether the picture is real or made", "You need not prove anything"):
        assert text in page
    assert page.index("Do this first") < page.index("Whom to call") < page.index("What was found")
    unproven = label not in (Label.SYNTHETIC, Label.MANIPULATED)
    assert ("This doesn&#39;t mean that the picture is real" in page) == unproven
    assert "<img" not in page and "authentic" not in page.lower() and "quay" not in page


def test_whole_pictures_are_covered_unless_asked_for() -> None:
    report = make_report()
    image = report.subjects[0].evidence[0].image
    whole = replace(report.findings[2], evidence=(Evidence("suspect", "the examined picture", image=image),))
    only = replace(report, findings=(whole,), subjects=())
    assert "data:image/png" not in court(only) and "Whole picture, covered" in court(only)
    assert "data:image/png" in court(only, show_media=True)
    assert "data:image/png" in court(report)


def test_no_picture_where_a_child_may_be_shown() -> None:
    report = without_pictures(make_report())
    assert "<img" not in court(report, minor=True) and "A child is or may be shown" in court(report, minor=True)
    page = survivor(report, minor=True)
    assert "Take It Down" in page and "StopNCII" not in page


def test_old_addresses_are_told_and_countries_chosen(tmp_path: Path) -> None:
    assert "more than a year ago" not in survivor(make_report())
    assert "more than a year ago" in survivor(make_report(), today=TODAY + timedelta(days=366))
    assert "tongdai111" in survivor(make_report()) and "3018" not in survivor(make_report())
    assert "signalementcyber" in survivor(make_report(), country="SN")
    broken = tmp_path / "own.toml"
    broken.write_text("[[referral]]\nname = 'x'\n")
    with pytest.raises(UsageError):
        read_referrals(broken)


def test_an_address_is_not_broken_by_long_texts_beside_it() -> None:
    """On a line of about 90 letters on paper."""
    sentence = "whoever was under 18 in the picture"
    grid = Grid(
        ("Name", "Call or open", "For whom", "Languages"), ((sentence, "takeitdown.ncmec.org", sentence, "en"),)
    )
    assert grid.shares[1] * 0.9 > len("takeitdown.ncmec.org") + 2
