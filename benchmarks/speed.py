"""How long a scan takes, and how much memory: `python benchmarks/run.py speed [--quick] [--out FOLDER]`.

Everything is measured in fresh processes on media made here. CPU seconds are of the process and the worker that decodes
for it; memory is the largest sum of both resident sizes, looked at every 50 ms. No originals, no robustness test;
single files get maps and crops, folders only where a first pass flags something.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- speed: written by benchmarks/run.py speed -->", "<!-- end of speed -->"
COMMAND = str(Path(sys.executable).with_name("deepfake-detect"))
Numbers = dict[str, Any]
STAGES = {  # what is timed: module, class or None, function
    "faces": ("deepfake_detect.extract.faces", "FaceFinder", "find"),
    "speech": ("deepfake_detect.extract.speech", "SpeechFinder", "probabilities"),
    "maps": ("deepfake_detect.judge", "Judgement", "explained"),
    "crops": ("deepfake_detect.pipeline", None, "subjects"),
}


class Tree:
    """CPU seconds and resident size of this process and its children, live."""

    def __init__(self) -> None:
        self.peak, self._over = 0, threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def cpu(self) -> float:
        """Seconds: of children that have ended too."""
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system + self._children()

    def stop(self) -> float:
        """The peak in MB."""
        self._over.set()
        self._watch.join()
        return self.peak / 1e6

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._over.wait(0.05):
            sizes = [_read(f"/proc/{p}/statm") for p in (os.getpid(), *_children())]
            self.peak = max(self.peak, sum(int(s.split()[1]) * page for s in sizes if s))

    def _children(self) -> float:
        found = [_read(f"/proc/{p}/stat").rpartition(")")[2].split() for p in _children()]
        return sum(int(f[11]) + int(f[12]) for f in found if f) / os.sysconf("SC_CLK_TCK")


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _children() -> list[str]:
    return [p for t in Path("/proc/self/task").iterdir() for p in _read(f"{t}/children").split()]


def in_child(kind: str, *arguments: str) -> Numbers:
    """One of the functions of ``KINDS`` in a fresh process."""
    done = subprocess.run(
        [sys.executable, str(HERE / "speed.py"), kind, *arguments], stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
    )  # fmt: skip
    result: Numbers = json.loads(done.stdout)
    return result


def _scanner(detectors: str = "") -> Any:
    from deepfake_detect import Scanner, ScanOptions

    scanner = Scanner(
        device="cpu", plugins=False, detectors=detectors.split(",") if detectors else None,
        options=ScanOptions(robustness=False),
    )  # fmt: skip
    assert not scanner.protections[0].startswith("none:")  # and starts the first worker
    return scanner


def _timed(spent: dict[str, float], name: str, act: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **named: Any) -> Any:
        before = time.process_time()
        try:
            return act(*arguments, **named)
        finally:
            spent[name] = spent.get(name, 0.0) + time.process_time() - before

    return run


def one(path: str, again: str) -> Numbers:
    """One file in a scanner that is loaded, CPU by stage, then ``again``: ``whole``, as ``first pass``, or ``no``."""
    from importlib import import_module

    tree, spent = Tree(), dict[str, float]()
    for stage, (module, owner, name) in STAGES.items():
        holder = getattr(import_module(module), owner) if owner else import_module(module)
        setattr(holder, name, _timed(spent, stage, getattr(holder, name)))
    with _scanner() as scanner:
        for loaded in scanner.detectors:
            loaded.detector.score = _timed(spent, loaded.card.id, loaded.detector.score)
        ready, worker = tree.cpu(), tree._children()
        scanner.scan(path)
        cpu, stages = tree.cpu() - ready, {"reading and decoding": tree._children() - worker, **spent}
        stages["the rest"] = max(0.0, cpu - sum(stages.values()))
        before, clock = tree.cpu(), time.monotonic()
        if again != "no":
            list(scanner.scan_all([path], full=lambda _: again == "whole"))
        again_cpu, again_wall = tree.cpu() - before, time.monotonic() - clock
    return {
        "start_cpu": ready, "cpu": cpu, "again_cpu": again_cpu, "again_wall": again_wall, "memory_mb": tree.stop(),
        "stages": stages,
    }  # fmt: skip


def yardstick(path: str) -> Numbers:
    """CPU of decoding a file once in this process and finding faces in the same frames, the second time."""
    from deepfake_detect.checkpoints import WeightStore
    from deepfake_detect.extract.faces import BATCH, VIDEO_SIDE, FaceFinder
    from deepfake_detect.ingest import open_media
    from deepfake_detect.media import Frame, SamplingPlan

    finder = FaceFinder(WeightStore())
    for _ in range(2):
        before = time.process_time()
        with open_media(path) as opened:
            frames = [item for item in opened.decode(SamplingPlan()) if isinstance(item, Frame)]
        for start in range(0, len(frames), BATCH):
            finder.find(frames[start : start + BATCH], VIDEO_SIDE)
        cpu = time.process_time() - before
    return {"cpu": cpu}


def folder(path: str, detectors: str) -> Numbers:
    """A folder, first pass: CPU and wall seconds for each file, after start-up."""
    tree, paths = Tree(), sorted(Path(path).iterdir())
    with _scanner(detectors) as scanner:
        ready, clock = tree.cpu(), time.monotonic()
        count = sum(1 for _ in scanner.scan_all(paths, full=lambda _: False))
        cpu, wall = tree.cpu() - ready, time.monotonic() - clock
    return {"files": count, "cpu": cpu / count, "wall": wall / count, "memory_mb": tree.stop()}


KINDS: Mapping[str, Callable[..., Numbers]] = {
    "one": one, "yardstick": yardstick, "folder": folder,
}  # fmt: skip


def command(*arguments: str, runs: int = 3) -> Numbers:
    """The command line as a person starts it: the median run by wall time."""
    results = []
    for _ in range(runs):
        before, clock = os.times(), time.monotonic()
        subprocess.run([COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        after, wall = os.times(), time.monotonic() - clock
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        results.append({"wall": wall, "cpu": cpu})
    return sorted(results, key=lambda r: r["wall"])[runs // 2]


def measure(quick: bool, media: Path) -> Numbers:
    """All figures. ``quick``: smaller folders."""
    import speed_media as make

    hd, full_hd = make.video(media / "720.mp4", 1280, 720, 30), make.video(media / "1080.mp4", 1920, 1080, 30)
    heard, picture = make.sound(media / "minute.flac", 60), make.SAMPLES / "portrait.jpg"
    few, many, most, mix = (20, 200, 2000, 40) if quick else (100, 2000, 10_000, 500)
    load = os.getloadavg()[0]
    results: Numbers = {
        "version": command("--version", runs=5),
        "picture cold": command("scan", str(picture), "-q", "--no-robustness"),
        "picture": in_child("one", str(picture), "whole"),
        "720p": in_child("one", str(hd), "first pass"),
        "1080p": in_child("one", str(full_hd), "no"),
        "sound": in_child("one", str(heard), "no"),
        "yardstick": in_child("yardstick", str(hd)),
        "mixed": in_child("folder", str(make.mixed(media / "mixed", mix)), ""),
        "small few": in_child("folder", str(make.small_pictures(media / "few", few)), ""),
        "small many": in_child("folder", str(make.small_pictures(media / "many", many)), ""),
        "facts few": in_child("folder", str(media / "few"), "provenance"),
        "facts most": in_child("folder", str(make.small_pictures(media / "most", most)), "provenance"),
    }
    results["about"] = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()), "quick": quick, "cores": os.cpu_count(),
        "load_before": round(load, 1), "load_after": round(os.getloadavg()[0], 1), "python": platform.python_version(),
    }  # fmt: skip
    return results


def table(r: Mapping[str, Any]) -> str:
    """The figures against their targets, as Markdown."""
    ratio = r["720p"]["again_cpu"] / r["yardstick"]["cpu"]
    memory = max(r[k]["memory_mb"] for k in ("picture", "720p", "1080p", "sound", "mixed", "small many"))
    flat, facts = (
        (r[a]["cpu"] / r[b]["cpu"], r[a]["memory_mb"] - r[b]["memory_mb"])
        for a, b in (("small many", "small few"), ("facts most", "facts few"))
    )
    counts = [r[k]["files"] for k in ("small few", "small many", "facts few", "facts most", "mixed")]
    rows = [
        ("`deepfake-detect --version`", f"{r['version']['wall']:.2f} s", "0.3 s"),
        (
            "a picture, first result, cold",
            f"{r['picture cold']['wall']:.1f} s, {r['picture cold']['cpu']:.1f} s CPU",
            "8 s",
        ),
        ("a picture, warm", f"{r['picture']['again_wall']:.1f} s", "1.5 s"),
        ("30 s of 720p with one face, CPU after start-up", f"{r['720p']['cpu']:.1f} s", "8 s"),
        ("30 s of 1080p with one face, CPU after start-up", f"{r['1080p']['cpu']:.1f} s", ""),
        ("a minute of speech, CPU after start-up", f"{r['sound']['cpu']:.1f} s", ""),
        ("start-up, CPU", f"{r['720p']['start_cpu']:.1f} s", ""),
        ("largest memory, scanner and worker together", f"{memory / 1000:.2f} GB", "1.5 GB"),
        ("first pass of 720p to decoding it once and finding faces, CPU", f"{ratio:.1f}", "2"),
        (f"mixed folder of {counts[4]}, files an hour", f"{3600 / r['mixed']['wall']:,.0f}", ""),
        (f"CPU a small picture, {counts[1]:,} to {counts[0]:,}", f"{flat[0]:.2f}", "1"),
        (f"memory more with {counts[1]:,} than with {counts[0]:,}", f"{flat[1]:+.0f} MB", "0"),
        (f"the same, provenance only, {counts[3]:,} to {counts[2]:,}", f"{facts[0]:.2f}, {facts[1]:+.0f} MB", "1, 0"),
    ]
    return "\n".join(["| what | measured | target |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)])


def text(r: Mapping[str, Any]) -> str:
    """The results file."""
    about, parts = r["about"], []
    for name in ("720p", "1080p", "picture", "sound"):
        total = sum(r[name]["stages"].values())
        shares = sorted(r[name]["stages"].items(), key=lambda s: -s[1])
        parts.append(
            f"| {name} | " + ", ".join(f"{k} {v:.2f} s ({v / total:.0%})" for k, v in shares if v > 0.005) + " |"
        )
    quick, machine = (
        " --quick" if about["quick"] else "",
        f"{about['cores']} cores without a GPU, Python {about['python']}",
    )
    load = f"before {about['load_before']}, after {about['load_after']}"
    return f"""# Speed and memory

Made by `python benchmarks/run.py speed{quick}` on {about["date"]}: {machine}, default plan, no robustness test, no
originals. Load of the machine: {load}. Beyond the number of cores wall times are those of a busy machine, and CPU
seconds, too, are higher than on an idle one.

{table(r)}

CPU seconds by stage, first time in a loaded scanner:

| media | stages |
|---|---|
{chr(10).join(parts)}
"""


def with_table(readme: str, r: Mapping[str, Any]) -> str:
    """The README with these figures between its two marks."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{table(r)}\n{END}{rest.split(END)[1]}"


def main(argv: list[str]) -> None:
    """Measure, and write ``speed.json``, ``speed.md`` and the README's table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="folders of 20 to 2,000 files instead of 100 to 10,000")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as media:
        results = measure(args.quick, Path(media))
    (args.out / "speed.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (args.out / "speed.md").write_text(text(results), encoding="utf-8")
    readme = README.read_text(encoding="utf-8")
    README.write_text(with_table(readme, results), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    print(json.dumps(KINDS[sys.argv[1]](*sys.argv[2:])))
