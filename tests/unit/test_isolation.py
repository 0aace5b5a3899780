"""Suspect bytes are read in a process that can do no harm, whose end costs one file, and that is believed nothing."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepfake_detect import Reason, errors
from deepfake_detect.deadline import Deadline, Expired
from deepfake_detect.ingest import Limits, OpenMedia, open_media
from deepfake_detect.ingest.isolate import Isolation, client, landlock, process
from deepfake_detect.ingest.isolate.process import supported
from deepfake_detect.ingest.isolate.ring import MAX_IN_FLIGHT, sealed
from deepfake_detect.media import ContainerFacts, Frame, SamplingPlan

pytestmark = pytest.mark.skipif(not supported(), reason="this system cannot pass open files to a process of its own")

SAMPLES = Path(__file__).parents[2] / "samples"
SMALL = Limits(max_wall_seconds=60.0, max_memory_bytes=512 << 20, max_pixels=10_000_000)
SECOND = replace(SMALL, max_wall_seconds=1.0)
FACTS = asdict(ContainerFacts("png", "image/png", width=4, height=4))
OPEN = json.dumps({"kind": "image", "facts": FACTS, "gaps": []})


@pytest.fixture(scope="module")
def isolation() -> Iterator[Isolation]:
    with Isolation() as made:
        yield made


@pytest.fixture(scope="module")
def hostile() -> Iterator[Isolation]:
    with Isolation(SMALL, "hostile_worker") as made:
        yield made


def content(opened: OpenMedia, plan: SamplingPlan) -> list[tuple[Any, ...]]:
    return [
        (i.time, i.new_shot, i.pixels.shape, i.pixels.tobytes())
        if isinstance(i, Frame)
        else (i.start, i.samples.tobytes())
        for i in opened.decode(plan)
    ]


def order(**what: Any) -> bytes:
    return json.dumps(what).encode()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def children() -> set[int]:
    listed = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    return {int(child) for child in listed.read_text().split()}


def test_a_worker_gives_what_decoding_here_gives(isolation: Isolation, media_folder: Path) -> None:
    """Every format, every kind of bad file: the same facts, gaps, frames, sound and errors."""
    plan = SamplingPlan(max_frames=8)
    for path in sorted(media_folder.iterdir()):
        found = []
        for opener in (open_media, isolation.open_media):
            try:
                with opener(path) as opened:
                    found.append((opened.media, content(opened, plan), opened.gaps))
                    opened.verify_unchanged()
            except errors.DeepfakeDetectError as error:
                found.append((type(error), error.message, error.hint))
        assert found[0] == found[1], path.name
    assert len(isolation._idle) == 1  # one worker, reused


@pytest.mark.parametrize("source", ["path", "bytes", "stream"])
def test_sources(isolation: Isolation, media_folder: Path, source: str) -> None:
    path = media_folder / "h264.mp4"
    given: Any = {"path": path, "bytes": path.read_bytes(), "stream": BytesIO(path.read_bytes())}[source]
    with isolation.open_media(given) as opened, open_media(path) as direct:
        assert content(opened, SamplingPlan()) == content(direct, SamplingPlan())
        assert replace(opened.media, path=None) == replace(direct.media, path=None)
        assert (opened.media.path is None) == (source != "path")
        opened.verify_unchanged()
    assert source != "stream" or not given.closed


def test_more_frames_than_are_in_flight(isolation: Isolation, media_folder: Path) -> None:
    plan = SamplingPlan(max_frames=5 * MAX_IN_FLIGHT)
    with isolation.open_media(media_folder / "h264.mp4") as opened, open_media(media_folder / "h264.mp4") as direct:
        frames = opened.decode(plan)
        kept = [next(frames)]
        time.sleep(0.3)  # the worker runs ahead and must not write over what was taken
        kept += [item for item in frames if isinstance(item, Frame)]
        expected = [item for item in direct.decode(plan) if isinstance(item, Frame)]
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(kept, expected, strict=False))


def test_a_pass_may_be_broken_off_and_repeated(isolation: Isolation, media_folder: Path) -> None:
    plan = SamplingPlan(max_frames=40)
    with isolation.open_media(media_folder / "h264.mp4") as opened:
        first = next(iter(opened.decode(plan)))
        unfinished = opened.decode(plan)
        next(unfinished)
        whole = content(opened, plan)
        with pytest.raises(RuntimeError):
            list(unfinished)
        assert isinstance(first, Frame) and whole[0][3] == first.pixels.tobytes()
    assert len(isolation._idle) == 1


def test_the_worker_says_what_guards(isolation: Isolation) -> None:
    told = " / ".join(isolation.protections())
    assert "memory limit 4.0 GiB" in told and "CPU limit" in told
    if landlock.version():
        assert f"Landlock {landlock.version()}" in told
    pytest.importorskip("pyseccomp", reason="no pyseccomp here")
    for what in ("no network", "no new process or program", "no file opened for writing"):
        assert what in told


def test_where_there_is_no_sandbox_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "supported", lambda: False)
    with Isolation() as made, made.open_media(SAMPLES / "portrait.jpg") as opened:
        assert made.protections()[0].startswith("none:")
        assert len(content(opened, SamplingPlan())) == 1


def test_nothing_can_be_reached_from_inside(hostile: Isolation, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("evidence of somebody else")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        what = {"folder": str(tmp_path), "port": server.getsockname()[1]}
        (tmp_path / "order").write_bytes(order(**{"try": what}))
        with hostile.open_media(tmp_path / "order") as opened:
            assert opened.media.facts is not None
            results = opened.media.facts.metadata
        with pytest.raises(TimeoutError):
            server.accept()
    assert len(results) > 20
    allowed = {name: found for name, found in results.items() if found != "refused"}
    assert "Bad file descriptor" in allowed.pop("write the evidence")
    assert "not allowed" in allowed.pop("more memory")
    assert allowed == {}
    assert {path.name for path in tmp_path.iterdir()} == {"order", "secret"} and (
        tmp_path / "secret"
    ).read_text() == "evidence of somebody else"


@pytest.mark.parametrize(
    ("act", "error", "says", "reason"),
    [
        ("segfault", errors.IsolationError, "SIGSEGV", Reason.FAILED),
        ("chatter", errors.IsolationError, "SIGSEGV; its last words: no", Reason.FAILED),
        ("allocate", errors.LimitExceededError, "memory", Reason.FAILED),
        ("spin", errors.DecodingTimeoutError, "more than 1 s", Reason.TIMEOUT),
        ("sleep", errors.DecodingTimeoutError, "more than 1 s", Reason.TIMEOUT),
    ],
)  # fmt: skip
def test_a_worker_that_dies_costs_one_file(
    hostile: Isolation, act: str, error: type[errors.IngestError], says: str, reason: Reason,
) -> None:  # fmt: skip
    begun = time.monotonic()
    with pytest.raises(error, match=says) as caught:
        hostile.open_media(order(act=act), limits=SECOND if act in ("spin", "sleep") else None)
    assert caught.value.reason is reason
    assert len(caught.value.message) < 500
    assert time.monotonic() - begun < 20
    with hostile.open_media(SAMPLES / "portrait.jpg") as opened:
        assert len(content(opened, SamplingPlan())) == 1


def test_cpu_time_is_limited_file_by_file() -> None:
    limits = replace(SMALL, max_cpu_seconds=1.0)
    with Isolation(limits, "hostile_worker") as made:
        with pytest.raises(errors.DecodingTimeoutError, match="CPU time"):
            made.open_media(order(act="spin"))
        for _ in range(3):
            with made.open_media(SAMPLES / "portrait.jpg") as opened:
                content(opened, SamplingPlan())


def test_a_worker_that_does_nothing_is_given_up_long_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs or was stopped uses no CPU time; one that spins does, and keeps its time."""
    monkeypatch.setattr(process, "_SILENT_SECONDS", 0.8)
    silent = pytest.raises(errors.DecodingTimeoutError, match=r"did nothing for 0\.8 s")
    begun, before = time.monotonic(), children()
    with Isolation(SMALL, "hostile_worker") as made:
        with silent:
            made.open_media(order(act="sleep"))
        with made.open_media(SAMPLES / "portrait.jpg") as opened, silent:
            (worker,) = children() - before
            os.kill(worker, signal.SIGSTOP)
            content(opened, SamplingPlan())
        assert time.monotonic() - begun < 20
        with pytest.raises(errors.DecodingTimeoutError, match="more than 2 s of waiting"):
            made.open_media(order(act="spin"), limits=replace(SMALL, max_wall_seconds=2.0))


def test_a_worker_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START_SECONDS", 0.0)
    with Isolation() as made:
        assert made.protections()[0].startswith("none: no file can be read, the process that reads files did not start")


def lies() -> dict[str, dict[str, Any]]:
    """What a worker must not get away with: its answer to ``open``, then to ``decode``."""
    frame = {"time": 0.0, "height": 4, "width": 4, "new_shot": True, "at": 0}

    def opened(**facts: Any) -> dict[str, Any]:
        return {"open": [json.dumps({"kind": "image", "facts": {**FACTS, **facts}, "gaps": []})]}

    def decoded(*answers: Any) -> dict[str, Any]:
        return {"open": [OPEN], "decode": [a if isinstance(a, int | str) else json.dumps(a) for a in answers]}

    return {
        "a length of 2 GB": {"open": [4]},
        "bytes without end": {"open": ["forever"]},
        "no JSON": {"open": ["\x00\x01"]},
        "a list": {"open": ["[]"]},
        "deep nesting": {"open": ["[" * 100_000]},
        "NaN": {"open": ['{"kind": NaN}']},
        "a number of a million digits": {"open": ['{"kind": ' + "9" * 1_000_000 + "}"]},
        "no facts": {"open": ['{"kind": "image"}']},
        "another kind": {"open": [OPEN.replace('"image"', '"program"', 1)]},
        "a field more": opened(extra=1),
        "text for a number": opened(width="4"),
        "truth for a number": opened(width=True),
        "infinite seconds": {"open": [OPEN.replace('"seconds": null', '"seconds": 1e999')]},
        "half a character": {"open": [OPEN.replace('"png"', '"\\ud800"')]},
        "too much metadata": opened(metadata={f"k{i}": "v" for i in range(513)}),
        "long metadata": opened(metadata={"k": "v" * 5000}),
        "many streams": opened(streams=[{}] * 300),
        "wild provenance": opened(provenance={"k": [[[[[[[[[[1]]]]]]]]]]}),
        "endless gaps": {"open": [json.dumps({"kind": "image", "facts": FACTS, "gaps": ["x"] * 1000})]},
        "an error of no kind": {"open": ['{"error": 1, "message": "x", "hint": ""}']},
        "an error that would end the run, in a wrong form": {"open": ['{"error": ["UsageError"], "message": "x"}']},
        "an endless error": {"open": [json.dumps({"error": "CorruptMediaError", "message": "x" * 9000, "hint": ""})]},
        "a huge frame": decoded({"frame": {**frame, "height": 100_000, "width": 100_000}}),
        "an empty frame": decoded({"frame": {**frame, "height": 0}}),
        "a negative frame": decoded({"frame": {**frame, "height": -4, "width": -4}}),
        "a fraction of a frame": decoded({"frame": {**frame, "height": 4.5}}),
        "a frame outside": decoded({"frame": {**frame, "at": 2**40}}),
        "a frame before": decoded({"frame": {**frame, "at": -1}}),
        "time before time": decoded({"frame": {**frame, "time": -1.0}}),
        "no time": decoded('{"frame": {"time": Infinity, "height": 4, "width": 4, "new_shot": true, "at": 0}}'),
        "frames without end": decoded(*[{"frame": frame}] * 1000),
        "sound without end": decoded({"sound": {"start": 0.0, "count": 2**40}}),
        "sound of no length": decoded({"sound": {"start": 0.0, "count": 0}}),
        "sound that is noise": decoded({"sound": {"start": 0.0, "count": 4}}, 16),
        "neither": decoded({"picture": frame}),
        "no end": decoded({"end": True, "gaps": None}),
    }  # fmt: skip


@pytest.mark.parametrize("lie", lies())
def test_a_lie_is_refused(hostile: Isolation, lie: str) -> None:
    with pytest.raises(errors.IsolationError, match="nonsense"), hostile.open_media(order(**lies()[lie])) as opened:
        list(opened.decode(SamplingPlan()))


def test_a_worker_cannot_raise_an_error_that_would_end_the_run(hostile: Isolation) -> None:
    lie = order(open=['{"error": "UsageError", "message": "x", "hint": ""}'])
    with pytest.raises(errors.IsolationError, match="unforeseen"):
        hostile.open_media(lie)


def test_shared_memory_cannot_be_cut_off() -> None:
    """Reading a page that is gone would end the scanner with SIGBUS."""
    descriptor = sealed(1 << 16)
    for size in (0, 1 << 20):
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, size)
    os.close(descriptor)


def test_a_cancelled_scan_leaves_the_worker_at_once(hostile: Isolation) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    begun = time.monotonic()
    with pytest.raises(Expired):
        hostile.open_media(order(act="sleep"), check=Deadline(None, cancel).check)
    assert time.monotonic() - begun < 2


def test_nothing_is_left_over(media_folder: Path) -> None:
    """Descriptors and processes, over good, bad and deadly files."""
    deadly = [order(act="segfault"), order(open=["[]"]), b"no picture", (media_folder / "plain.png").read_bytes()]
    before, processes = descriptors(), children()
    with Isolation(SMALL, "hostile_worker") as made:
        for i in range(48):
            try:
                with made.open_media(deadly[i % 4] if i % 8 < 4 else media_folder / "plain.jpg") as opened:
                    next(iter(opened.decode(SamplingPlan())))
            except errors.IngestError:
                pass
    assert descriptors() == before
    assert children() == processes


def test_threads_have_workers_of_their_own(isolation: Isolation, media_folder: Path) -> None:
    with open_media(media_folder / "h264.mp4") as opened:
        expected = content(opened, SamplingPlan())
    wrong: list[object] = []

    def work() -> None:
        for _ in range(3):
            with isolation.open_media(media_folder / "h264.mp4") as opened:
                found = content(opened, SamplingPlan())
                if found != expected:
                    wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def in_daemon(path: str, answers: Any) -> None:
    from deepfake_detect import Scanner

    with Scanner(detectors=["provenance"]) as scanner:
        answers.put(scanner.scan(path).run.protections)


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_scan_works_in_a_daemonic_process(method: str) -> None:
    """As Celery's prefork pool makes them; they may have no children of ``multiprocessing``."""
    code = (
        "import multiprocessing, sys; sys.path.insert(0, sys.argv[2]); from test_isolation import in_daemon\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context(sys.argv[1]); answers = context.Queue()\n"
        "    child = context.Process(target=in_daemon, args=(sys.argv[3], answers), daemon=True); child.start()\n"
        "    print('|'.join(answers.get(timeout=240)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, method, str(Path(__file__).parent), str(SAMPLES / "portrait.jpg")],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "a process of their own" in done.stdout, done.stderr


def test_a_worker_ends_with_its_scanner() -> None:
    """Even when the scanner is killed outright while a file is being read."""
    code = (
        "import sys, threading, time; sys.path.insert(0, sys.argv[1])\n"
        "from deepfake_detect.ingest.isolate import Isolation\n"
        "pool = Isolation(module='hostile_worker'); worker = pool.take(); pool.give_back(worker)\n"
        "print(worker._process.pid, flush=True)\n"
        'pool.open_media(b\'{"act": "sleep"}\')\n'
    )
    scanner = subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    assert scanner.stdout is not None
    worker = int(scanner.stdout.readline())
    time.sleep(0.5)
    assert Path(f"/proc/{worker}").exists()
    scanner.kill()
    scanner.wait()
    scanner.stdout.close()
    for _ in range(50):
        if not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2]:
            return
        time.sleep(0.1)
    pytest.fail("the worker lives on")


def test_a_pool_from_before_a_fork_starts_its_own_workers(isolation: Isolation, media_folder: Path) -> None:
    with isolation.open_media(media_folder / "plain.png") as opened:
        expected = content(opened, SamplingPlan())
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with isolation.open_media(media_folder / "plain.png") as opened:
            os.write(writer, b"same" if content(opened, SamplingPlan()) == expected else b"different")
        isolation.close()
        os._exit(0)
    os.waitpid(child, 0)
    os.set_blocking(reader, False)
    assert os.read(reader, 100) == b"same"
    os.close(reader)
    os.close(writer)
    assert isolation._idle[-1].alive
    with isolation.open_media(media_folder / "plain.png") as opened:
        assert content(opened, SamplingPlan()) == expected


def test_hashing_can_be_cancelled(isolation: Isolation, media_folder: Path) -> None:
    cancel = threading.Event()
    with isolation.open_media(media_folder / "plain.png", check=Deadline(None, cancel).check) as opened:
        cancel.set()
        with pytest.raises(Expired):
            opened.verify_unchanged()


def test_a_wrong_trust_list_is_the_callers_mistake(isolation: Isolation) -> None:
    with pytest.raises(errors.UsageError):
        isolation.open_media(SAMPLES / "portrait.jpg", trust_list="no certificate")


def test_a_host_program_is_left_as_it_was() -> None:
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    before = set(multiprocessing.active_children())
    with Isolation() as made:
        made.protections()
    assert [signal.getsignal(number) for number in signal.valid_signals()] == handlers
    assert set(multiprocessing.active_children()) == before
