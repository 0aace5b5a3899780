"""SEA-Spoof from Hugging Face -> our audio manifest: `python datasets/sea_spoof/index.py ROOT > manifest.csv`.

The clips are bytes inside Parquet files: they are copied out, never decoded, to ROOT/audio (or FOLDER/audio with --into
FOLDER, where the manifest then belongs), under names that do not tell the label. Needs `pip install pyarrow`.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from manifest import AudioRow, LayoutError, LeftOut, folder, parser, run

SPLITS = {"train": "train", "validation": "val", "evaluation": "test"}
LABELS = {"spoof": "fake", "bonafide": "real"}
COLUMNS = (
    "row_id", "audio", "language", "label", "spoof_type", "source_model", "source_dataset", "speaker_or_voice",
    "sampling_rate",
)  # fmt: skip
LICENCE = "CC BY 4.0 or other, gated (see the card)"
BATCH = 64


def shards(root: Path) -> dict[Path, str]:
    """Parquet file -> published split."""
    data, found = folder(root / "data", "it holds train/, validation/, evaluation/"), {}
    for split in SPLITS:
        files = sorted(folder(data / split, "data/ holds train/, validation/, evaluation/").glob("*.parquet"))
        if not files:
            raise LayoutError(f"folder {data / split} holds no .parquet file")
        found.update(dict.fromkeys(files, split))
    return found


def copied(item: dict[str, Any], into: Path, split: str) -> str:
    """Write the clip's bytes once; its path below `into`."""
    suffix = Path(item["audio"].get("path") or "").suffix.lower()
    suffix = suffix if re.fullmatch(r"\.[a-z0-9]{2,4}", suffix) else ".flac"
    name = hashlib.sha256(f"{split}/{item['row_id']}".encode()).hexdigest()[:24]
    target = into / "audio" / SPLITS[split] / name[:2] / f"{name}{suffix}"
    if not target.is_file() or target.stat().st_size != len(item["audio"]["bytes"]):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        part.write_bytes(item["audio"]["bytes"])
        part.replace(target)
    return target.relative_to(into).as_posix()


def row(item: dict[str, Any], name: str, split: str, shard: str) -> AudioRow:
    fake = LABELS[item["label"]] == "fake"
    return AudioRow(
        file=name,
        split=SPLITS[split],
        label=LABELS[item["label"]],
        system=(item["source_model"] or "not stated") if fake else "real",
        family=(item["spoof_type"] or "unknown") if fake else "real",
        language=item["language"] or "und",
        speaker=item["speaker_or_voice"] or "",
        codec=Path(name).suffix[1:],
        source_repo=f"SEA-Spoof {item['source_dataset'] or 'not stated'}",
        source_path=f"{shard}@{item['row_id']}",
        licence=LICENCE,
        native_sr=str(item["sampling_rate"] or ""),
        published_split=split,
    )


def index(args: argparse.Namespace, left_out: LeftOut) -> Iterator[AudioRow]:
    found = shards(args.root)
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise LayoutError("SEA-Spoof is published as Parquet: pip install pyarrow") from error
    for path, split in found.items():
        shard = path.relative_to(args.root).as_posix()
        try:
            source = parquet.ParquetFile(path)
        except (ArrowException, OSError) as error:
            raise LayoutError(f"file {path} is not readable as Parquet: {error}") from error
        absent = [name for name in COLUMNS if name not in source.schema_arrow.names]
        if absent:
            raise LayoutError(f"file {path} has no column {', '.join(absent)}")
        for batch in source.iter_batches(BATCH, columns=list(COLUMNS)):
            for item in batch.to_pylist():
                if item["label"] not in LABELS:
                    raise LayoutError(f"file {path} has the label {item['label']!r}: not spoof or bonafide")
                if not (item["audio"] or {}).get("bytes"):
                    left_out.add("no sound in the row", f"{shard}@{item['row_id']}")
                else:
                    yield row(item, copied(item, args.into or args.root, split), split, shard)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--into", type=Path, help="where the clips are copied to, in audio/; else ROOT")
    sys.exit(run(index, arguments))
