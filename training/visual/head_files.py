"""A trained head as safetensors + ONNX, the same mathematics as `deepfake_detect.detect.networks.heads`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx_files import Arrays, Graph, save, value

WIDTH, GRID = 768, 14


def _linear_score(g: Graph) -> None:
    tokens = GRID * GRID
    flat, axis = g.const([0, -1]), g.const([2])
    mean = g.op("ReduceMean", "patch", axes=[2], keepdims=1)
    squares = g.op("ReduceSum", g.op("Mul", d := g.op("Sub", "patch", mean), d), axis, keepdims=0)
    deviation = g.op("Sqrt", g.op("Mul", squares, g.const(1 / (tokens - 1), np.float32)))
    parts = [g.op("Reshape", part, flat) for part in ("cls", mean, deviation)]
    logit = g.op("MatMul", g.op("Concat", *parts, axis=1), g.op("Unsqueeze", "score.weight", g.const([1])))
    g.name(g.op("Reshape", g.op("Add", logit, "score.bias"), g.const([-1])), "score")


def _weighed_score(g: Graph) -> None:
    def layer(x: str, name: str) -> str:
        return g.op("Add", g.op("MatMul", x, f"weigh.{name}.weight"), f"weigh.{name}.bias")

    x = g.op("Div", g.op("Sub", "cls", "weigh.mean"), "weigh.scale")
    x = g.op("Unsqueeze", x, g.const([1]))  # [b, members, blocks, width] from here
    for name in ("project1", "project2"):
        x = g.op("Relu", layer(x, name))
    joined = g.op("ReduceSum", g.op("Mul", x, "weigh.share"), g.const([2]), keepdims=1)
    logits = layer(g.op("Relu", layer(joined, "judge1")), "judge2")
    g.name(g.op("ReduceMean", logits, axes=[1, 2, 3], keepdims=0), "score")


def _distance(g: Graph) -> None:
    last = g.op("Gather", "cls", g.const(-1), axis=1)
    white = g.op("MatMul", g.op("Sub", last, "domain.mean"), "domain.whiten")
    g.name(g.op("Sqrt", g.op("ReduceMean", g.op("Mul", white, white), axes=[1], keepdims=0)), "distance")


def _of_patches(g: Graph, name: str, blocks: int) -> None:
    tokens = g.op("Reshape", g.op("Transpose", "patch", perm=[0, 2, 1, 3]), g.const([0, GRID * GRID, blocks * WIDTH]))
    logits = g.op("MatMul", tokens, g.op("Unsqueeze", f"{name}.weight", g.const([1])))
    g.name(g.op("Reshape", g.op("Add", logits, f"{name}.bias"), g.const([0, GRID, GRID])), name)


def save_head(arrays: Arrays, base: Path, cls_blocks: int, patch_blocks: int, metadata: dict[str, str]) -> None:
    """`score.*` or `weigh.*`, `domain.*`, and `map.*` where there is a map; float32."""
    g = Graph()
    (_linear_score if "score.weight" in arrays else _weighed_score)(g)
    _distance(g)
    outputs = [value("score", "batch"), value("distance", "batch")]
    if "map.weight" in arrays:
        _of_patches(g, "map", patch_blocks)
        outputs.append(value("map", "batch", GRID, GRID))
    inputs = [value("cls", "batch", cls_blocks, WIDTH), value("patch", "batch", patch_blocks, GRID * GRID, WIDTH)]
    save(g, {name: np.asarray(a, np.float32) for name, a in arrays.items()}, base, metadata, inputs, outputs)


def save_cover(arrays: Arrays, base: Path, patch_blocks: int, metadata: dict[str, str]) -> None:
    """`cover.*`; float32."""
    g = Graph()
    _of_patches(g, "cover", patch_blocks)
    inputs, outputs = [value("patch", "batch", patch_blocks, GRID * GRID, WIDTH)], [value("cover", "batch", GRID, GRID)]
    save(g, {name: np.asarray(a, np.float32) for name, a in arrays.items()}, base, metadata, inputs, outputs)
