"""The visual encoder that detectors share: loaded once for each device, run in chunks of bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import WeightStore
from ..media import Pixels
from .memory import in_parts
from .runtime import Network, load_network
from .visual_input import normalise

if TYPE_CHECKING:
    import torch

ENCODER = "clip-vit-b16"
CHUNK = 8

_loaded: WeakValueDictionary[tuple[str, str], VisualEncoder] = WeakValueDictionary()
_lock = threading.Lock()


class VisualEncoder:
    """CLIP ViT-B/16 up to the last block in use. Safe to share between detectors and threads."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def __call__(self, crops: Sequence[Pixels]) -> dict[str, NDArray[np.float32]]:
        """uint8 (224, 224, 3) crops -> ``cls`` (n, blocks, 768) and ``patch`` (n, blocks, 196, 768)."""
        parts = list(in_parts(lambda part: self._network({"pixel_values": normalise(part)}), crops, CHUNK))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def visual_encoder(store: WeightStore, device: str) -> VisualEncoder:
    """The encoder for ``device``; the one already loaded when its verified bytes are the same.

    Raises ``WeightsError``.
    """
    key = (store.record(ENCODER).sha256, device)
    with _lock:
        encoder = _loaded.get(key)
        if encoder is None:
            encoder = VisualEncoder(load_network(store, ENCODER, device, _build))
            _loaded[key] = encoder
        return encoder


def _build(tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    from .networks.clip import build_encoder

    return build_encoder(tensors)
