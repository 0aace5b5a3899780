"""The script finds what it looks for; the whole of it takes minutes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ten_kills import Bench, Round, check, is_whole, main, make_files


def test_the_script_sees_a_report_that_is_missing_torn_or_there_twice(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "files", 4, ("--detectors", "provenance"))
    make_files(bench.folder, bench.files)
    bench.run(tmp_path / "case")
    assert check(bench, tmp_path / "case", whole := Round()) is None and whole.faults == []
    reports = sorted((tmp_path / "case" / "data" / "reports").glob("*.json"))
    data = reports[0].read_bytes()
    assert is_whole(reports[0], data) and not is_whole(reports[0], data[:-3])
    assert not is_whole(Path("page.html"), b"<html><body>")
    reports[1].rename(reports[1].with_name("f" * 64 + ".json"))
    reports[0].unlink()
    check(bench, tmp_path / "case", broken := Round())
    assert any("3 reports on 3 of 4 files" in fault for fault in broken.faults)
    assert any(fault.startswith("verify") for fault in broken.faults)


@pytest.mark.slow
def test_ten_kills() -> None:
    assert main([]) == 0
