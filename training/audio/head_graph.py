"""Write the voice head and its time line as safetensors and ONNX graphs: what `networks/voice_head.py` computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from graph import Graph, tensor
from numpy.typing import NDArray
from onnx import helper
from safetensors.numpy import save_file

from deepfake_detect.extract.acoustic import WIDTH as ACOUSTIC_WIDTH
from deepfake_detect.extract.texture import WIDTH as WINDOW_WIDTH

PIECE, HOP, ACOUSTIC_RATE = 25, 25, 2
_FRAMES = (
    tensor("layers", "batch", 3, "frames", 512),
    tensor("acoustic", "batch", "acoustic_frames", ACOUSTIC_WIDTH),
)


def _pool(graph: Graph, x: str, width: int, hop: int) -> str:
    return graph.add("AveragePool", [x], kernel_shape=[width], strides=[hop])[0]


def _square(graph: Graph, x: str) -> str:
    return graph.add("Mul", [x, x])[0]


def _statistics(graph: Graph, x: str, width: int, hop: int) -> list[str]:
    mean = _pool(graph, x, width, hop)
    variance = graph.add("Sub", [_pool(graph, _square(graph, x), width, hop), _square(graph, mean)])[0]
    zero = graph.constant("zero", np.zeros((), np.float32))
    one, last = (graph.constant(f"int{v}", np.array([v], np.int64)) for v in (1, -1))
    none, far = graph.constant("int0", np.array([0], np.int64)), graph.constant("far", np.array([2**31 - 1], np.int64))
    axis = graph.constant("int2", np.array([2], np.int64))
    later = graph.add("Slice", [x, one, far, axis])[0]
    earlier = graph.add("Slice", [x, none, last, axis])[0]
    power = _pool(graph, _square(graph, graph.add("Sub", [later, earlier])[0]), width - 1, hop)
    deviation = graph.add("Sqrt", [graph.add("Max", [variance, zero])[0]])[0]
    return [mean, deviation, graph.add("Sqrt", [power])[0]]


def _pieces(graph: Graph) -> str:
    """Statistics of the half seconds, [b, features, pieces], from `layers` and `acoustic`."""
    parts: list[str] = []
    for layer in graph.add("Split", ["layers"], 3, axis=1, num_outputs=3):
        squeezed = graph.add("Squeeze", [layer, graph.constant("int1", np.array([1], np.int64))])[0]
        parts += _statistics(graph, graph.add("Transpose", [squeezed], perm=[0, 2, 1])[0], PIECE, HOP)
    acoustic = graph.add("Transpose", ["acoustic"], perm=[0, 2, 1])[0]
    parts += _statistics(graph, acoustic, PIECE * ACOUSTIC_RATE, HOP * ACOUSTIC_RATE)
    return graph.add("Concat", parts, axis=1)[0]


def save_head(weight: NDArray[np.float32], bias: NDArray[np.float32], base: Path, metadata: dict[str, str]) -> None:
    """`weight` [2 bands, features: pieces, then window] and `bias` [2] -> BASE.safetensors and BASE.onnx."""
    target = base.with_suffix(".safetensors")
    pieces, window = np.split(weight.astype(np.float32), [weight.shape[1] - WINDOW_WIDTH], axis=1)
    arrays = {"piece_weight": pieces.copy(), "window_weight": window.T.copy(), "bias": bias.astype(np.float32)}
    save_file(arrays, str(target), metadata)
    target.chmod(0o644)
    graph = Graph(target)
    features = _pieces(graph)
    weighed = graph.add("MatMul", [graph.stored("piece_weight"), features])[0]
    whole = graph.add("Add", [graph.add("MatMul", ["window", graph.stored("window_weight")])[0], graph.stored("bias")])[
        0
    ]
    int1, int2 = (graph.constant(f"int{v}", np.array([v], np.int64)) for v in (1, 2))
    both = graph.add("Add", [weighed, graph.add("Unsqueeze", [whole, int2])[0]])[0]
    chosen = graph.add("Mul", [both, graph.add("Unsqueeze", ["band", int2])[0]])[0]
    graph.nodes.append(helper.make_node("ReduceSum", [chosen, int1], ["frame_scores"], keepdims=0))
    graph.nodes.append(helper.make_node("ReduceMean", ["frame_scores"], ["score"], keepdims=0))
    graph.nodes[-1].input.append(graph.constant("int1", np.array([1], np.int64)))
    graph.save(
        base.with_suffix(".onnx"),
        [
            *_FRAMES,
            tensor("window", "batch", WINDOW_WIDTH),
            tensor("band", "batch", 2),
        ],
        [tensor("score", "batch"), tensor("frame_scores", "batch", "pieces")],
    )


def save_line(weight: NDArray[np.float32], base: Path, metadata: dict[str, str]) -> None:
    """`weight` [features of a piece] -> BASE.safetensors and BASE.onnx."""
    target = base.with_suffix(".safetensors")
    save_file({"piece_weight": weight.astype(np.float32)[None]}, str(target), metadata)
    target.chmod(0o644)
    graph = Graph(target)
    features = _pieces(graph)
    weighed = graph.add("MatMul", [graph.stored("piece_weight"), features])[0]
    ends = graph.constant("ends", np.array([0, 0, 1, 0, 0, 1], np.int64))
    padded = graph.add("Pad", [weighed, ends], mode="edge")[0]
    smooth = _pool(graph, _pool(graph, padded, 2, 1), 2, 1)
    line = graph.add("Squeeze", [smooth, graph.constant("int1", np.array([1], np.int64))])[0]
    mean = graph.add("ReduceMean", [line, graph.constant("int1", np.array([1], np.int64))], keepdims=1)[0]
    graph.nodes.append(helper.make_node("Sub", [line, mean], ["line"]))
    graph.save(base.with_suffix(".onnx"), list(_FRAMES), [tensor("line", "batch", "pieces")])
