"""Turn the three networks of facenet-pytorch's MTCNN (MIT) into ONNX, so that a scan on a CPU needs no torch.

Weights are copied as they are. `tests/unit/test_faces.py` compares the result with the package's own.

    python training/visual/convert_mtcnn.py && python training/pin.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import facenet_pytorch
import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from onnx_files import Graph, value

DATA = Path(facenet_pytorch.__file__).parent / "data"


class Cascade(Graph):
    """Layers whose weights carry the names of the package's modules."""

    def __init__(self, tensors: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.tensors = tensors

    def conv(self, x: str, name: str, size: int) -> str:
        return self.op("Conv", x, f"{name}.weight", f"{name}.bias", kernel_shape=[size, size])

    def prelu(self, x: str, name: str) -> str:
        return self.op("PRelu", x, f"{name}.weight")

    def pool(self, x: str, size: int) -> str:
        return self.op("MaxPool", x, kernel_shape=[size, size], strides=[2, 2], ceil_mode=1)

    def dense(self, x: str, name: str) -> str:
        return self.op("Gemm", x, f"{name}.weight", f"{name}.bias", transB=1)

    def convs(self, x: str, sizes: list[int], pools: list[int]) -> str:
        """conv1, prelu1, pool1, conv2, ...; a pool of 0 is none."""
        for i, (size, pool) in enumerate(zip(sizes, pools, strict=True), 1):
            x = self.prelu(self.conv(x, f"conv{i}", size), f"prelu{i}")
            x = self.pool(x, pool) if pool else x
        return x

    def flat(self, x: str) -> str:
        return self.op("Flatten", self.op("Transpose", x, perm=[0, 3, 2, 1]), axis=1)


def pnet(g: Cascade) -> list[onnx.ValueInfoProto]:
    x = g.convs("pixels", [3, 3, 3], [2, 0, 0])
    g.name(g.op("Softmax", g.conv(x, "conv4_1", 1), axis=1), "probability")
    g.name(g.conv(x, "conv4_2", 1), "box")
    return [value("probability", "n", 2, "y", "x"), value("box", "n", 4, "y", "x")]


def rnet(g: Cascade) -> list[onnx.ValueInfoProto]:
    x = g.prelu(g.dense(g.flat(g.convs("pixels", [3, 3, 2], [3, 3, 0])), "dense4"), "prelu4")
    g.name(g.op("Softmax", g.dense(x, "dense5_1"), axis=1), "probability")
    g.name(g.dense(x, "dense5_2"), "box")
    return [value("probability", "n", 2), value("box", "n", 4)]


def onet(g: Cascade) -> list[onnx.ValueInfoProto]:
    x = g.prelu(g.dense(g.flat(g.convs("pixels", [3, 3, 3, 2], [3, 3, 2, 0])), "dense5"), "prelu5")
    g.name(g.op("Softmax", g.dense(x, "dense6_1"), axis=1), "probability")
    g.name(g.dense(x, "dense6_2"), "box")
    g.name(g.dense(x, "dense6_3"), "points")
    return [value("probability", "n", 2), value("box", "n", 4), value("points", "n", 10)]


def convert(name: str, side: int | str, out: Path) -> None:
    stored = torch.load(DATA / f"{name}.pt", weights_only=True)
    tensors = {key: tensor.numpy() for key, tensor in stored.items()}
    for key, array in tensors.items():
        if key.startswith("prelu") and not key.startswith(("prelu4", "prelu5")):
            tensors[key] = array.reshape(-1, 1, 1)  # over channels
    if name == "onet":
        tensors["prelu4.weight"] = tensors["prelu4.weight"].reshape(-1, 1, 1)
    graph = Cascade(tensors)
    outputs = {"pnet": pnet, "rnet": rnet, "onet": onet}[name](graph)
    sides = ("height", "width") if side == "any" else (side, side)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, f"mtcnn-{name}", [value("pixels", "n", 3, *sides)], outputs,
            [*(numpy_helper.from_array(a, key) for key, a in tensors.items()), *graph.constants],
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="deepfake_detect",
    )  # fmt: skip
    onnx.checker.check_model(model)
    (out / f"mtcnn-{name}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("weights/shipped"))
    args = parser.parse_args()
    for network, side in (("pnet", "any"), ("rnet", 24), ("onet", 48)):
        convert(network, side, args.out)
