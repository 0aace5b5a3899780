"""A few hundred damaged files of every format: each is decoded or refused, and the run goes on.

The long run is ``python benchmarks/fuzz.py``.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from mutate import Mutator, names
from outcome import LIMITS, Outcome, ingest

from deepfake_detect.ingest.isolate import Isolation

SEED = 20_261_125
FILES, SECONDS = 300, 20.0


def test_damaged_files(media_folder: Path) -> None:
    mutator, counts, begun = Mutator(media_folder, SEED), Counter[Outcome](), time.monotonic()
    before = sum(1 for _ in Path("/proc/self/fd").iterdir()) if Path("/proc/self/fd").is_dir() else 0
    with Isolation(LIMITS) as isolation:
        for index in range(FILES):
            if time.monotonic() - begun > SECONDS:
                break
            outcome, _ = ingest(isolation, mutator.make(index)[2])
            counts[outcome] += 1
    assert sum(counts.values()) >= len(mutator.formats), "too slow to try every format"
    assert (counts[Outcome.DECODED] + counts[Outcome.REFUSED_LATE]) / sum(counts.values()) >= 0.2
    if before:
        assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


def test_the_same_seed_gives_the_same_files(media_folder: Path) -> None:
    one, other = Mutator(media_folder, SEED), Mutator(media_folder, SEED)
    assert [one.make(i) for i in range(100)] == [other.make(i) for i in range(100)]
    assert one.make(0)[2] != Mutator(media_folder, SEED + 1).make(0)[2]


@pytest.mark.parametrize("damage", names())
def test_every_damage_comes_up_and_damages(media_folder: Path, damage: str) -> None:
    mutator = Mutator(media_folder, SEED)
    originals = {path.read_bytes() for path in media_folder.iterdir()}
    made = [data for _, name, data in map(mutator.make, range(400)) if name == damage]
    assert len(made) > 10
    assert sum(data not in originals for data in made) > 0.8 * len(made)
