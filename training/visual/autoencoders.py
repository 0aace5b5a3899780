"""Small auto-encoders and learned up-samplers, trained here, that rebuild real pictures: fakes like their originals.

    python training/visual/autoencoders.py DEBS OUT [--steps 700]

Trained on pieces of Debian's wallpapers (DEBS, as `training/local_edit/samples.py` has them), so none has seen a
picture of the data packs. Five kinds, named by what generators differ in: how they get their pixels back.

    transposed  a thumbnail of 1/4 and a code, transposed convolutions (DCGAN, StyleGAN)
    nearest     the same, the code drawn with noise as a variational one's; nearest neighbour, convolution (diffusion)
    quantised   the same, the code rounded to a few levels (finite scalar quantisation, arXiv 2309.15505)
    shuffle     a thumbnail of 1/2 alone, sub-pixel convolution (ESPCN)
    bilinear    a thumbnail of 1/2 alone, bilinear and convolution

Loss: L1 of pixels and of their differences, and from the middle of the training a small patch discriminator (hinge), so
that what is rebuilt is not told by its softness alone. OUT gets KIND.safetensors and a line of figures for each.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from corpus import ROOT
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(ROOT / "training" / "local_edit"))

KINDS = ("transposed", "nearest", "quantised", "shuffle", "bilinear")
SIDE, BATCH, RATE = 96, 8, 1e-3
CODE = {"transposed": (4, 8), "nearest": (4, 8), "quantised": (4, 8), "shuffle": (2, 0), "bilinear": (2, 0)}
WIDTHS = {1: 32, 2: 64, 4: 96}
LEVELS, NOISE, ADVERSARIAL = 8, 0.05, 0.02


def conv(inside: int, outside: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 3, stride, 1)


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = conv(width, width), conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class Up(nn.Module):
    """Twice the size, in the way the kind is named after."""

    def __init__(self, kind: str, inside: int, outside: int) -> None:
        super().__init__()
        self.kind = kind
        if kind == "transposed":
            self.layer: nn.Module = nn.ConvTranspose2d(inside, outside, 4, 2, 1)
        else:
            self.layer = conv(inside, outside * 4 if kind == "shuffle" else outside)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "transposed":
            return self.layer(x)
        if self.kind == "shuffle":
            return F.pixel_shuffle(self.layer(x), 2)
        if self.kind == "bilinear":
            return self.layer(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
        return self.layer(F.interpolate(x, scale_factor=2, mode="nearest"))


class AutoEncoder(nn.Module):
    """[b, 3, h, w] in [-1, 1] -> the same, rebuilt; h and w are multiples of 4."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.factor, code = CODE[kind]
        scales = [s for s in WIDTHS if s <= self.factor]
        down: list[nn.Module] = [conv(3, WIDTHS[1])]
        for before, after in pairwise(scales):
            down += [nn.SiLU(), conv(WIDTHS[before], WIDTHS[after], 2), Residual(WIDTHS[after])]
        self.down = nn.Sequential(*down, nn.SiLU(), conv(WIDTHS[self.factor], code)) if code else None
        up: list[nn.Module] = [conv(3 + code, WIDTHS[self.factor]), Residual(WIDTHS[self.factor])]
        for after, before in pairwise(scales[::-1]):
            up += [nn.SiLU(), Up(kind, WIDTHS[after], WIDTHS[before]), Residual(WIDTHS[before])]
        self.up = nn.Sequential(*up, nn.SiLU(), conv(WIDTHS[1], 3))

    def code(self, x: Tensor) -> Tensor:
        code = torch.tanh(self.down(x))
        if self.kind == "quantised":
            return code + (torch.round(code * LEVELS / 2) / LEVELS * 2 - code).detach()
        return code + NOISE * torch.randn_like(code) if self.kind == "nearest" else code

    def forward(self, x: Tensor) -> Tensor:
        small = F.interpolate(x, scale_factor=1 / self.factor, mode="bilinear", antialias=True, align_corners=False)
        code = small if self.down is None else torch.cat([small, self.code(x)], 1)
        base = F.interpolate(small, scale_factor=self.factor, mode="bilinear", align_corners=False)
        return base + self.up(code)


def discriminator() -> nn.Module:
    act = nn.LeakyReLU(0.2)
    return nn.Sequential(conv(3, 32, 2), act, conv(32, 64, 2), act, conv(64, 64), act, conv(64, 1))


def distance(x: Tensor, y: Tensor) -> Tensor:
    total = (x - y).abs().mean()
    for axis in (2, 3):
        total = total + (x.diff(dim=axis) - y.diff(dim=axis)).abs().mean()
    return total


def drawn(pieces: np.ndarray, rng: np.random.Generator) -> Tensor:
    """A batch of crops in [-1, 1]."""
    out = []
    for i in rng.integers(len(pieces), size=BATCH):
        top, left = rng.integers(pieces.shape[1] - SIDE, size=2)
        out.append(pieces[i, top : top + SIDE, left : left + SIDE])
    return torch.from_numpy(np.stack(out)).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def train(kind: str, pieces: np.ndarray, steps: int) -> tuple[AutoEncoder, str]:
    torch.manual_seed(KINDS.index(kind))
    rng, start = np.random.default_rng(KINDS.index(kind)), time.process_time()
    net, judge = AutoEncoder(kind).to(memory_format=torch.channels_last), discriminator()
    mine, its = torch.optim.Adam(net.parameters(), RATE), torch.optim.Adam(judge.parameters(), RATE / 4, (0.5, 0.99))
    for step in range(steps):
        for group in mine.param_groups:
            group["lr"] = RATE * min(1, step / 50) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-6
        x = drawn(pieces, rng)
        with torch.autocast("cpu", torch.bfloat16):
            rebuilt = net(x.contiguous(memory_format=torch.channels_last)).float()
        loss = distance(rebuilt, x)
        if step >= steps // 2:
            loss = loss - ADVERSARIAL * judge(rebuilt).mean()
        mine.zero_grad()
        loss.backward()
        mine.step()
        if step >= steps // 2 - steps // 10:
            its.zero_grad()
            (F.relu(1 - judge(x)).mean() + F.relu(1 + judge(rebuilt.detach())).mean()).backward()
            its.step()
    net.eval()
    return net, f"{kind}: {steps} steps, {time.process_time() - start:.0f} s, {fidelity(net, pieces)}"


def fidelity(net: AutoEncoder, pieces: np.ndarray) -> str:
    """PSNR and how much of the finest detail is left (of differences between neighbours), on fixed pieces."""
    x = drawn(pieces, np.random.default_rng(99))
    with torch.inference_mode():
        y = net(x).clamp(-1, 1)
    psnr = 10 * torch.log10(4 / (x - y).square().mean())
    return f"PSNR {psnr:.1f} dB, detail {(y.diff(dim=3).square().mean() / x.diff(dim=3).square().mean()).sqrt():.2f}"


def load_all(folder: Path) -> dict[str, AutoEncoder]:
    """The trained kinds. Raises FileNotFoundError without them."""
    found = {}
    for kind in KINDS:
        found[kind] = AutoEncoder(kind).eval()
        found[kind].load_state_dict(load_file(folder / f"{kind}.safetensors"))
    return found


def rebuild(net: AutoEncoder, rgb: np.ndarray) -> np.ndarray:
    """uint8 [h, w, 3] -> the same size, rebuilt; what is over multiples of 4 is mirrored first and cut off after."""
    height, width = rgb.shape[:2]
    padded = np.pad(rgb, ((0, -height % 4), (0, -width % 4), (0, 0)), mode="reflect")
    x = torch.from_numpy(np.ascontiguousarray(padded)).permute(2, 0, 1)[None].float().div(127.5).sub(1)
    with torch.inference_mode():
        y = net(x).clamp(-1, 1).add(1).mul(127.5).round()
    return y[0].permute(1, 2, 0).byte().numpy()[:height, :width].copy()


def main() -> None:
    import samples

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("debs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    pieces = np.stack([pixels for _, pixels in samples.wallpapers(args.debs)])
    print(f"{len(pieces)} pieces", flush=True)
    for kind in args.kinds:
        if not (args.out / f"{kind}.safetensors").exists():
            net, line = train(kind, pieces, args.steps)
            save_file({k: v.contiguous() for k, v in net.state_dict().items()}, args.out / f"{kind}.safetensors")
            print(line, flush=True)


if __name__ == "__main__":
    main()
