"""Benchmark of the voice detector's time line on recordings with a stretch of another one inside, at known times.

    python benchmarks/run.py splices --data PATH_OF_THE_SPEECH_PACK

Wants what `training/audio/line.py` wants. For each fold of `protocols/audio_folds.toml` a line is fitted without its
systems, its sources and this splicer. Beside synthetic stretches in real recordings, real ones out of
another source: what marks both finds joins, not synthesis.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from metrics import auc, bootstrap
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "training" / "audio"))

from features import SAMPLE_RATE, degrade, describe, load_encoder, read  # noqa: E402
from head import SHIPPED, Clips, load_clips  # noqa: E402
from line import draw_line, fit_line, load_pieces  # noqa: E402
from make_splices import HALF_SECOND, put_in  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
COMMAND = "python benchmarks/run.py splices --data PATH_OF_THE_SPEECH_PACK"
SPLICES_A_FOLD = 20
CHANNELS = ("clean", "opus", "mp3_64k", "amr_nb")
STRETCHES = ("synthetic", "real")
Floats = NDArray[np.float64]
Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spliced:
    """One recording, and the first and last sample of what was put in."""

    sound: Sound
    start: int
    end: int
    stretch: str
    channel: str
    fold: str


def splice(host: Sound, donor: Sound, rng: np.random.Generator) -> tuple[Sound, int, int]:
    """0.8-2 s of `donor` inside `host` at its level, with 10 ms cross-fades; also its first and last sample."""
    length = min(int(rng.uniform(0.8, 2.0) * SAMPLE_RATE), len(host) - SAMPLE_RATE // 2, len(donor))
    start = int(rng.integers(SAMPLE_RATE // 4, len(host) - length - SAMPLE_RATE // 4 + 1))
    offset = int(rng.integers(0, len(donor) - length + 1))
    piece = donor[offset : offset + length]
    piece = piece * np.sqrt((np.square(host).mean() + 1e-10) / (np.square(donor).mean() + 1e-10))
    fade = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / 160)
    result = host.copy()
    result[start : start + length] = result[start : start + length] * (1 - fade) + piece * fade
    return result, start, start + length


def recordings(clips: Clips, data: Path, fold: str) -> Iterator[Spliced]:
    """The splices of one fold; host and donor both come from it, and a real donor from another source than its host."""
    inside = clips.fold == fold
    for stretch in STRETCHES:
        rng = np.random.default_rng(5)
        real, donors = (rng.permutation(np.flatnonzero(inside & (clips.synthetic == s))) for s in (False, True))
        for number in range(SPLICES_A_FOLD):
            host, donor = real[number], donors[number]
            if stretch == "real":
                donor = rng.choice(real[clips.source[real] != clips.source[host]])
            pair = read(data, str(clips.file[host])), read(data, str(clips.file[donor]))
            if min(len(pair[0]), len(pair[1])) < 2 * SAMPLE_RATE:
                continue
            whole, start, end = splice(*pair, rng)
            channel = CHANNELS[number % len(CHANNELS)]
            yield Spliced(degrade(whole, f"{fold}/{number}", channel), start, end, stretch, channel, fold)


@dataclass(frozen=True, slots=True)
class Table:
    """One row a half second; `line` and `level` (dB) against the mean of the recording."""

    line: Floats
    level: Floats
    inside: NDArray[np.bool_]
    recording: NDArray[np.str_]
    stretch: NDArray[np.str_]
    channel: NDArray[np.str_]
    fold: NDArray[np.str_]

    def rows(self, mask: NDArray[np.bool_]) -> Table:
        return Table(*(getattr(self, name)[mask] for name in self.__slots__))


def score(clips: Clips, data: Path) -> Table:
    """Every splice of every fold by the line that saw none of its systems and sources."""
    encoder, pieces = load_encoder(SHIPPED / "whisper-base-l3.onnx"), load_pieces(clips)
    columns = []
    for fold in dict.fromkeys(clips.fold):
        weight = fit_line(pieces, clips, clips.trains_for(fold))
        for number, made in enumerate(recordings(clips, data, str(fold))):
            line = draw_line(describe(made.sound, encoder)["pieces"].astype(np.float32), weight)
            parts = [made.sound[i * HALF_SECOND : (i + 1) * HALF_SECOND] for i in range(len(line))]
            level = np.array([10 * np.log10(np.square(part).mean() + 1e-10) for part in parts])
            inside = put_in(len(line), made.start, made.end) >= 0.5
            names = (f"{fold}/{number}", made.stretch, made.channel, made.fold)
            same = (np.full(len(line), name) for name in names)
            columns.append((line, level - level.mean(), inside, *same))
        print(f"{fold} done", flush=True)
    return Table(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def figures(table: Table) -> dict[str, Any]:
    """How well line and level tell what was put in from the rest of the same recording."""

    def by(column: NDArray[np.str_]) -> dict[str, float]:
        groups = {str(name): column == name for name in dict.fromkeys(column)}
        return {name: round(auc(table.line[m], table.inside[m]), 4) for name, m in groups.items()}

    return {
        "recordings": len(set(table.recording)),
        "half_seconds": len(table.line),
        "put_in": int(table.inside.sum()),
        "frame_auc": round(auc(table.line, table.inside), 4),
        "frame_auc_ci95": [round(v, 4) for v in bootstrap(table.line, table.inside, list(table.recording))],
        "energy_auc": round(auc(table.level, table.inside), 4),
        "frame_auc_by_channel": by(table.channel),
        "frame_auc_by_fold": by(table.fold),
    }


def markdown(results: dict[str, Any]) -> str:
    """The figures as tables."""
    lines = [
        "# Time line of the voice detector on splices",
        f"\n`{results['command']}`; each recording by itself: half seconds that were put in against the others.",
        "\n| put into a real recording | recordings | half seconds | AUC (95 %) | of the loudness alone |",
        "|---|---|---|---|---|",
    ]
    for name in STRETCHES:
        row = results[name]
        low, high = row["frame_auc_ci95"]
        lines.append(
            f"| a {name} stretch | {row['recordings']} | {row['put_in']} of {row['half_seconds']} "
            f"| {row['frame_auc']:.3f} ({low:.3f}-{high:.3f}) | {row['energy_auc']:.3f} |"
        )
    for key in ("frame_auc_by_channel", "frame_auc_by_fold"):
        lines += [f"\n| {key.rpartition('_')[2]} | a synthetic stretch | a real stretch |", "|---|---|---|"]
        synthetic, real = (results[name][key] for name in STRETCHES)
        lines += [f"| {name} | {synthetic[name]:.3f} | {real[name]:.3f} |" for name in synthetic]
    low, high = results["told_apart_ci95"]
    lines.append(
        f"\nHalf seconds put in, synthetic against real ones: AUC {results['told_apart']:.3f} ({low:.3f}-{high:.3f})."
    )
    return "\n".join(lines) + "\n"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args(argv)
    table = score(load_clips(args.data), args.data)
    results: dict[str, Any] = {"command": COMMAND}
    results |= {name: figures(table.rows(table.stretch == name)) for name in STRETCHES}
    inside = table.rows(table.inside)
    synthetic = inside.stretch == "synthetic"
    results["told_apart"] = round(auc(inside.line, synthetic), 4)
    results["told_apart_ci95"] = [round(v, 4) for v in bootstrap(inside.line, synthetic, list(inside.recording))]
    (RESULTS / "splices.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = markdown(results)
    (RESULTS / "splices.md").write_text(text, encoding="utf-8")
    print(text)
