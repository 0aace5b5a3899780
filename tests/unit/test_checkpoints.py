"""Weights are the ones that the manifest pins, or they are refused by name."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from deepfake_detect.checkpoints import WEIGHTS_VARIABLE, WeightStore, parse_manifest
from deepfake_detect.errors import WeightsError, WeightsMissingError

ROOT = Path(__file__).parents[2]
ENTRY = """
[[weights]]
id = "x"
version = "1"
kind = "head"
licence = "MIT"
commercial_use = true
source = "made"
[[weights.files]]
path = "{path}"
format = "{format}"
bytes = 1
sha256 = "00"
"""


def entry(path: str = "shipped/x.onnx", format_: str = "onnx") -> str:
    return ENTRY.format(path=path, format=format_)


def test_every_shipped_file_is_intact_and_known() -> None:
    store = WeightStore()
    assert [f"{s.entry.id} {s.file.path} {s.state}" for s in store.verify() if s.state != "ok"] == []
    pinned = {str(f.path) for e in store.entries() for f in e.files if f.package is None}
    shipped = {str(p.relative_to(ROOT / "weights")) for p in (ROOT / "weights" / "shipped").iterdir()}
    assert pinned == shipped


def test_no_shipped_file_is_a_pickle_or_too_large() -> None:
    for path in (ROOT / "weights" / "shipped").iterdir():
        assert path.suffix in {".safetensors", ".onnx"}
        assert path.stat().st_size < 95e6


def test_every_shipped_set_has_a_card() -> None:
    store = WeightStore()
    for found in store.entries():
        if any(f.package is None for f in found.files):
            assert found.card is not None
            assert len(store.text(found.card)) > 200


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.onnx", "a/../../x.onnx", "C:/x.onnx", "a\\\\x.onnx"])
def test_a_path_outside_is_refused(path: str) -> None:
    with pytest.raises(WeightsError, match="leaves its folder"):
        parse_manifest(entry(path))


@pytest.mark.parametrize("format_", ["pickle", "pt", "torchscript", ""])
def test_a_foreign_format_is_refused(format_: str) -> None:
    with pytest.raises(WeightsError, match="refused"):
        parse_manifest(entry(format_=format_))


@pytest.mark.parametrize("text", ["[[weights]]", "weights = 3", "not toml", entry() + entry(), "[[weights]]\nid = 1"])
def test_a_broken_manifest_is_refused(text: str) -> None:
    with pytest.raises(WeightsError):
        parse_manifest(text)


def test_one_flipped_byte_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = next(e for e in WeightStore().entries() if any(f.package is None for f in e.files))
    file = min(found.files, key=lambda f: f.bytes)
    target = tmp_path / file.path
    target.parent.mkdir(parents=True)
    shutil.copy(ROOT / "weights" / file.path, target)
    for store in (WeightStore(tmp_path), _by_variable(tmp_path, monkeypatch)):
        assert store.locate(found, file) == target
        assert hashlib.sha256(store.read(found, file)).hexdigest() == file.sha256
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 1
    target.write_bytes(data)
    with pytest.raises(WeightsError, match=target.name):
        WeightStore(tmp_path).read(found, file)
    assert {s.state for s in WeightStore(tmp_path).verify() if s.file == file} == {"changed"}


def _by_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> WeightStore:
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(folder))
    return WeightStore()


def test_an_unknown_id_is_missing() -> None:
    with pytest.raises(WeightsMissingError, match="nothing-like-it"):
        WeightStore().entry("nothing-like-it")
