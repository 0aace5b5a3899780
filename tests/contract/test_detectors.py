"""What holds for every registered detector, on samples cut from real media: the built-in ones with the real weights,
and added ones, of every kind of sample, with tiny random weights.
"""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models
from PIL import Image, PngImagePlugin

from deepfake_detect.adding import add_weights, pin_calibration
from deepfake_detect.calibrating import SPLITS
from deepfake_detect.checkpoints import WeightsEntry, WeightStore
from deepfake_detect.deadline import Deadline
from deepfake_detect.detect import Facts, Outcome, Refusal, RegisteredDetector, Registry, Score
from deepfake_detect.detect.runtime import TORCH_CPU
from deepfake_detect.errors import WeightsMissingError
from deepfake_detect.findings import Reason
from deepfake_detect.fuse.fit import Row, as_json, fit
from deepfake_detect.gather import Finders, gather
from deepfake_detect.ingest import open_media
from deepfake_detect.loading import LoadedDetector, load_detectors
from deepfake_detect.media import FaceTrack, Picture, SamplingPlan, SpeechWindow

SAMPLES = Path(__file__).parents[2] / "samples"
MEDIA = ("portrait.jpg", "portrait-face-altered.jpg", "clip-face-altered.mp4", "speech.flac", "speech-espeak.opus")
BUILT_IN = Registry(plugins=False).ids()
ADDED = {"tiny-picture": "picture", "tiny-pieces": "pieces", "tiny-face": "face", "tiny-voice": "voice"}
IDS = (*BUILT_IN, *ADDED)
BATCH_TOLERANCE = 1e-3  # of a raw score, alone against in a batch
RUNTIME_TOLERANCE = 5e-2  # of a raw score, onnxruntime against torch

Samples = dict[type, tuple[Any, ...]]


@pytest.fixture(scope="session")
def samples() -> Samples:
    """The samples of six files, by what detectors consume, ending with an extreme one of each kind.

    Two crops and five seconds of each are enough here, and keep the suite short.
    """
    store = WeightStore()
    finders = Finders(store, "cpu", faces=True, speech=True)
    found: dict[type, list[Any]] = {}
    for source in (_declared_picture(), *(SAMPLES / name for name in MEDIA)):
        with open_media(source) as opened:
            for kind, items in gather(
                opened, SamplingPlan(max_frames=2, max_audio_seconds=5), finders, Deadline()
            ).samples.items():
                found.setdefault(kind, []).extend(map(_shortened, items))
    return {kind: (*items, _extreme(items[0])) for kind, items in found.items()}


def _declared_picture() -> bytes:
    """A picture that says in its own words which generator made it."""
    buffer = io.BytesIO()
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: v1-5")
    Image.effect_noise((256, 256), 60).convert("RGB").save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def _shortened(sample: Any) -> Any:
    if isinstance(sample, FaceTrack):
        return replace(sample, faces=sample.faces[:2])
    if isinstance(sample, Picture):
        return replace(sample, crops=sample.crops[:2], overviews=sample.overviews[:2])
    return sample


def _extreme(sample: Any) -> Any:
    """A sample of the same shape with values that real media do not have."""
    rng = np.random.default_rng(0)

    def noise(pixels: np.ndarray) -> np.ndarray:
        return (rng.integers(0, 2, pixels.shape) * 255).astype(np.uint8)

    if isinstance(sample, FaceTrack):
        return replace(sample, faces=tuple(replace(f, pixels=noise(f.pixels)) for f in sample.faces))
    if isinstance(sample, Picture):
        crops, frames = (
            tuple(replace(c, pixels=noise(c.pixels)) for c in part) for part in (sample.crops, sample.overviews)
        )
        return replace(sample, crops=crops, overviews=frames)
    if isinstance(sample, SpeechWindow):
        return replace(sample, samples=np.sign(rng.normal(size=sample.samples.shape)).astype(np.float32))
    return sample


@pytest.fixture(scope="module", autouse=True)
def added(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tiny models, added and calibrated in a data folder of their own; the curves are of made-up scores."""
    folder = tmp_path_factory.mktemp("added")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        card = folder / "card.toml"
        card.write_text(tiny_models.picture_card("tiny-pieces", "onnx", "pieces"))
        _calibrate(add_weights(tiny_models.ONNX, card=card))
        card.write_text(tiny_models.picture_card("tiny-face", "timm", "face", 'architecture = "test_resnet"'))
        _calibrate(add_weights(tiny_models.timm_checkpoint(folder / "timm.pth"), card=card))
        vit = tiny_models.hugging_face_picture(folder / "vit")
        _calibrate(add_weights(vit, id_="tiny-picture", synthetic=["fake"]))
        voice = tiny_models.hugging_face_voice(folder / "voice")
        _calibrate(add_weights(voice, id_="tiny-voice", synthetic=["machine"]))
        yield


def _calibrate(entry: WeightsEntry) -> None:
    """A calibration of each condition, from its lowest quantities on."""
    rng, looks_at = np.random.default_rng(0), ADDED[entry.id]
    names = {"voice": ("high_band_db", "dynamics_db"), "face": ("face_px", "detail")}
    lowest = dict.fromkeys(names.get(looks_at, ("short_side", "detail")), -100.0)
    parts = [{n: low for n, (low, _) in ranges.items() if low is not None} for ranges in SPLITS[looks_at].values()]
    rows = [
        Row(float(rng.normal(fake)), fake, lowest | part, str(i))
        for part in parts
        for fake in (False, True)
        for i in range(100)
    ]
    weights = {"id": entry.id, "sha256": entry.sha256}
    made = as_json(fit(rows, SPLITS[looks_at]), entry.id, weights, "made up", {})
    pin_calibration(entry.id, json.dumps(made))


def registered(id_: str) -> RegisteredDetector:
    (found,) = Registry(plugins=id_ in ADDED).select((id_,))
    return found


@pytest.fixture(scope="module", params=IDS)
def loaded(request: pytest.FixtureRequest, added: None) -> LoadedDetector:
    """Each detector, loaded."""
    _, (detector,) = load_detectors((registered(request.param),), WeightStore(), "cpu")
    return detector


def same(one: Outcome, other: Outcome, tolerance: float) -> bool:
    if isinstance(one, Score) and isinstance(other, Score):
        return abs(one.value - other.value) <= tolerance
    return one == other


def score(loaded: LoadedDetector, samples: Sequence[Any]) -> list[Outcome]:
    assert loaded.detector is not None
    return loaded.detector.score(samples)


@pytest.fixture(scope="module")
def outcomes(loaded: LoadedDetector, samples: Samples) -> list[Outcome]:
    """What each detector says of its samples, all at once."""
    return score(loaded, samples[loaded.card.consumes])


def test_it_is_ready(loaded: LoadedDetector) -> None:
    assert loaded.refusal is None
    assert loaded.record.device in {"cpu", "none"}
    assert [w.id for w in loaded.record.weights] == list(loaded.card.weights)


def test_its_card_is_complete(loaded: LoadedDetector) -> None:
    card = loaded.card
    assert card.id in IDS
    assert all((card.version, card.title, card.licence, card.paper, card.limits))
    assert card.batch_size >= 1
    assert all(limit.strip() for limit in card.limits)
    assert (card.proposition is not None) == card.content
    if card.content:
        assert any("nud" in limit for limit in card.limits) or card.consumes is SpeechWindow
    store = WeightStore()
    if not all(store.entry(id_).commercial_use for id_ in card.weights):
        assert not card.commercial_use


def test_making_one_loads_nothing_heavy(loaded: LoadedDetector) -> None:
    code = (
        "import sys; from deepfake_detect.detect import Registry;"
        f"Registry({loaded.card.id in ADDED}).select(({loaded.card.id!r},))[0].create();"
        "print(sorted({'torch', 'onnxruntime', 'cv2', 'librosa', 'transformers', 'timm'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_its_calibration_says_what_was_measured(loaded: LoadedDetector) -> None:
    if not loaded.card.content:
        assert loaded.calibration is None
        return
    calibration = loaded.calibration
    assert calibration is not None
    assert calibration.conditions
    assert calibration.lower < calibration.upper
    assert bool(calibration.experimental_reason) == calibration.experimental
    for condition in calibration.conditions:
        assert condition.llr_min < 0 < condition.llr_max <= 4
        assert int(condition.measured["n_real"]) > 0  # type: ignore[arg-type]
        assert int(condition.measured["n_synthetic"]) > 0  # type: ignore[arg-type]


def test_every_sample_has_one_outcome(loaded: LoadedDetector, samples: Samples, outcomes: list[Outcome]) -> None:
    assert len(outcomes) == len(samples[loaded.card.consumes])
    for outcome in outcomes:
        assert isinstance(outcome, Score | Facts | Refusal)
        if isinstance(outcome, Score):
            assert math.isfinite(outcome.value)
            assert all(math.isfinite(value) for value in outcome.quantities.values())
            assert all(math.isfinite(t) and math.isfinite(v) for t, v in outcome.timeline)


def test_real_media_is_scored(loaded: LoadedDetector, outcomes: list[Outcome]) -> None:
    """A detector that abstained from everything would pass all other tests."""
    answered = [o for o in outcomes[:-1] if not isinstance(o, Refusal)]
    assert answered
    if loaded.calibration is not None:
        scored = [o for o in answered if isinstance(o, Score)]
        assert any(loaded.calibration.condition(o.quantities) is not None for o in scored)


def test_alone_and_in_a_batch_is_the_same(loaded: LoadedDetector, samples: Samples, outcomes: list[Outcome]) -> None:
    batch = samples[loaded.card.consumes]
    backwards = score(loaded, batch[::-1])[::-1]
    for sample, one, other in zip(batch, outcomes, backwards, strict=True):
        (alone,) = score(loaded, (sample,))
        assert same(alone, one, BATCH_TOLERANCE)
        assert same(alone, other, BATCH_TOLERANCE)


def test_nothing_gives_nothing(loaded: LoadedDetector) -> None:
    assert score(loaded, ()) == []


def test_both_runtimes_give_the_same(loaded: LoadedDetector, samples: Samples, outcomes: list[Outcome]) -> None:
    if not loaded.card.weights:
        return
    torch_detector = registered(loaded.card.id).create()
    torch_detector.load(WeightStore(), TORCH_CPU)
    for one, other in zip(outcomes, torch_detector.score(samples[loaded.card.consumes]), strict=True):
        assert same(one, other, RUNTIME_TOLERANCE)


def test_missing_weights_are_a_reason(
    loaded: LoadedDetector, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not loaded.card.weights:
        return

    def nowhere(self: WeightStore, *_: Any) -> Path:
        raise WeightsMissingError("weights are missing", "Reinstall.")

    monkeypatch.setattr(WeightStore, "locate", nowhere)
    _, (empty,) = load_detectors((registered(loaded.card.id),), WeightStore(), "cpu")
    outcomes = empty.score(samples[loaded.card.consumes])
    assert {o.reason for o in outcomes if isinstance(o, Refusal)} == {Reason.WEIGHTS_MISSING}
    assert not any(isinstance(o, Score) for o in outcomes)


def test_threads_never_see_each_others_result(
    loaded: LoadedDetector, samples: Samples, outcomes: list[Outcome]
) -> None:
    few = list(zip(samples[loaded.card.consumes], outcomes, strict=True))[-3:]
    seen: list[bool] = []

    def work(order: Sequence[tuple[Any, Outcome]]) -> None:
        seen.extend(same(loaded.score((sample,))[0], outcome, BATCH_TOLERANCE) for sample, outcome in order)

    orders = (few, few[::-1])
    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * (2 * len(few))


def test_explanations_are_pictures_with_a_caption(
    loaded: LoadedDetector, samples: Samples, outcomes: list[Outcome]
) -> None:
    sample, outcome = samples[loaded.card.consumes][0], outcomes[0]
    if not isinstance(outcome, Score):
        return
    for evidence in loaded.explain(sample, outcome):
        assert evidence.caption
        if evidence.image is not None:
            assert evidence.image.data.startswith(b"\x89PNG")
