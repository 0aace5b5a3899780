"""From verified bytes to a network that takes pictures or sounds and gives one row of outputs for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import WeightsError
from ...quiet_onnx import cpu_session
from ..runtime import TORCH_CPU, only_file
from .inputs import prepare
from .spec import AddedSpec

if TYPE_CHECKING:
    import torch

OUTPUT_NAME = "logits"  # of networks that give several outputs
REFUSED = "It is not added. Ask whoever published it for safetensors or ONNX that fits the card."
ADDED_WRONG = "Add it again, with a card that fits."


class Predictor(Protocol):
    """Pictures uint8 (h, w, 3) or sounds float32 (n,), 16 kHz -> outputs float32 (items, labels).

    Each item runs alone, so that a result never depends on what else is in the batch.
    """

    def __call__(self, items: Sequence[NDArray[Any]]) -> NDArray[np.float32]: ...


def build_predictor(spec: AddedSpec, contents: Mapping[str, bytes], device: str) -> tuple[Predictor, str]:
    """The network of ``spec`` from the verified bytes of its files, and the device it really runs on.

    Raises ``WeightsError`` when they do not fit, or when the packages of an extra are not installed.
    """
    torch_device = "cpu" if device == TORCH_CPU else device
    if spec.kind == "onnx":
        return OnnxPredictor(spec, contents), "cpu"
    if spec.kind == "huggingface":
        from .huggingface import HuggingFacePredictor

        return HuggingFacePredictor(spec, contents, torch_device), torch_device
    return TorchPredictor(spec, contents, torch_device), torch_device


def checked(spec: AddedSpec, outputs: NDArray[Any]) -> NDArray[np.float32]:
    """Outputs of one item (1, labels) as float32. Raises ``WeightsError`` for another shape or no finite number."""
    if outputs.shape != (1, len(spec.labels)):
        raise WeightsError(
            f"{spec.id}: the network gives an output of shape {outputs.shape}, the card has {len(spec.labels)} labels",
            ADDED_WRONG,
        )
    if not np.isfinite(outputs).all():
        raise WeightsError(f"{spec.id}: the network gives no finite number", ADDED_WRONG)
    return outputs.astype(np.float32)


class OnnxPredictor:
    """An ONNX graph with one input, all of it in one file, in onnxruntime on the CPU."""

    def __init__(self, spec: AddedSpec, contents: Mapping[str, bytes]) -> None:
        self._spec = spec
        graph = only_file(contents, ".onnx", spec.id, ADDED_WRONG)
        # `location` is the key under which a graph names a file for its tensors: a path outside could stand there.
        if b"\x0a\x08location" in graph:
            raise WeightsError(f"{spec.id}: the ONNX graph keeps tensors in other files", "Save it as one file.")
        try:
            self._session = cpu_session(graph, log_severity_level=4)
        except Exception as error:
            raise WeightsError(f"{spec.id}: the ONNX graph does not load: {error}", REFUSED) from error
        inputs, outputs = self._session.get_inputs(), [o.name for o in self._session.get_outputs()]
        if len(inputs) != 1 or not outputs:
            raise WeightsError(f"{spec.id}: the ONNX graph has {len(inputs)} inputs, one is needed", REFUSED)
        self._input = inputs[0].name
        self._output = OUTPUT_NAME if OUTPUT_NAME in outputs else outputs[0]

    def __call__(self, items: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        return np.concatenate([self._one(prepare(self._spec, item)) for item in items])

    def _one(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            (outputs,) = self._session.run([self._output], {self._input: values[None]})
        except Exception as error:
            raise WeightsError(f"{self._spec.id}: the ONNX graph does not take its input: {error}") from error
        return checked(self._spec, np.asarray(outputs))


class TorchPredictor:
    """A network of timm, torchvision or ours, its tensors loaded strictly."""

    def __init__(self, spec: AddedSpec, contents: Mapping[str, bytes], device: str) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import load

        self._spec, self._device = spec, device
        data = only_file(contents, ".safetensors", spec.id, ADDED_WRONG)
        try:
            self._module = _BUILDERS[spec.kind](spec, load(data)).eval().to(device)
        except (KeyError, RuntimeError, ValueError, TypeError, SafetensorError) as error:
            raise WeightsError(f"{spec.id}: the tensors do not fit the network: {str(error)[:600]}", REFUSED) from error

    def __call__(self, items: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        return np.concatenate([self._one(prepare(self._spec, item)) for item in items])

    def _one(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            try:
                outputs = self._module(torch.from_numpy(values[None]).to(self._device))
            except RuntimeError as error:
                if type(error).__name__ == "OutOfMemoryError":
                    raise
                raise WeightsError(f"{self._spec.id}: the network does not take its input: {error}") from error
        outputs = outputs[OUTPUT_NAME] if isinstance(outputs, Mapping) else outputs
        return checked(self._spec, outputs.float().cpu().numpy())


def _timm(spec: AddedSpec, tensors: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    try:
        import timm
    except ImportError as error:
        raise WeightsError(f"{spec.id} needs timm", "Install it, or the extra hf.") from error
    module: torch.nn.Module = timm.create_model(spec.architecture, pretrained=False, num_classes=len(spec.labels))
    module.load_state_dict(dict(tensors), strict=True)
    return module


def _torchvision(spec: AddedSpec, tensors: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    from torchvision.models import get_model

    module: torch.nn.Module = get_model(spec.architecture, weights=None, num_classes=len(spec.labels))
    module.load_state_dict(dict(tensors), strict=True)
    return module


def _aasist(spec: AddedSpec, tensors: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    from ..networks.aasist import build_aasist

    return build_aasist(tensors)


_BUILDERS: Mapping[str, Callable[[AddedSpec, Mapping[str, torch.Tensor]], torch.nn.Module]] = {
    "timm": _timm,
    "torchvision": _torchvision,
    "aasist": _aasist,
}
