"""Running a network: onnxruntime on a CPU, torch on an accelerator, from the same verified bytes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import WeightStore
from ..errors import WeightsError
from ..quiet_onnx import cpu_session, load_onnxruntime

if TYPE_CHECKING:
    import torch

TORCH_CPU = "torch-cpu"  # torch without an accelerator: for comparing the two runtimes, never for a scan

Arrays = Mapping[str, NDArray[Any]]

_REINSTALL = "Reinstall the package."


class Network(Protocol):
    """A loaded network: named arrays in, named float32 arrays out."""

    def __call__(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]: ...


def load_network(
    store: WeightStore, weights_id: str, device: str, build: Callable[[dict[str, torch.Tensor]], torch.nn.Module]
) -> Network:
    """Load ``weights_id`` for ``device``.

    On ``cpu`` the ONNX graph runs in onnxruntime; elsewhere ``build`` makes a torch module from the safetensors
    tensors, whose
    ``forward`` takes the graph's inputs as keywords and returns a dict of its outputs. Raises ``WeightsError``.
    """
    contents = store.read_all(weights_id)
    if device == "cpu":
        return _OnnxNetwork(weights_id, contents)
    return _TorchNetwork(weights_id, contents, device, build)


def only_file(contents: Mapping[str, bytes], suffix: str, what: str, hint: str) -> bytes:
    """The one file with ``suffix``. Raises ``WeightsError``, which names ``what`` and gives ``hint``."""
    found = [data for name, data in contents.items() if name.endswith(suffix)]
    if len(found) != 1:
        raise WeightsError(f"{what}: {len(found)} {suffix} files where one is needed", hint)
    return found[0]


class _OnnxNetwork:
    """An ONNX graph in onnxruntime. External data come from the verified bytes, never from the disk again."""

    def __init__(self, weights_id: str, contents: Mapping[str, bytes]) -> None:
        graph = only_file(contents, ".onnx", f"weights {weights_id}", _REINSTALL)
        external = {name: data for name, data in contents.items() if not name.endswith(".onnx")}
        try:
            self._session = cpu_session(graph, external, log_severity_level=3)
        except Exception as error:
            raise WeightsError(f"weights {weights_id} do not load: {error}", _REINSTALL) from error
        self._outputs = [output.name for output in self._session.get_outputs()]
        # Each session would keep the most that it ever needed: 270 MB more for a video, all networks together.
        self._options = load_onnxruntime().RunOptions()
        self._options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        _give_back_memory()

    def __call__(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        found = self._session.run(self._outputs, dict(inputs), self._options)
        return dict(zip(self._outputs, found, strict=True))


def _give_back_memory() -> None:
    """What unfolding the int8 weights took and freed: the C library keeps it, 340 MB for the visual encoder."""
    with suppress(OSError, AttributeError, TypeError):  # glibc only
        ctypes.CDLL(None).malloc_trim(0)


class _TorchNetwork:
    """A torch module in evaluation mode on an accelerator."""

    def __init__(
        self, weights_id: str, contents: Mapping[str, bytes], device: str,
        build: Callable[[dict[str, torch.Tensor]], torch.nn.Module],
    ) -> None:  # fmt: skip
        from safetensors.torch import load

        data = only_file(contents, ".safetensors", f"weights {weights_id}", _REINSTALL)
        try:
            self._device = "cpu" if device == TORCH_CPU else device
            self._module = build(load(data)).eval().to(self._device)
        except (KeyError, RuntimeError, ValueError) as error:
            raise WeightsError(f"weights {weights_id} do not fit their network: {error}", _REINSTALL) from error

    def __call__(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        import torch

        with torch.inference_mode():
            outputs = self._module(
                **{name: torch.from_numpy(np.ascontiguousarray(a)).to(self._device) for name, a in inputs.items()}
            )
        return {name: tensor.float().cpu().numpy() for name, tensor in outputs.items()}
