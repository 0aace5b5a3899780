"""Classifiers of Hugging Face `transformers` from verified files: without the hub, and without their own code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import WeightsError
from .predictors import ADDED_WRONG, REFUSED, checked
from .spec import SAMPLE_RATE, AddedSpec

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
AUDIO_CLASSES = ("ForSequenceClassification", "ForAudioClassification")
_OFFLINE = {"local_files_only": True, "trust_remote_code": False}


class HuggingFacePredictor:
    """A picture or audio classifier with the preprocessing of its own folder, in evaluation mode."""

    def __init__(self, spec: AddedSpec, contents: Mapping[str, bytes], device: str) -> None:
        self._spec, self._device = spec, device
        # `transformers` reads folders only, so the verified bytes go into one that nobody else can write to.
        with TemporaryDirectory(prefix="deepfake-detect-") as folder:
            for name, data in contents.items():
                (Path(folder) / name).write_bytes(data)
            try:
                self._preprocess, model, loading = _load(spec, folder)
            except WeightsError:
                raise
            except Exception as error:  # a folder of foreign files can break its loader anywhere
                raise WeightsError(f"{spec.id}: the folder does not load: {_first(error)}", REFUSED) from error
        for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            if loading.get(what):
                names = ", ".join(str(key) for key in sorted(loading[what], key=str)[:3])
                raise WeightsError(f"{spec.id}: tensors do not fit the network, {what}: {names}", REFUSED)
        self._model = model.eval().to(device)

    def __call__(self, items: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        return np.concatenate([self._one(item) for item in items])

    def _one(self, item: NDArray[Any]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            outputs = self._model(**{k: v.to(self._device) for k, v in self._inputs(item).items()})
        return checked(self._spec, outputs.logits.float().cpu().numpy())

    def _inputs(self, item: NDArray[Any]) -> dict[str, Any]:
        if self._spec.looks_at == "voice":
            return dict(self._preprocess(item, sampling_rate=SAMPLE_RATE, return_tensors="pt"))
        return dict(self._preprocess(images=[item], return_tensors="pt", input_data_format="channels_last"))


def _load(spec: AddedSpec, folder: str) -> tuple[Any, Any, Mapping[str, Any]]:
    try:
        import torch
        from transformers import (
            AutoFeatureExtractor,
            AutoImageProcessor,
            AutoModelForAudioClassification,
            AutoModelForImageClassification,
        )
    except ImportError as error:
        raise WeightsError(f"{spec.id} needs transformers", "Install it, or the extra hf.") from error
    voice = spec.looks_at == "voice"
    processor: Any = AutoFeatureExtractor if voice else AutoImageProcessor
    preprocess = processor.from_pretrained(folder, **_OFFLINE)
    if voice and preprocess.sampling_rate != SAMPLE_RATE:
        raise WeightsError(f"{spec.id}: it takes sound at {preprocess.sampling_rate} Hz, not {SAMPLE_RATE}", REFUSED)
    auto: Any = AutoModelForAudioClassification if voice else AutoModelForImageClassification
    model, loading = auto.from_pretrained(
        folder, use_safetensors=True, output_loading_info=True, dtype=torch.float32, **_OFFLINE
    )
    return preprocess, model, loading


def read_config(data: bytes, id_: str) -> dict[str, Any]:
    """A ``config.json``. Raises ``WeightsError`` if it is none, or names code that would have to be run."""
    try:
        config = json.loads(data)
    except ValueError as error:
        raise WeightsError(f"{id_}: {CONFIG} cannot be read: {error}", ADDED_WRONG) from error
    if not isinstance(config, dict):
        raise WeightsError(f"{id_}: {CONFIG} is no object", ADDED_WRONG)
    if "auto_map" in config:
        raise WeightsError(f"{id_}: {CONFIG} asks to run code that comes with the model (auto_map)", REFUSED)
    return config


def labels_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The labels of a config in the order of the outputs; empty where it has none, or only numbers them."""
    named = config.get("id2label")
    if not isinstance(named, dict):
        return ()
    try:
        labels = tuple(str(named[key]) for key in sorted(named, key=int))
    except ValueError:
        return ()
    return () if all(label == f"LABEL_{i}" for i, label in enumerate(labels)) else labels


def is_audio(config: Mapping[str, Any]) -> bool:
    """Whether the network that the config names is an audio classifier; `from_pretrained` finds out if that is so."""
    names = config.get("architectures")
    return isinstance(names, list) and any(str(name).endswith(AUDIO_CLASSES) for name in names)


def _first(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
