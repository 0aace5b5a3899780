"""Two Ray nodes on the loopback, one of which is killed in mid-run: no file is lost, and the results are the same."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from deepfake_detect import Report, Scanner, ScanOptions
from deepfake_detect.case.replay import compare
from deepfake_detect.errors import DeepfakeDetectError, UsageError
from deepfake_detect.executors.ray import RayExecutor
from deepfake_detect.originals import Comparer, index_originals

SAMPLES = Path(__file__).parents[2] / "samples"
FILES = 12

needs_ray = pytest.mark.skipif(
    not Path(sys.executable).with_name("ray").exists(), reason="Ray is not installed (extra [cluster])"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a node in a session of its own, so that all of its processes can be killed at once."""
    nodes: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        command = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--num-cpus=1"]
        command += ["--node-ip-address=127.0.0.1", "--object-store-memory=100000000", *arguments]
        environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "OMP_WAIT_POLICY": "PASSIVE"}
        told = tmp_path / f"node{len(nodes)}.log"
        with told.open("wb") as log:
            node = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        nodes.append(node)
        for _ in range(360):
            if "Ray runtime started" in told.read_text():
                return node
            assert node.poll() is None, told.read_text()
            time.sleep(0.5)
        pytest.fail(f"the node did not start: {told.read_text()}")

    yield run
    for node in nodes:
        kill(node)


def kill(node: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(node.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    node.wait()


def pictures(folder: Path) -> list[Path]:
    """Different files, one broken, one twice; quick ones first: both nodes are at work when one is killed."""
    import cv2

    paths = [folder / f"{i}.png" for i in range(FILES - 5)]
    for i, path in enumerate(paths):
        noise = np.random.default_rng(i).integers(0, 255, (40, 60, 3), np.uint8)
        cv2.imwrite(str(path), cv2.resize(noise, (480, 320), interpolation=cv2.INTER_CUBIC))
    (folder / "broken.jpg").write_bytes((SAMPLES / "portrait.jpg").read_bytes()[:300])
    more = [SAMPLES / "portrait.jpg", folder / "broken.jpg", SAMPLES / "clip.mp4", SAMPLES / "speech.flac"]
    return [*paths, *more, paths[0]]


@needs_ray
@pytest.mark.slow
def test_a_lost_node_s_files_run_again(start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path) -> None:
    port, paths = free_port(), pictures(tmp_path)
    start("--head", f"--port={port}", "--include-dashboard=false")
    second = start(f"--address=127.0.0.1:{port}")
    executor = RayExecutor(f"127.0.0.1:{port}", cpus=1)
    with Scanner(device="cpu", plugins=False, options=ScanOptions(robustness=False)) as scanner:
        remote: list[Report] = []
        for outcome in scanner.scan_all(paths, executor=executor):
            assert isinstance(outcome, Report)
            remote.append(outcome)
            if len(remote) == 2:
                kill(second)
        local = [outcome for outcome in scanner.scan_all(paths) if isinstance(outcome, Report)]
    assert list(executor.nodes.values()) == [1, 1]
    assert executor.lost >= 1
    assert len(remote) == len(local) == len(paths)
    for there, here in zip(remote, local, strict=True):
        assert there.media == here.media
        assert there.run.fingerprint == here.run.fingerprint
        assert there.run.id != here.run.id or there.media.sha256 == remote[0].media.sha256
        assert compare(there, here)[0] == ()
        assert (there.verdict, there.coverage_gaps) == (here.verdict, here.coverage_gaps)


@needs_ray
def test_a_cluster_that_is_not_there_is_named() -> None:
    with Scanner(device="cpu", plugins=False, detectors=["provenance"]) as scanner:
        outcomes = scanner.scan_all([SAMPLES / "portrait.jpg"], executor=RayExecutor(f"127.0.0.1:{free_port()}"))
        with pytest.raises(DeepfakeDetectError, match="no Ray cluster answers"):
            list(outcomes)


def test_originals_are_not_compared_elsewhere() -> None:
    comparer = Comparer(index_originals([SAMPLES / "portrait.jpg"]))
    with Scanner(device="cpu", plugins=False, detectors=["provenance"], comparer=comparer) as scanner:
        outcomes = scanner.scan_all([SAMPLES / "portrait.jpg"], executor=RayExecutor("127.0.0.1:1"))
        with pytest.raises(UsageError, match="this machine only"):
            list(outcomes)
