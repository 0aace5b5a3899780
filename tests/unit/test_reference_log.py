"""The log of the benchmark of originals: it goes on with the arguments that it was begun with, and with no others."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import reference

    return reference


def test_a_log_goes_on_with_its_own_arguments_alone(
    reference: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(reference, "prepared", stop)  # what follows needs the packages
    monkeypatch.setattr(reference, "_log", None)
    log = tmp_path / "log.jsonl"
    same = [str(tmp_path), str(tmp_path / "crops"), "--every", "5", "--log", str(log)]
    with pytest.raises(InterruptedError):
        reference.main(same)
    begun = log.read_bytes()
    assert json.loads(begun)["arguments"]["every"] == 5
    assert reference.run(abs, [-1, -2, -3], 1, "numbers") == [1, 2, 3]
    with pytest.raises(InterruptedError):
        reference.main([*same, "--workers", "3"])
    assert reference.run(str, [-1, -2, -3, -4], 1, "numbers") == [1, 2, 3, "-4"]

    kept = log.read_bytes()
    for other, named in ((["--pairs", "7"], "pairs 3000, now 7"), (["--every", "4"], "every 5, now 4")):
        with pytest.raises(SystemExit, match=named):
            reference.main([*same, *other])
    assert log.read_bytes() == kept

    log.write_text('{"of": "numbers", "result": 1}\n')
    with pytest.raises(SystemExit, match="does not say what it was begun with"):
        reference.main(same)
