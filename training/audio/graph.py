"""ONNX graphs whose weights are byte ranges of a safetensors file beside them: both engines serve the same bytes."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Collects ONNX nodes; stored tensors become external data inside the safetensors file."""

    def __init__(self, safetensors: Path) -> None:
        with safetensors.open("rb") as handle:
            (size,) = struct.unpack("<Q", handle.read(8))
            self._header = json.loads(handle.read(size))
        self._start, self._location = 8 + size, safetensors.name
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, onnx.TensorProto] = {}

    def stored(self, name: str) -> str:
        """The name of an initializer that points at `name` in the safetensors file."""
        if name not in self.tensors:
            entry = self._header[name]
            kind = {"F32": TensorProto.FLOAT, "I8": TensorProto.INT8}[entry["dtype"]]
            tensor = TensorProto(name=name, data_type=kind, dims=entry["shape"])
            first, last = entry["data_offsets"]
            tensor.data_location = TensorProto.EXTERNAL
            fields = {"location": self._location, "offset": self._start + first, "length": last - first}
            for key, value in fields.items():
                tensor.external_data.add(key=key, value=str(value))
            self.tensors[name] = tensor
        return name

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.tensors.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def add(self, kind: str, inputs: list[str], outputs: int = 1, **attributes: object) -> list[str]:
        names = [f"{kind.lower()}{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def save(self, target: Path, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> None:
        """Write the graph and check it."""
        body = helper.make_graph(self.nodes, target.stem, inputs, outputs, list(self.tensors.values()))
        model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        target.write_bytes(model.SerializeToString(deterministic=True))
        onnx.checker.check_model(str(target))


def tensor(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    """A float32 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
