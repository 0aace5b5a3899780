"""The README's figures on speed are those that were measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"


def test_the_readme_has_the_table_that_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import speed

    monkeypatch.delitem(sys.modules, "speed")
    results = json.loads((RESULTS / "speed.json").read_text())
    readme = (ROOT / "README.md").read_text()
    assert speed.with_table(readme, results) == readme
    assert speed.text(results) == (RESULTS / "speed.md").read_text()
