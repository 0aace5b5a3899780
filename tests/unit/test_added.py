"""Weights that a person adds: what is taken, what is refused by name, and that they abstain until calibrated."""

from __future__ import annotations

import json
import pickle
import shutil
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models
from safetensors.numpy import load, save
from tiny_models import ONNX, picture_card

from deepfake_detect.adding import add_weights, remove_weights
from deepfake_detect.checkpoints import ADDED, WeightStore, user_folder, version_numbers
from deepfake_detect.detect import Registry, Score
from deepfake_detect.detect.added.detectors import log_odds
from deepfake_detect.detect.added.spec import AddedSpec, parse_spec
from deepfake_detect.errors import UsageError, WeightsError
from deepfake_detect.findings import Reason
from deepfake_detect.loading import load_detectors
from deepfake_detect.media import ContainerFacts, Frame, NativeCrop, Picture, Region, Span, SpeechWindow
from deepfake_detect.quiet_onnx import load_onnxruntime

FACTS = ContainerFacts("png", "image/png")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder for each test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return user_folder()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each kind of tiny model."""
    folder = tmp_path_factory.mktemp("models")
    tiny_models.hugging_face_picture(folder / "vit")
    tiny_models.hugging_face_voice(folder / "wav2vec2")
    tiny_models.aasist_checkpoint(folder / "aasist.pth")
    tiny_models.timm_checkpoint(folder / "timm.pth")
    return folder


def card(tmp_path: Path, id_: str = "theirs", kind: str = "onnx", looks_at: str = "pieces", more: str = "") -> Path:
    path = tmp_path / "theirs.toml"
    path.write_text(picture_card(id_, kind, looks_at, more))
    return path


def picture() -> Picture:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    crop = NativeCrop(0.0, Region(0, 0, 64, 64), pixels)
    return Picture(64, 64, False, (crop,), FACTS, (Frame(0.0, pixels),))


def voice(seconds: float = 4.0) -> SpeechWindow:
    sound = np.random.default_rng(0).normal(size=int(seconds * 16_000)).astype(np.float32) * 0.1
    return SpeechWindow(Span(0, seconds), seconds, sound, FACTS)


def scored(id_: str, sample: Any) -> float:
    """What an added detector says of one sample, calibrated or not."""
    detector = Registry().select((id_,))[0].create()
    detector.load(WeightStore(), "cpu")
    (outcome,) = detector.score([sample])
    assert isinstance(outcome, Score)
    return outcome.value


@pytest.mark.parametrize("looks_at", ["picture", "pieces"])
def test_onnx_with_a_card_gives_what_its_graph_gives(looks_at: str, tmp_path: Path) -> None:
    onnxruntime = load_onnxruntime()
    entry = add_weights(ONNX, card=card(tmp_path, looks_at=looks_at))
    assert (entry.id, entry.version, entry.origin, entry.licence) == ("theirs", "1.0.0", ADDED, "not stated")
    import cv2

    small = cv2.resize(picture().crops[0].pixels, (32, 32), interpolation=cv2.INTER_AREA)
    values = (small / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    session = onnxruntime.InferenceSession(ONNX.read_bytes())
    ((logits,),) = session.run(None, {"picture": values.transpose(2, 0, 1)[None].astype(np.float32)})
    assert scored("theirs", picture()) == pytest.approx(float(logits[1] - logits[0]), abs=1e-4)


def test_hugging_face_gives_what_transformers_gives(models: Path) -> None:
    import torch
    from transformers import ViTForImageClassification, ViTImageProcessor

    add_weights(models / "vit", id_="vit", synthetic=["fake"])
    model = ViTForImageClassification.from_pretrained(models / "vit").eval()
    inputs = ViTImageProcessor.from_pretrained(models / "vit")(picture().overviews[0].pixels, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**inputs).logits[0]
    assert scored("vit", picture()) == pytest.approx(float(logits[1] - logits[0]), abs=1e-4)


def test_a_hugging_face_voice_gives_what_transformers_gives(models: Path) -> None:
    import torch
    from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    add_weights(models / "wav2vec2", id_="voice-of-theirs", synthetic=["machine"])
    model = Wav2Vec2ForSequenceClassification.from_pretrained(models / "wav2vec2").eval()
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(models / "wav2vec2")
    with torch.inference_mode():
        logits = model(**extractor(voice().samples, sampling_rate=16_000, return_tensors="pt")).logits[0]
    assert scored("voice-of-theirs", voice()) == pytest.approx(float(logits[1] - logits[0]), abs=1e-4)


def test_no_network_is_asked_for(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    add_weights(models / "vit", id_="vit", synthetic=["fake"])
    assert np.isfinite(scored("vit", picture()))


def test_a_checkpoint_of_timm_is_converted_once(models: Path, tmp_path: Path, own_folder: Path) -> None:
    add_weights(models / "timm.pth", card=card(tmp_path, kind="timm", more='architecture = "test_resnet"'))
    assert np.isfinite(scored("theirs", picture()))
    kept = [path.suffix for path in (own_folder / "theirs").rglob("*") if path.is_file()]
    assert kept == [".safetensors"]


def test_aasist_is_recognised_and_scored_as_its_network_does(models: Path) -> None:
    import torch

    from deepfake_detect.detect.networks.aasist import SAMPLES, build_aasist

    entry = add_weights(models / "aasist.pth")
    assert (entry.id, entry.licence) == ("aasist-l", "not stated"), "only the released bytes are known to be MIT"
    network = build_aasist(torch.load(models / "aasist.pth", weights_only=True))
    with torch.inference_mode():
        expected = network(torch.from_numpy(np.resize(voice().samples, SAMPLES))[None])["score"]
    assert scored("aasist-l", voice()) == pytest.approx(float(expected), abs=1e-4)


def test_it_abstains_until_it_is_calibrated(tmp_path: Path) -> None:
    add_weights(ONNX, card=card(tmp_path))
    _, (loaded,) = load_detectors(Registry().select(("theirs",)), WeightStore(), "cpu")
    (outcome,) = loaded.score([picture()])
    assert outcome.reason is Reason.NOT_CALIBRATED and "calibrate theirs" in outcome.detail  # type: ignore[union-attr]
    assert loaded.record.origin == ADDED and loaded.record.weights == ()


def test_plugins_off_leaves_added_ones_out(tmp_path: Path) -> None:
    add_weights(ONNX, card=card(tmp_path))
    assert "theirs" in Registry().ids() and "theirs" not in Registry(plugins=False).ids()
    assert Registry().plugins() == ("theirs (added by the user)",)


def test_the_odds_of_several_labels_and_of_probabilities() -> None:
    spec = parse_spec({**_raw(), "labels": ["real", "gan", "diffusion"], "synthetic": ["gan", "diffusion"]})
    logits = np.log(np.array([[0.2, 0.3, 0.5]], np.float32))
    assert log_odds(logits, spec)[0] == pytest.approx(np.log(4), abs=1e-5)
    assert log_odds(np.exp(logits), _with(spec, output="probabilities"))[0] == pytest.approx(np.log(4), abs=1e-5)
    one = parse_spec({**_raw(), "labels": ["fake"], "synthetic": ["fake"]})
    assert log_odds(np.array([[1.5]], np.float32), one)[0] == pytest.approx(1.5)
    sure = log_odds(np.array([[1.0], [0.8], [0.0]], np.float32), _with(one, output="probabilities"))
    assert np.isfinite(sure).all() and sure[1] == pytest.approx(np.log(4), abs=1e-5)


def _raw() -> dict[str, Any]:
    return {"id": "x", "version": "1.0.0", "kind": "onnx", "looks_at": "pieces", "labels": ["a", "b"],
            "synthetic": ["b"]}  # fmt: skip


def _with(spec: AddedSpec, **changes: Any) -> AddedSpec:
    return parse_spec({**json.loads(spec.as_json()), **changes})


class _Runs:
    """A pickle that acts when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("touched-by-a-pickle"),)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    torch.save({"weight": torch.zeros(1), "x": _Runs()}, tmp_path / "evil.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Runs()))
    for name in ("evil.pth", "plain.pth"):
        with pytest.raises(WeightsError, match=name):
            add_weights(tmp_path / name, card=card(tmp_path, kind="timm", more='architecture = "test_resnet"'))
    assert not (tmp_path / "touched-by-a-pickle").exists()
    assert not user_folder().exists()


def test_pickled_tensors_of_hugging_face_are_refused(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(models / "vit", folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="0 safetensors"):
        add_weights(folder, id_="vit", synthetic=["fake"])


@pytest.mark.parametrize("cut", [0, 7, 100])
def test_cut_files_are_refused(cut: int, tmp_path: Path) -> None:
    for name in ("cut.onnx", "cut.safetensors", "cut.pth"):
        (tmp_path / name).write_bytes(ONNX.read_bytes()[:cut])
        kind = "onnx" if name.endswith(".onnx") else "timm"
        with pytest.raises(WeightsError, match=r"theirs|cut\.pth"):
            add_weights(tmp_path / name, card=card(tmp_path, kind=kind, more='architecture = "test_resnet"'))
    assert not user_folder().exists()


def test_a_flipped_byte_is_refused_by_name(tmp_path: Path, own_folder: Path) -> None:
    add_weights(ONNX, card=card(tmp_path))
    path = own_folder / "theirs" / "1.0.0" / "model.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"model\.onnx"):
        scored("theirs", picture())
    assert [s.state for s in WeightStore().verify() if s.entry.id == "theirs"] == ["changed"]
    path.unlink()
    assert [s.state for s in WeightStore().verify() if s.entry.id == "theirs"] == ["missing"]


def test_a_network_that_gives_other_outputs_than_labels_is_refused(models: Path, tmp_path: Path) -> None:
    path = card(tmp_path)
    path.write_text(path.read_text().replace('["real", "fake"]', '["real", "fake", "third"]'))
    with pytest.raises(WeightsError, match=r"shape \(1, 2\).*3 labels"):
        add_weights(ONNX, card=path)
    path.write_text(picture_card("theirs", "timm", "pieces", 'architecture = "test_resnet"').replace("real", "a"))
    with pytest.raises(WeightsError, match="do not fit"):
        add_weights(models / "aasist.pth", card=path)


def test_tensors_of_another_shape_are_refused(models: Path, tmp_path: Path) -> None:
    """`from_pretrained` alone would put random numbers in their place."""
    for change in ("shape", "missing"):
        folder = tmp_path / change
        shutil.copytree(models / "vit", folder)
        tensors = load((folder / "model.safetensors").read_bytes())
        bias = tensors.pop("classifier.bias")
        if change == "shape":
            tensors["classifier.bias"] = np.zeros(len(bias) + 1, np.float32)
        (folder / "model.safetensors").write_bytes(save(tensors))
        with pytest.raises(WeightsError, match="do not fit|does not load"):  # noqa: RUF043
            add_weights(folder, id_="vit", synthetic=["fake"])


def test_labels_that_are_missing_are_asked_for(models: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="synthetic"):
        add_weights(models / "vit", id_="vit")
    with pytest.raises(WeightsError, match="synthetic"):
        add_weights(models / "vit", id_="vit", synthetic=["forged"])
    tiny_models.hugging_face_picture(tmp_path / "unnamed", {0: "LABEL_0", 1: "LABEL_1"})
    with pytest.raises(WeightsError, match="labels"):
        add_weights(tmp_path / "unnamed", id_="vit", synthetic=["LABEL_1"])


def test_code_that_comes_with_a_model_is_refused(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "with-code"
    shutil.copytree(models / "vit", folder)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForImageClassification": "modeling.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modeling.py").write_text("raise SystemExit('code was run')")
    with pytest.raises(WeightsError, match="auto_map"):
        add_weights(folder, id_="vit", synthetic=["fake"])


def test_paths_out_of_the_folder_are_refused(models: Path, tmp_path: Path, own_folder: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    shutil.copy(ONNX, tmp_path / "outside.onnx")
    (folder / "card.toml").write_text(picture_card("theirs", "onnx", "pieces", 'file = "../outside.onnx"'))
    with pytest.raises(WeightsError, match="outside"):
        add_weights(folder)
    linked = tmp_path / "linked"
    shutil.copytree(models / "vit", linked)
    (linked / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    (linked / "model.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    with pytest.raises(WeightsError, match="link out"):
        add_weights(linked, id_="vit", synthetic=["fake"])
    add_weights(ONNX, card=card(tmp_path))
    manifest = own_folder / "added.json"
    for wrong in ("../x.onnx", "other/x.onnx", "/etc/passwd"):
        manifest.write_text(manifest.read_text().replace("theirs/1.0.0/model.onnx", wrong))
        with pytest.raises(WeightsError):
            WeightStore().entries()
        manifest.write_text(manifest.read_text().replace(wrong, "theirs/1.0.0/model.onnx"))


def test_an_onnx_graph_may_not_name_other_files(tmp_path: Path) -> None:
    """The key and value that a graph with tensors elsewhere holds, in a field that a reader skips."""
    entry = b"\x0a\x08location\x12\x0b/etc/passwd"
    (tmp_path / "elsewhere.onnx").write_bytes(ONNX.read_bytes() + b"\xfa\x7f" + bytes([len(entry)]) + entry)
    with pytest.raises(WeightsError, match="other files"):
        add_weights(tmp_path / "elsewhere.onnx", card=card(tmp_path))


@pytest.mark.parametrize("id_", ["synthetic-voice", "clip-vit-b16", "provenance", "originals", "Theirs", "../x", ""])
def test_ids_that_are_taken_or_none_are_refused(id_: str, tmp_path: Path) -> None:
    with pytest.raises((UsageError, WeightsError), match="id"):
        add_weights(ONNX, card=card(tmp_path), id_=id_)
    assert not user_folder().exists()


def test_an_id_that_was_taken_behind_our_back_stops_the_run(tmp_path: Path, own_folder: Path) -> None:
    add_weights(ONNX, card=card(tmp_path))
    manifest = own_folder / "added.json"
    manifest.write_text(manifest.read_text().replace("theirs", "synthetic-voice"))
    with pytest.raises(UsageError, match="synthetic-voice"):
        Registry()
    with pytest.raises(WeightsError, match="synthetic-voice"):
        WeightStore().entries()
    remove_weights("synthetic-voice")
    assert Registry().ids() == Registry(plugins=False).ids()


def test_an_update_needs_a_higher_version(tmp_path: Path, own_folder: Path) -> None:
    add_weights(ONNX, card=card(tmp_path), version="1.9.0")
    for lower in ("1.9.0", "1.2.0"):
        with pytest.raises(UsageError, match="not higher"):
            add_weights(ONNX, card=card(tmp_path), version=lower)
    add_weights(ONNX, card=card(tmp_path), version="1.10.0")
    assert [path.name for path in (own_folder / "theirs").iterdir()] == ["1.10.0"]
    assert version_numbers("1.10.0") > version_numbers("1.9.0")


def test_removed_is_gone(tmp_path: Path, own_folder: Path) -> None:
    add_weights(ONNX, card=card(tmp_path))
    remove_weights("theirs")
    assert "theirs" not in Registry().ids() and not (own_folder / "theirs").exists()
    for id_ in ("theirs", "synthetic-voice", "../theirs"):
        with pytest.raises(UsageError):
            remove_weights(id_)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"colour": 1}, "colour"), ({"labels": "real"}, "labels"), ({"side": 3}, "side"), ({"side": "224"}, "side"),
        ({"std": [0, 1, 1]}, "std"), ({"version": "1"}, "version"), ({"kind": "pickle"}, "kind"),
        ({"labels": []}, "labels"), ({"synthetic": ["a", "b"]}, "opposite"), ({"licence": "x" * 501}, "500"),
        ({"looks_at": "everything"}, "looks_at"), ({"kind": "timm"}, "architecture"),
    ],
)  # fmt: skip
def test_a_wrong_card_is_refused_by_field(change: dict[str, Any], named: str) -> None:
    with pytest.raises(WeightsError, match=named):
        parse_spec({**_raw(), **change})
    with pytest.raises(WeightsError, match="looks_at"):
        parse_spec({key: value for key, value in _raw().items() if key != "looks_at"})


def test_sound_at_another_rate_is_refused(tmp_path: Path) -> None:
    tiny_models.hugging_face_voice(tmp_path / "slow", rate=8_000)
    with pytest.raises(WeightsError, match="8000 Hz"):
        add_weights(tmp_path / "slow", id_="slow", synthetic=["machine"])


@pytest.mark.parametrize("text", ["", "[]", '{"weights": 3}', '{"weights": [3]}', '{"weights": [{}]}', "\xff"])
def test_a_broken_manifest_is_told_and_can_be_left_out(text: str, own_folder: Path) -> None:
    own_folder.mkdir(parents=True)
    (own_folder / "added.json").write_text(text, encoding="latin-1")
    with pytest.raises(WeightsError, match=r"added\.json"):
        Registry()
    assert "synthetic-voice" in Registry(plugins=False).ids()
    assert WeightStore().entry("synthetic-voice")


@pytest.mark.parametrize("spec", ["", "3", "{", '{"id": "theirs"}'])
def test_a_broken_spec_is_told(spec: str, tmp_path: Path, own_folder: Path) -> None:
    add_weights(ONNX, card=card(tmp_path))
    manifest = json.loads((own_folder / "added.json").read_text())
    manifest["weights"][0]["spec"] = spec
    (own_folder / "added.json").write_text(json.dumps(manifest))
    with pytest.raises(WeightsError):
        Registry().select(("theirs",))[0].create()


def _noise(path: Path, value: int, seed: int) -> None:
    """A PNG of noise around ``value``, whose mean the tiny graph sees."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    Image.fromarray(np.clip(rng.normal(value, 25, (64, 64, 3)), 0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Path]:
    """36 dark real and 36 bright synthetic pictures, one of them twice, and one that is none."""
    for side, value in (("real", 80), ("synthetic", 170)):
        (tmp_path / "known" / side).mkdir(parents=True)
        for i in range(36):
            _noise(tmp_path / "known" / side / f"{i}.png", value, i + value)
    shutil.copy(tmp_path / "known" / "real" / "0.png", tmp_path / "known" / "real" / "again.png")
    (tmp_path / "known" / "real" / "broken.png").write_bytes(struct.pack("8s", b"\x89PNG\r\n\x1a\n"))
    yield tmp_path / "known"


def test_calibrate_measures_on_the_files_given_and_the_detector_answers(known: Path, tmp_path: Path) -> None:
    from deepfake_detect.calibrating import calibrate

    add_weights(ONNX, card=card(tmp_path))
    made = calibrate("theirs", known)
    assert made.left_out == {"the same bytes again": 1, "could not be read": 1}
    (condition,) = made.fitted.conditions
    assert (condition.name, condition.measured["n_real"], condition.measured["n_synthetic"]) == ("crisp", 36, 36)
    _, (loaded,) = load_detectors(Registry().select(("theirs",)), WeightStore(), "cpu")
    assert loaded.refusal is None and loaded.record.experimental
    assert "36 real and 36 synthetic" in loaded.record.experimental_reason
    assert loaded.record.calibration_sha256 and [w.origin for w in loaded.record.weights] == [ADDED]
    made.path.write_text(made.path.read_text().replace('"lower": ', '"lower": -'))
    _, (changed,) = load_detectors(Registry().select(("theirs",)), WeightStore(), "cpu")
    assert changed.refusal is not None and "calibration.json" in changed.refusal.detail


def test_calibrate_refuses_what_it_cannot_stand_behind(known: Path, tmp_path: Path) -> None:
    from deepfake_detect.calibrating import calibrate

    add_weights(ONNX, card=card(tmp_path))
    with pytest.raises(UsageError, match="no added detector"):
        calibrate("synthetic-voice", known)
    with pytest.raises(UsageError, match="real/ and synthetic/"):
        calibrate("theirs", tmp_path)
    shutil.copy(known / "real" / "1.png", known / "synthetic" / "both.png")
    with pytest.raises(UsageError, match=r"both\.png|1\.png"):
        calibrate("theirs", known)
    for path in sorted((known / "real").glob("*.png"))[:10]:
        path.unlink()
    (known / "synthetic" / "both.png").unlink()
    with pytest.raises(UsageError, match="too few"):
        calibrate("theirs", known)
    assert WeightStore().entry("theirs").calibration is None


def test_a_manifest_and_folders_give_the_same_files(known: Path, tmp_path: Path) -> None:
    from deepfake_detect.calibrating import known_files

    files = known_files(known)
    assert len(files) == 36 + 36 + 2
    assert len({f.group for f in files}) == len(files), "no folders: each file alone"
    lines = [
        f"{f.path.relative_to(known)},{'fake' if f.synthetic else 'real'},film {i % 7}" for i, f in enumerate(files)
    ]
    (known / "manifest.csv").write_text("\n".join(["file,label,source_path", *lines]))
    listed = known_files(known)
    assert [(f.path, f.synthetic) for f in listed] == [(f.path, f.synthetic) for f in files]
    assert {f.group for f in listed} == {f"film {i}" for i in range(7)}
    (known / "manifest.csv").write_text("file,label\nreal/0.png,authentic")
    with pytest.raises(UsageError, match="authentic"):
        known_files(known)
    (known / "manifest.csv").write_text("file,kind\nreal/0.png,real")
    with pytest.raises(UsageError, match="columns"):
        known_files(known)
    (known / "manifest.csv").unlink()
    for i in range(6):
        (known / "real" / f"source-{i}").mkdir()
        (known / "real" / f"{i}.png").rename(known / "real" / f"source-{i}" / f"{i}.png")
    groups = [f.group for f in known_files(known) if not f.synthetic]
    assert groups.count("real/source-1") == 1 and len(set(groups)) == len(groups)
