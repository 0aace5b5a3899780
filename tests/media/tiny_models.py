"""Tiny classifiers as people publish them, with random weights: what they say means nothing, how they are read does.

`tiny.onnx` beside this file is committed, since `onnx` is no dependency of the tests; this script writes it anew, with
the package onnx: `python tests/media/tiny_models.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

ONNX = Path(__file__).with_name("tiny.onnx")
SIDE = 32
PICTURE_CARD = """
id = "{id}"
version = "1.0.0"
kind = "{kind}"
looks_at = "{looks_at}"
labels = ["real", "fake"]
synthetic = ["fake"]
side = 32
"""


def picture_card(id_: str, kind: str, looks_at: str, more: str = "") -> str:
    """A card for a classifier of two labels at 32 x 32 pixels."""
    return PICTURE_CARD.format(id=id_, kind=kind, looks_at=looks_at) + more


def hugging_face_picture(folder: Path, labels: dict[int, str] | None = None) -> Path:
    """A ViT of one layer with its preprocessing, as `save_pretrained` leaves it."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    torch.manual_seed(1)
    config = ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=SIDE,
        patch_size=16, id2label=labels or {0: "real", 1: "fake"},
    )  # fmt: skip
    _larger(ViTForImageClassification(config)).save_pretrained(folder)
    ViTImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return folder


def hugging_face_voice(folder: Path, rate: int = 16_000) -> Path:
    """A wav2vec 2.0 classifier of one layer with its feature extractor."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    torch.manual_seed(2)
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(8, 8),
        conv_stride=(10, 16), conv_kernel=(20, 16), num_feat_extract_layers=2, num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2, classifier_proj_size=8, id2label={0: "human", 1: "machine"},
    )  # fmt: skip
    _larger(Wav2Vec2ForSequenceClassification(config)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(sampling_rate=rate).save_pretrained(folder)
    return folder


def aasist_checkpoint(path: Path) -> Path:
    """AASIST-L with random weights, saved by torch as its authors do."""
    import torch

    from deepfake_detect.detect.networks.aasist import Aasist

    torch.manual_seed(0)
    state = Aasist(24).state_dict()
    made = {name: torch.randn_like(t) * 0.1 if t.is_floating_point() else t for name, t in state.items()}
    made |= {name: t.abs() + 0.5 for name, t in made.items() if name.endswith("running_var")}
    torch.save(made, path)
    return path


def timm_checkpoint(path: Path) -> Path:
    """A tiny network of timm, under the key that its training script uses."""
    import timm
    import torch

    torch.manual_seed(3)
    torch.save({"state_dict": timm.create_model("test_resnet", num_classes=2).state_dict(), "epoch": 3}, path)
    return path


def _larger(model: Any) -> Any:
    """The classifier with weights far enough from 0 that its answers differ between items."""
    import torch

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith("classifier"):
                parameter.mul_(20)
    return model


def _write_onnx() -> None:
    """Means of the three planes, then a matrix: (1, 3, 32, 32) -> logits (1, 2)."""
    import onnx
    from onnx import helper, numpy_helper

    rng = np.random.default_rng(0)
    matrix = numpy_helper.from_array(rng.normal(size=(3, 2)).astype(np.float32), "matrix")
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "matrix"], ["logits"]),
    ]
    made = helper.make_graph(
        nodes, "tiny", [helper.make_tensor_value_info("picture", onnx.TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, 2])], [matrix],
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    ONNX.write_bytes(model.SerializeToString())


if __name__ == "__main__":
    sys.exit(_write_onnx())
