"""ASVspoof 2021, LA and DF -> our audio manifest: `python datasets/asvspoof2021/index.py ROOT > manifest.csv`.

ROOT holds ASVspoof2021_LA_eval/ or ASVspoof2021_DF_eval/ or both, and keys/ from LA-keys-full and DF-keys-full.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from manifest import AudioRow, LayoutError, LeftOut, file, folder, parser, run, usable

TRACKS = {"LA": 8, "DF": 13}  # columns of a line of the keys
SPLITS = {"progress": "val", "eval": "test"}  # the hidden part is trimmed, for an analysis of its own
CONVERSION, HYBRID = {"A17", "A18", "A19"}, {"A13", "A14", "A15"}  # ASVspoof 2019, table 1; the rest is TTS
LICENCE = "ODC-By 1.0"


def family(attack: str, corpus: str) -> str:
    if attack == "-":
        return "real"
    if corpus.startswith("vcc") or attack in CONVERSION:
        return "vc"
    return "tts_vc" if attack in HYBRID else "tts"


def language(track: str, columns: list[str]) -> str:
    """English, but for clips of VCC 2020 whose last column names another language: what they say is not stated."""
    return "und" if track == "DF" and columns[3] == "vcc2020" and columns[12] != "E" else "en"


def row(track: str, columns: list[str], name: str) -> AudioRow:
    speaker, _, codec, third, attack, key, _, phase = columns[:8]
    corpus = third if track == "DF" else "asvspoof"
    sent = codec if track == "DF" else f"{codec} over {third}"
    fake = key == "spoof"
    return AudioRow(
        file=name,
        split=SPLITS[phase],
        label="fake" if fake else "real",
        system=f"{corpus} {attack}" if fake else "real",
        family=family(attack, corpus) if fake else "real",
        language=language(track, columns),
        speaker=speaker,
        codec=f"flac ({sent})",
        source_repo=f"ASVspoof 2021 {track} {corpus}",
        source_path=name,
        licence=LICENCE,
        native_sr="16000",
        published_split=phase,
    )


def rows_of(root: Path, track: str, keys: Path, left_out: LeftOut) -> Iterator[AudioRow]:
    place = f"ASVspoof2021_{track}_eval/flac"
    with keys.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            columns = line.split()
            if len(columns) != TRACKS[track] or columns[5] not in ("spoof", "bonafide"):
                raise LayoutError(f"file {keys}, line {number}: not {TRACKS[track]} columns with the key in the sixth")
            name = f"{place}/{columns[1]}.flac"
            if columns[7] not in SPLITS:
                left_out.add(f"phase {columns[7]}", name)
            elif usable(root / name, left_out):
                yield row(track, columns, name)


def index(args: argparse.Namespace, left_out: LeftOut) -> Iterator[AudioRow]:
    found = [track for track in TRACKS if (args.root / f"ASVspoof2021_{track}_eval").is_dir()]
    if not found:
        raise LayoutError(f"folder {args.root / 'ASVspoof2021_LA_eval'} is missing, and ASVspoof2021_DF_eval/ too")
    keys = {}
    for track in found:
        folder(args.root / f"ASVspoof2021_{track}_eval" / "flac", "it holds the clips")
        where = args.root / "keys" / track / "CM" / "trial_metadata.txt"
        keys[track] = file(where, f"unpack {track}-keys-full.tar.gz of asvspoof.org into ROOT")
    for track in found:
        yield from rows_of(args.root, track, keys[track], left_out)


if __name__ == "__main__":
    sys.exit(run(index, parser(__doc__)))
