"""Kills a run over 200 files at ten random moments, and looks at what it leaves: at each moment, and at the end.

    python tests/kill/ten_kills.py [--files 200] [--kills 10] [--seed 1] [--detectors provenance]
    python tests/kill/ten_kills.py --files 12 --kills 4 --portraits --detectors face-manipulation,local-edit

Ten rounds: each starts a case, ends the whole process group with SIGKILL at a random moment (a random number of reports
is waited for, then up to a fifth of a second), and lets ``--resume`` go on. An eleventh round kills one case ten times.
After each round there are as many reports as files, every file was scanned once but for the one that a kill
interrupted, the case verifies, and while the runs went on no document was ever seen half written. Prints a line a
round; exits with 1 on any fault, and if a run ended before it was killed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("deepfake-detect"))
PORTRAIT = Path(__file__).parents[2] / "samples" / "portrait.jpg"
ENDED = (0, 1, 3)  # done: provenance may find nothing in any of these files, and every tenth cannot be decoded


def make_files(folder: Path, count: int, portraits: bool = False) -> None:
    """Small pictures, each with bytes of its own; every tenth is cut off in the middle. ``portraits``: a person, and
    large enough for every detector.
    """
    import numpy as np
    from PIL import Image

    folder.mkdir()
    side = 320 if portraits else 24
    person = np.asarray(Image.open(PORTRAIT).convert("RGB").resize((side, side)), np.int16)
    for i in range(count):
        buffer = io.BytesIO()
        noise = np.random.default_rng(i)
        pixels = noise.integers(0, 256, (side, side, 3), np.uint8)
        if portraits:
            pixels = np.clip(person + noise.integers(-3, 4, person.shape), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(buffer, "PNG")
        data = buffer.getvalue()
        (folder / f"{i:04d}.png").write_bytes(data[: len(data) // 2] if i % 10 == 9 else data)


class Watcher(threading.Thread):
    """Reads every document of a case as soon as it is there, again and again, and keeps what was not whole."""

    def __init__(self, case: Path) -> None:
        super().__init__(daemon=True)
        self._case, self._ended = case, threading.Event()
        self.seen, self.torn = 0, list[str]()

    def run(self) -> None:
        known: dict[Path, int] = {}
        while not self._ended.wait(0.01):
            for path in [*self._case.glob("data/reports/*"), *self._case.glob("data/index*")]:
                self._look(path, known)

    def _look(self, path: Path, known: dict[Path, int]) -> None:
        if path.name.startswith("."):  # a file on its way to its place: no report, and no reader takes it for one
            return
        try:
            inode = path.stat().st_ino
            if known.get(path) == inode:
                return
            data = path.read_bytes()
        except FileNotFoundError:
            return
        known[path] = inode
        self.seen += 1
        if not is_whole(path, data):
            self.torn.append(path.name)

    def stop(self) -> None:
        self._ended.set()
        self.join()


def is_whole(path: Path, data: bytes) -> bool:
    """Whether a JSON document parses, or a page is closed."""
    if path.suffix != ".json":
        return data.rstrip().endswith(b"</html>")
    try:
        return isinstance(json.loads(data), dict)
    except ValueError:
        return False


@dataclass(slots=True)
class Bench:
    """The files, and how they are scanned."""

    folder: Path
    files: int
    options: tuple[str, ...]

    def start(self, case: Path) -> subprocess.Popen[bytes]:
        command = [COMMAND, "scan", str(self.folder), "-o", str(case), "-q", "--format", "jsonl", "--resume"]
        return subprocess.Popen(
            [*command, *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )

    def run(self, case: Path, moment: tuple[int, float] | None = None) -> tuple[int, str]:
        """Run; kill the whole process group so many seconds after so many reports, if a ``moment`` is given.

        How it ended, and what it said.
        """
        process = self.start(case)
        if moment is not None:
            while process.poll() is None and reports(case) < moment[0]:
                time.sleep(0.005)
            time.sleep(moment[1])
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        said = process.communicate()[1]
        return process.returncode, said.decode("utf-8", "replace")[-300:]


def reports(case: Path) -> int:
    """How many can be seen."""
    return len(list(case.glob("data/reports/*.json")))


@dataclass(slots=True)
class Round:
    """What a round left. ``faults`` is empty if all is as it should be."""

    killed_at: list[int] = field(default_factory=list)  # reports that were there
    again: int = 0  # files that were scanned twice
    documents: int = 0
    faults: list[str] = field(default_factory=list)


def play(bench: Bench, case: Path, moments: Sequence[tuple[int, float]]) -> Round:
    """One case: killed at each of ``moments``, then resumed to its end."""
    result, watcher = Round(), Watcher(case)
    watcher.start()
    for moment in moments:
        code, said = bench.run(case, moment)
        if code == -signal.SIGKILL:
            result.killed_at.append(reports(case))
        else:
            result.faults.append(f"a run ended with {code} before it was killed: {said}")
    code, said = bench.run(case)
    if code not in ENDED:
        result.faults.append(f"the last run ended with {code}: {said}")
    watcher.stop()
    result.documents = watcher.seen
    result.faults += [f"half written: {name}" for name in watcher.torn]
    check(bench, case, result)
    return result


def check(bench: Bench, case: Path, result: Round) -> None:
    """Add to ``result`` what is wrong with a case that is done."""
    found = [json.loads(path.read_bytes()) for path in case.glob("data/reports/*.json")]
    paths = Counter(report["media"]["path"] for report in found)
    wanted = {str(path) for path in bench.folder.iterdir()}
    if set(paths) != wanted or max(paths.values()) != 1:
        result.faults.append(f"{len(found)} reports on {len(paths)} of {len(wanted)} files")
    pages = {path.stem for path in case.glob("data/reports/*.html")}
    listed = json.loads((case / "data" / "index.json").read_bytes())["files"]
    if len(listed) != bench.files or not pages <= {entry["name"] for entry in listed}:
        result.faults.append(f"{len(listed)} files in the index, {len(pages)} pages")
    lines = [json.loads(line) for line in (case / "custody.jsonl").read_bytes().splitlines()]
    scans = Counter(line["subject"] for line in lines if line["action"] == "scanned")
    result.again = sum(count - 1 for count in scans.values())
    if len(scans) != bench.files or result.again:
        result.faults.append(f"{len(scans)} files in the custody log, {result.again} of them twice")
    done = subprocess.run([COMMAND, "verify", str(case), "--no-weights"], capture_output=True, text=True, check=False)
    if done.returncode:
        result.faults.append(f"verify: {done.stdout[-300:]}")
    if list(case.rglob(".writing-*")):
        result.faults.append("a temporary file was left")


def main(argv: Sequence[str] | None = None) -> int:
    """Play all rounds; 0 if none had a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--detectors", default="provenance", help="or `all`")
    parser.add_argument("--portraits", action="store_true", help="pictures that every detector scores")
    asked = parser.parse_args(argv)
    options = () if asked.detectors == "all" else ("--detectors", asked.detectors)
    random_ = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch) / "files", asked.files, options)
        make_files(bench.folder, asked.files, asked.portraits)
        faults: list[str] = []
        last = max(asked.files - 4, 1)  # the very last files would be done before the kill comes
        moments = [[(random_.randrange(last), random_.uniform(0, 0.2))] for _ in range(asked.kills)]
        moments.append(sorted((random_.randrange(last), random_.uniform(0, 0.2)) for _ in range(asked.kills)))
        for number, some in enumerate(moments, 1):
            result = play(bench, Path(scratch) / f"case-{number}", some)
            faults += result.faults
            print(
                f"round {number}: killed with {result.killed_at} reports; {result.documents} documents seen, "
                f"{result.again} files scanned twice: {'; '.join(result.faults) or 'ok'}",
                flush=True,
            )
    print(f"{len(moments)} rounds, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
