"""What a report says of errors and of pictures that explain: the figures are those measured, and all have names."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from make_report import make_report

from deepfake_detect.findings import CaseRecord, Delivery, Reason
from deepfake_detect.fuse import parse_calibration
from deepfake_detect.report import measures
from deepfake_detect.report.court import court_document
from deepfake_detect.report.html import render_document, render_report
from deepfake_detect.report.language import Language, translator
from deepfake_detect.report.pictures import Cover
from deepfake_detect.report.terms import known, named
from deepfake_detect.robustness import FACES, PIECES, SOUND

ROOT = Path(__file__).parents[2]
CALIBRATIONS = [p for p in (ROOT / "weights" / "calibration").glob("*.json") if p.name != "explanations.json"]


def test_the_figures_of_the_explanations_are_those_of_the_benchmarks(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "explanations.py"
    text = f"import runpy, json; print(json.dumps(runpy.run_path({str(script)!r})['explanations']()))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    committed = json.loads((ROOT / "weights" / "calibration" / "explanations.json").read_text(encoding="utf-8"))
    assert json.loads(done.stdout) == committed, "run: python benchmarks/explanations.py"
    results = json.loads((ROOT / "benchmarks" / "results" / "visual_map.json").read_text(encoding="utf-8"))
    assert committed["face-manipulation"]["map"]["rows"]["cross"]["pixel_auc"] == pytest.approx(
        results["cross"]["pixel_auc"], abs=5e-4
    )


def test_the_method_tells_how_far_the_pictures_can_be_trusted() -> None:
    report = make_report()
    for page in (
        render_report(report),
        render_document(court_document([report], CaseRecord("C"), Language.EN, Cover.WHOLE)),
    ):
        assert "centre prior" in page and "0.881" in page and "124" in page
    french = render_document(court_document([report], CaseRecord("C"), Language.FR, Cover.WHOLE))
    assert "priori central" in french and "centre prior" not in french


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _names(item)


@pytest.mark.parametrize("path", CALIBRATIONS, ids=lambda path: path.stem)
def test_every_measure_of_a_calibration_file_is_said_in_words(path: Path) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    calibration = parse_calibration(path.read_text(encoding="utf-8"), raw["detector"], raw["weights"]["sha256"])
    unnamed = set()
    for condition in calibration.conditions:
        unnamed |= {name for name in (condition.name, *condition.measured) if not known(name)}
        for key in ("re-shipped", "measured beside"):
            unnamed |= {name for name in _names(condition.measured.get(key)) if not known(name)}
    assert not unnamed, "give them a name in report/terms.py, and in the catalogues"


def test_every_re_shipping_is_said_in_words() -> None:
    for name in {*SOUND, *(name for table in (FACES, PIECES) for names in table.values() for name in names)}:
        assert known(name)
        assert named(name, translator(Language.VI)) != named(name)


def test_error_rates_are_rows_and_tables() -> None:
    report = make_report()
    finding, record = report.findings[0], report.run.detectors[0]
    assert finding.condition is not None
    measured = {"eer": 0.112, "auc_ci95": (0.9, 0.95), "n_real": 1204, "detection_at_false_alarms": {"0.05": 0.4},
                "re-shipped": {"screenshot": {"auc": 0.7, "false_alarms_at_upper": 0.033}}}  # fmt: skip
    record = replace(record, error_rates={finding.condition: measured})
    rows = dict(measures.error_rates(finding, record))
    assert rows["Equal error rate"] == "11.2 %"
    assert rows["AUC, 95 % interval"] == "0.9 to 0.95"
    assert rows["Share found, at these shares of false alarms"] == "5 %: 40 %"
    (table,) = measures.error_tables(finding, record)
    assert table.rows == (("screenshot: shown at 80 %, saved without loss", "0.7", "3.3 %"),)
    assert measures.error_rates(replace(finding, condition="another"), record) == []


def test_the_spread_is_told_whatever_came_of_it() -> None:
    finding = make_report().findings[0]
    assert "between +0.31 and +1.49 after 2 of 3" in measures.spread_sentence(finding)
    table = measures.spread(finding)
    assert table is not None and len(table.rows) == 4
    assert table.rows[-1][-1] == "It is too small in the picture to be tested."
    assert "Not tested" in measures.spread_sentence(replace(finding, deliveries=()))
    none = (Delivery("as_received", 1.0, 1.0), Delivery("screenshot", None, None, Reason.FAILED))
    assert "none of 1" in measures.spread_sentence(replace(finding, deliveries=none))
    for page in (render_report(make_report()), render_document(
        court_document([make_report()], CaseRecord("C"), Language.EN, Cover.WHOLE))):  # fmt: skip
        assert "between +0.31 and +1.49" in page and "H.264, CRF 32" in page
