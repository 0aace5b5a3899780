"""AASIST, re-implemented from the paper; parameter names are those of the released weights, so that they load strictly.

Source: Jung et al., "AASIST: Audio Anti-Spoofing using Integrated Spectro-Temporal Graph Attention Networks",
arXiv:2110.01200. Imports torch: import this module inside `load` only. The released encoder feeds each block's first
convolution with the block's input, before normalisation; this is kept, because the weights were trained so.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLES = 64_600  # the input that the network was trained on, 4.04 s at 16 kHz
SAMPLE_RATE = 16_000
N_FILTERS = 70
KERNEL = 129
GRAPH_TEMPERATURE = 2.0
STACK_TEMPERATURE = 100.0
KEEP = {64: (0.5, 0.7, 0.5), 24: (0.4, 0.5, 0.7)}  # spectral, temporal and stacked nodes, by width


def sinc_filters() -> Tensor:
    """Fixed mel-spaced band-pass filters with a Hamming window, [70, 1, 129] (RawNet2's first layer, not trained)."""
    edges_mel = np.linspace(0.0, 2595.0 * np.log10(1.0 + SAMPLE_RATE / 2 / 700.0), N_FILTERS + 1)
    edges = 700.0 * (10.0 ** (edges_mel / 2595.0) - 1.0)
    time = np.arange(KERNEL) - (KERNEL - 1) / 2
    low_pass = 2 * edges[:, None] / SAMPLE_RATE * np.sinc(2 * edges[:, None] * time / SAMPLE_RATE)
    filters = np.hamming(KERNEL) * (low_pass[1:] - low_pass[:-1])
    return torch.tensor(filters, dtype=torch.float32).unsqueeze(1)


class ResidualBlock(nn.Module):
    """Two convolutions over (frequency, time) with a shortcut, then max-pooling by 3 over time."""

    def __init__(self, channels_in: int, channels_out: int, first: bool) -> None:
        super().__init__()
        if not first:
            self.bn1 = nn.BatchNorm2d(channels_in)  # present in the released weights, without effect on its output
        self.conv1 = nn.Conv2d(channels_in, channels_out, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, (2, 3), padding=(0, 1))
        self.conv_downsample = (
            nn.Conv2d(channels_in, channels_out, (1, 3), padding=(0, 1)) if channels_in != channels_out else None
        )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.conv_downsample is None else self.conv_downsample(x)
        y = self.conv2(functional.selu(self.bn2(self.conv1(x))))
        return functional.max_pool2d(y + shortcut, (1, 3))


class GraphAttention(nn.Module):
    """Attention among the nodes of one graph, [b, n, in] -> [b, n, out]."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.att_proj = nn.Linear(width_in, width_out)
        self.att_weight = nn.Parameter(torch.empty(width_out, 1))
        self.proj_with_att = nn.Linear(width_in, width_out)
        self.proj_without_att = nn.Linear(width_in, width_out)
        self.bn = nn.BatchNorm1d(width_out)

    def forward(self, x: Tensor) -> Tensor:
        pairs = torch.tanh(self.att_proj(x.unsqueeze(2) * x.unsqueeze(1)))
        attention = torch.softmax((pairs @ self.att_weight) / GRAPH_TEMPERATURE, dim=-2).squeeze(-1)
        y = self.proj_with_att(attention @ x) + self.proj_without_att(x)
        return functional.selu(self.bn(y.flatten(0, 1)).reshape(y.shape))


class HeterogeneousAttention(nn.Module):
    """Attention among temporal and spectral nodes at once, with a stack node that gathers both."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.proj_type1 = nn.Linear(width_in, width_in)
        self.proj_type2 = nn.Linear(width_in, width_in)
        self.att_proj = nn.Linear(width_in, width_out)
        self.att_projM = nn.Linear(width_in, width_out)
        for name in ("11", "22", "12", "M"):
            self.register_parameter(f"att_weight{name}", nn.Parameter(torch.empty(width_out, 1)))
        self.proj_with_att = nn.Linear(width_in, width_out)
        self.proj_without_att = nn.Linear(width_in, width_out)
        self.proj_with_attM = nn.Linear(width_in, width_out)
        self.proj_without_attM = nn.Linear(width_in, width_out)
        self.bn = nn.BatchNorm1d(width_out)

    def _attention(self, x: Tensor, first: int) -> Tensor:
        pairs = torch.tanh(self.att_proj(x.unsqueeze(2) * x.unsqueeze(1)))
        same1, same2, mixed = (pairs @ self.get_parameter(f"att_weight{name}") for name in ("11", "22", "12"))
        top = torch.cat([same1[:, :first, :first], mixed[:, :first, first:]], dim=2)
        bottom = torch.cat([mixed[:, first:, :first], same2[:, first:, first:]], dim=2)
        return torch.softmax(torch.cat([top, bottom], dim=1) / STACK_TEMPERATURE, dim=-2).squeeze(-1)

    def forward(self, temporal: Tensor, spectral: Tensor, stack: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        first = temporal.shape[1]
        x = torch.cat([self.proj_type1(temporal), self.proj_type2(spectral)], dim=1)
        attention = self._attention(x, first)
        gathered = torch.tanh(self.att_projM(x * stack)) @ self.get_parameter("att_weightM")
        gathered = torch.softmax(gathered / STACK_TEMPERATURE, dim=-2).transpose(1, 2)
        stack = self.proj_with_attM(gathered @ x) + self.proj_without_attM(stack)
        y = self.proj_with_att(attention @ x) + self.proj_without_att(x)
        y = functional.selu(self.bn(y.flatten(0, 1)).reshape(y.shape))
        return y[:, :first], y[:, first:], stack


class GraphPool(nn.Module):
    """Keeps the share `keep` of the nodes with the highest gate, each times its gate."""

    def __init__(self, width: int, keep: float) -> None:
        super().__init__()
        self.keep = keep
        self.proj = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.proj(x))
        kept = torch.topk(gate, max(int(x.shape[1] * self.keep), 1), dim=1).indices
        return torch.gather(x * gate, 1, kept.expand(-1, -1, x.shape[2]))


class Aasist(nn.Module):
    """`samples` [b, 64600] in [-1, 1] at 16 kHz -> `logits` [b, 2], `embedding` [b, 160] and `score` [b].

    The logits are spoof and bona fide; `score` is their difference, higher for synthetic. `width` is 64 for AASIST and
    24 for AASIST-L.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("filters", sinc_filters(), persistent=False)
        self.first_bn = nn.BatchNorm2d(1)
        widths = [1, 32, 32, width, width, width, width]
        blocks = [ResidualBlock(a, b, index == 0) for index, (a, b) in enumerate(pairwise(widths))]
        self.encoder = nn.Sequential(*(nn.Sequential(block) for block in blocks))
        self.pos_S = nn.Parameter(torch.empty(1, N_FILTERS // 3, width))
        self.master1 = nn.Parameter(torch.empty(1, 1, width))
        self.master2 = nn.Parameter(torch.empty(1, 1, width))
        self.GAT_layer_S, self.GAT_layer_T = GraphAttention(width, width), GraphAttention(width, width)
        spectral, temporal, stacked = KEEP[width]
        self.pool_S, self.pool_T = GraphPool(width, spectral), GraphPool(width, temporal)
        for branch in ("1", "2"):
            self.add_module(f"HtrgGAT_layer_ST{branch}1", HeterogeneousAttention(width, 32))
            self.add_module(f"HtrgGAT_layer_ST{branch}2", HeterogeneousAttention(32, 32))
            self.add_module(f"pool_hS{branch}", GraphPool(32, stacked))
            self.add_module(f"pool_hT{branch}", GraphPool(32, stacked))
        self.out_layer = nn.Linear(160, 2)

    def _branch(self, name: str, temporal: Tensor, spectral: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        stack = self.get_parameter(f"master{name}")
        temporal, spectral, stack = self.get_submodule(f"HtrgGAT_layer_ST{name}1")(temporal, spectral, stack)
        spectral = self.get_submodule(f"pool_hS{name}")(spectral)
        temporal = self.get_submodule(f"pool_hT{name}")(temporal)
        more = self.get_submodule(f"HtrgGAT_layer_ST{name}2")(temporal, spectral, stack)
        return temporal + more[0], spectral + more[1], stack + more[2]

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        x = functional.conv1d(samples.unsqueeze(1), self.get_buffer("filters"))
        x = functional.selu(self.first_bn(functional.max_pool2d(torch.abs(x).unsqueeze(1), (3, 3))))
        x = torch.abs(self.encoder(x))
        spectral = self.pool_S(self.GAT_layer_S(x.amax(dim=3).transpose(1, 2) + self.pos_S))
        temporal = self.pool_T(self.GAT_layer_T(x.amax(dim=2).transpose(1, 2)))
        first, second = self._branch("1", temporal, spectral), self._branch("2", temporal, spectral)
        temporal, spectral, stack = (torch.maximum(a, b) for a, b in zip(first, second, strict=True))
        parts = [part for x in (temporal, spectral) for part in (torch.abs(x).amax(dim=1), x.mean(dim=1))]
        embedding = torch.cat([*parts, stack.squeeze(1)], dim=1)
        logits = self.out_layer(embedding)
        return {"logits": logits, "embedding": embedding, "score": logits[:, 0] - logits[:, 1]}


def build_aasist(weights: Mapping[str, Tensor]) -> Aasist:
    """The network for `weights` (AASIST or AASIST-L, by their width), loaded strictly, in evaluation mode.

    Raises KeyError or RuntimeError if a tensor is missing, left over or has another shape.
    """
    network = Aasist(weights["pos_S"].shape[2])
    network.load_state_dict(dict(weights), strict=True)
    return network.eval()
