"""Reading files of weights as they are published: what they hold, and what they say of themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import UsageError, WeightsError
from .huggingface import CONFIG, PREPROCESSOR, is_audio, labels_of, read_config
from .predictors import REFUSED

if TYPE_CHECKING:
    import torch

MODEL = "model"
MAX_BYTES = 4 * 2**30
WRAPPERS = ("state_dict", "model_state_dict", "model")  # keys under which training scripts put the tensors
# SHA-256 of the files that clovaai/aasist released under MIT.
AASIST_RELEASED = frozenset(
    {
        "51d2d9cf0738172f61e2a384ec50a54a55363240f67c971ed55a92435bc1a1c0",
        "814331d088032bb4c3fa61cc014789eadeed464209dd094ab3a2dd6ffbdce27a",
    }
)


@dataclass(frozen=True, slots=True)
class Foreign:
    """``contents``: safetensors, ONNX and JSON by name. ``known``: fields of the card that the files give."""

    contents: Mapping[str, bytes] = field(repr=False)
    known: Mapping[str, Any]


def read_foreign(source: Path, kind: str) -> Foreign:
    """Read a folder of Hugging Face, or a file of tensors or ONNX. ``kind``: what the card says, or "".

    Raises ``WeightsError`` that names what is refused, ``UsageError`` if there is nothing.
    """
    if source.is_dir():
        return _folder(source)
    if not source.is_file():
        raise UsageError(f"{source} is no file and no folder", "Name the weights that you have.")
    if source.suffix == ".onnx":
        return Foreign({f"{MODEL}.onnx": _bytes(source)}, {"kind": "onnx"})
    if source.suffix == ".safetensors":
        return Foreign({f"{MODEL}.safetensors": _bytes(source)}, {})
    data = _bytes(source)
    tensors, sha256 = _tensors(source, data), hashlib.sha256(data).hexdigest()
    known = {"source": f"converted from a checkpoint with SHA-256 {sha256}"}
    if kind in ("", "aasist"):
        known |= _aasist(tensors, sha256)
    return Foreign({f"{MODEL}.safetensors": _saved(source, tensors)}, known)


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise WeightsError(f"{path.name} is larger than {MAX_BYTES / 2**30:g} GiB", "It is not added.")
    return path.read_bytes()


def _folder(folder: Path) -> Foreign:
    """A model as `save_pretrained` leaves it: its config, its preprocessing and one file of tensors."""
    for name in (CONFIG, PREPROCESSOR):
        if not (folder / name).is_file():
            raise WeightsError(f"{folder} has no {name}", "Give a folder that `save_pretrained` wrote, or a card.")
    found = sorted(folder.glob("*.safetensors"))
    if len(found) != 1:
        raise WeightsError(f"{folder} has {len(found)} safetensors files, one is needed", REFUSED)
    contents = {}
    for path in (folder / CONFIG, folder / PREPROCESSOR, found[0]):
        if not path.resolve().is_relative_to(folder.resolve()):
            raise WeightsError(
                f"{path.name} is a link out of its folder", "Copy the folder with its files: cp -rL FOLDER COPY."
            )
        contents[path.name] = _bytes(path)
    contents[f"{MODEL}.safetensors"] = contents.pop(found[0].name)
    config = read_config(contents[CONFIG], folder.name)
    known: dict[str, Any] = {"kind": "huggingface", "looks_at": "voice" if is_audio(config) else "picture"}
    if labels := labels_of(config):
        known["labels"] = labels
    return Foreign(contents, known)


def _tensors(path: Path, data: bytes) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint of torch, read without running its code."""
    import io

    import torch

    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and torch raise errors of their own for damaged files
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"{path.name} holds more than tensors, or is damaged; it was not run ({reason})", REFUSED
        ) from error
    for key in WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping) or not loaded:
        raise WeightsError(f"{path.name} holds no tensors by name", REFUSED)
    if odd := [str(k) for k, v in loaded.items() if not isinstance(k, str) or not isinstance(v, torch.Tensor)]:
        raise WeightsError(f"{path.name} holds what is no tensor: {', '.join(odd[:3])[:200]}", REFUSED)
    prefix = "module." if all(name.startswith("module.") for name in loaded) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in loaded.items()}


def _saved(path: Path, tensors: Mapping[str, torch.Tensor]) -> bytes:
    from safetensors.torch import save

    try:
        return save({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()})
    except (ValueError, RuntimeError) as error:
        raise WeightsError(f"{path.name} does not convert to safetensors: {error}", REFUSED) from error


def _aasist(tensors: Mapping[str, torch.Tensor], sha256: str) -> dict[str, Any]:
    """What is known of AASIST's weights, recognised by their names; nothing for other tensors."""
    if not {"pos_S", "master1", "out_layer.weight"} <= tensors.keys():
        return {}
    small = "-l" if tensors["pos_S"].shape[-1] == 24 else ""
    known: dict[str, Any] = {
        "id": f"aasist{small}",
        "kind": "aasist",
        "title": f"Synthetic voice (AASIST{small.upper()})",
        "looks_at": "voice",
        "labels": ("spoof", "bonafide"),
        "synthetic": ("spoof",),
        "samples": 64_600,
        "paper": "Jung et al., arXiv 2110.01200; re-implemented here",
    }
    if sha256 in AASIST_RELEASED:
        source = f"released by github.com/clovaai/aasist; converted from a checkpoint with SHA-256 {sha256}"
        known |= {"licence": "MIT", "commercial_use": True, "source": source}
    return known
