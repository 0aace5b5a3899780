"""Weights as one safetensors file, and ONNX graphs whose initializers are byte ranges of that same file."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Arrays = dict[str, np.ndarray]
Spans = dict[str, tuple[int, int]]


def write_safetensors(arrays: Arrays, path: Path, metadata: dict[str, str]) -> Spans:
    """Write the file and return each tensor's (absolute offset, length); float32 data starts on 64-byte borders."""
    kinds = {"int8": "I8", "float32": "F32"}
    order = sorted(arrays, key=lambda n: (arrays[n].dtype.name != "float32", n))
    header: dict[str, object] = {"__metadata__": metadata}
    offset, local = 0, {}
    for name in order:
        local[name] = (offset, arrays[name].nbytes)
        header[name] = {
            "dtype": kinds[arrays[name].dtype.name],
            "shape": list(arrays[name].shape),
            "data_offsets": [offset, offset + arrays[name].nbytes],
        }
        offset += arrays[name].nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            stream.write(np.ascontiguousarray(arrays[name]).tobytes())
    base = 8 + len(text)
    return {name: (base + start, size) for name, (start, size) in local.items()}


class Graph:
    """Collects nodes; every method returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def op(self, kind: str, *inputs: str, **attributes: object) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def name(self, source: str, output: str) -> None:
        """Give a node's output the name under which the graph returns it."""
        self.nodes.append(helper.make_node("Identity", [source], [output], name=output))

    def const(self, values: object, dtype: type = np.int64) -> str:
        name = f"const_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name


def value(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    """A float32 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def external(name: str, array: np.ndarray, location: str, span: tuple[int, int]) -> onnx.TensorProto:
    tensor = onnx.TensorProto(
        name=name,
        dims=array.shape,
        data_location=TensorProto.EXTERNAL,
        data_type=TensorProto.INT8 if array.dtype == np.int8 else TensorProto.FLOAT,
    )
    for key, value in (("location", location), ("offset", str(span[0])), ("length", str(span[1]))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def save(graph: Graph, arrays: Arrays, base: Path, metadata: dict[str, str], inputs: list[onnx.ValueInfoProto],
         outputs: list[onnx.ValueInfoProto]) -> None:  # fmt: skip
    """Write BASE.safetensors and BASE.onnx, which reads its weights from the former."""
    weights = base.with_name(base.name + ".safetensors")
    spans = write_safetensors(arrays, weights, metadata)
    stored = [external(name, array, weights.name, spans[name]) for name, array in arrays.items()]
    built = helper.make_model(
        helper.make_graph(graph.nodes, base.name, inputs, outputs, [*stored, *graph.constants]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="deepfake_detect",
    )
    base.with_name(base.name + ".onnx").write_bytes(built.SerializeToString())
