"""Making an index from files, and keeping it in a folder so that the next run takes seconds.

Originals are opened as evidence is: read-only, hashed, decoded by ``ingest`` under its limits. The folder holds
``index.json`` and ``features.npz``; neither holds a picture, and nothing in them is executed when they are read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DeepfakeDetectError, UnreadableError, UsageError
from ..ingest import OpenMedia, find_files, open_media
from ..media import Frame, MediaKind, SamplingPlan
from .features import codes as codes_of
from .features import features, hashes, shrink
from .index import FRAMES_OF_VIDEO, INDEX_FEATURES, INDEX_SIDE, Entry, OriginalRecord, OriginalsIndex, pack_points

MAX_ORIGINALS = 20_000
PLAN = SamplingPlan(max_frames=FRAMES_OF_VIDEO, max_audio_seconds=0.001)  # the sound of an original is not compared
_FORMAT = "deepfake-detect originals 2"
_FILES = ("index.json", "features.npz")

Opener = Callable[[str | os.PathLike[str]], OpenMedia]
_Indexed = tuple[OriginalRecord, list[Entry]]


def index_originals(
    paths: Iterable[str | os.PathLike[str]],
    folder: str | os.PathLike[str] | None = None,
    *,
    opener: Opener = open_media,
    workers: int = 2,
    done: Callable[[int], None] = lambda count: None,
) -> OriginalsIndex:
    """Index files and folders of them; ``folder`` keeps the result, and entries of unchanged files are taken from it.

    ``opener``: how files are opened, ``ingest.open_media`` or that of an ``ingest.isolate.Isolation``. ``workers``
    decode at the same time, one original each, which bounds the memory. ``done`` hears the number of files looked at.
    What cannot be read or decoded is a sentence in ``problems``. Raises ``UsageError`` when no file is there or none
    can be used.
    """
    kept = _load(Path(folder)) if folder is not None else {}
    problems: list[str] = []
    indexed: list[_Indexed] = []
    found = find_files(paths)
    with ThreadPoolExecutor(workers) as pool:
        looked = left = 0
        while batch := list(islice(found, 16 * workers)):
            for result in pool.map(lambda item: _look(item, kept, opener), batch):
                looked += 1
                if isinstance(result, str):
                    problems.append(result)
                elif len(indexed) < MAX_ORIGINALS:
                    indexed.append(result)
                else:
                    left += 1
            done(looked)
            if len(indexed) >= MAX_ORIGINALS:
                left += sum(1 for _ in found)
    if left:
        problems.append(f"Only the first {MAX_ORIGINALS:,} originals are compared; {left:,} more are left out.")
    if not indexed:
        detail = f" ({problems[0]})" if problems else ""
        raise UsageError(
            f"no original can be used: {'none of the files is readable' if problems else 'there is no file'}{detail}",
            "Name pictures or videos, or a folder that holds some.",
        )
    index = _assemble(indexed, problems)
    if folder is not None:
        _save(index, Path(folder))
    return index


def _assemble(indexed: list[_Indexed], problems: list[str]) -> OriginalsIndex:
    records = tuple(record for record, _ in indexed)
    entries = tuple(replace(e, original=i) for i, (_, found) in enumerate(indexed) for e in found)
    return OriginalsIndex(records, entries, tuple(problems))


def _look(item: Path | UnreadableError, kept: dict[str, _Indexed], opener: Opener) -> _Indexed | str:
    if isinstance(item, UnreadableError):
        return item.sentences()
    try:
        status = item.stat()
        known = kept.get(str(item))
        if known and (known[0].size, known[0].modified_ns) == (status.st_size, status.st_mtime_ns):
            return known
        return _index_file(item, status.st_mtime_ns, opener)
    except OSError as error:
        return f"{item} cannot be read ({error.strerror})."
    except DeepfakeDetectError as error:
        return f"{item} cannot be compared: {error.sentences()}"


def _index_file(path: Path, modified_ns: int, opener: Opener) -> _Indexed | str:
    with opener(path) as opened:
        media = opened.media
        if media.kind is MediaKind.AUDIO or media.facts is None:
            return f"{path} holds no picture to compare."
        entries, width, height = [], 0, 0
        for frame in _frames(opened.decode(PLAN)):
            width, height = frame.width, frame.height
            entries.append(describe(frame))
        opened.verify_unchanged()
    if not entries:
        return f"{path} holds no picture to compare."
    supplied = datetime.now(UTC).isoformat(timespec="seconds")
    kind = "image" if media.kind is MediaKind.IMAGE else "video"
    record = OriginalRecord(str(path), media.sha256, media.size, modified_ns, kind, width, height, supplied)
    return record, entries


def _frames(items: Iterator[object]) -> Iterator[Frame]:
    return (item for item in items if isinstance(item, Frame))


def describe(frame: Frame) -> Entry:
    """What the index keeps of one frame."""
    small = shrink(frame.pixels, INDEX_SIDE)
    found = features(small, INDEX_SIDE, INDEX_FEATURES)
    vectors, quality = hashes(small)
    return Entry(0, frame.time, quality, pack_points(found), codes_of(found.descriptors), vectors[0])


def _save(index: OriginalsIndex, folder: Path) -> None:
    buffer = io.BytesIO()
    entries = index.entries
    np.savez(
        buffer,
        original=np.array([e.original for e in entries], np.int32),
        time=np.array([e.time for e in entries], np.float64),
        quality=np.array([e.quality for e in entries], np.int32),
        length=np.array([len(e.codes) for e in entries], np.int32),
        points=np.concatenate([e.points for e in entries]),
        codes=np.concatenate([e.codes for e in entries]),
        pdq=np.array([e.pdq for e in entries], np.uint8),
    )
    data = buffer.getvalue()
    head = {
        "format": _FORMAT,
        "features_sha256": hashlib.sha256(data).hexdigest(),
        "records": [asdict(r) for r in index.records],
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / _FILES[1], data)
        _write(folder / _FILES[0], json.dumps(head).encode("ascii"))
    except OSError as error:
        raise DeepfakeDetectError(
            f"the index of originals cannot be kept in {folder} ({error.strerror})", "Name another case folder."
        ) from error


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _load(folder: Path) -> dict[str, _Indexed]:
    """Entries kept by an earlier run, by path; none when the folder holds no index that is whole and of this format."""
    try:
        head = json.loads((folder / _FILES[0]).read_bytes())
        data = (folder / _FILES[1]).read_bytes()
        if head["format"] != _FORMAT or head["features_sha256"] != hashlib.sha256(data).hexdigest():
            return {}
        records = [OriginalRecord(**raw) for raw in head["records"]]
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return _kept(records, {name: arrays[name] for name in arrays.files})
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _kept(records: list[OriginalRecord], arrays: Mapping[str, NDArray[Any]]) -> dict[str, _Indexed]:
    result: dict[str, _Indexed] = {record.path: (record, []) for record in records}
    ends = np.cumsum(arrays["length"])
    for i, (original, time, quality) in enumerate(
        zip(arrays["original"], arrays["time"], arrays["quality"], strict=True)
    ):
        part = slice(int(ends[i] - arrays["length"][i]), int(ends[i]))
        entry = Entry(0, float(time), int(quality), arrays["points"][part], arrays["codes"][part], arrays["pdq"][i])
        result[records[int(original)].path][1].append(entry)
    return result
