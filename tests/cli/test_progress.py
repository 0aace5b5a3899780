"""What a run says while it works, at no terminal."""

from __future__ import annotations

import pytest
from deepfake_detect.cli import progress
from make_report import make_report

from deepfake_detect.progress import Event, FileFinished, FileSkipped, FileStarted, RunStarted

EVENTS: list[Event] = [
    RunStarted(3), FileStarted(0, "a\x1b[2J.jpg"), FileFinished(0, "a", make_report()), FileStarted(1, "b.jpg"),
    FileSkipped(1, "b.jpg"), FileStarted(2, "c.jpg"), FileFinished(2, "c.jpg", make_report()),
]  # fmt: skip


@pytest.mark.parametrize("named", [True, False])
def test_plain_lines_tell_files_rate_time_left_and_findings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    clock = iter(range(0, 1000, 11))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with progress.shown(False, named) as show:
        for event in EVENTS:
            show(event)
    out, err = capsys.readouterr()
    first, *others, last = err.splitlines()
    assert out == "" and "\x1b" not in err
    shown = "a\\x1b[2J.jpg" if named else "file 1"
    assert first == f"0/3 files, 0 flagged, now {shown}"
    assert "1/3 files" in others[0] and "a second, about" in others[0] and "1 flagged" in others[0]
    assert last.startswith("3/3 files in ") and last.endswith("2 flagged")
    assert ("b.jpg" in err) is named


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown(True) as show:
        for event in EVENTS:
            show(event)
    assert capsys.readouterr().err == ""
