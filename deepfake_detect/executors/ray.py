"""Files scanned on a Ray cluster (extra ``[cluster]``): a scanner for each GPU, or for every few CPUs, of each node.

Ray has no passwords: whoever reaches its ports can run programs on its nodes. Every node must have this package in the
same version with the same weights, which is checked, and see the files under the same paths. The ledger, the case and
the order of the files stay in the process that started the run.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from ..errors import DeepfakeDetectError, UsageError
from ..findings import Failure, Reason
from ..ledger import at
from ..ordering import Done, Job, Work
from ..plan import ScanPlan

_START_SECONDS = 300.0  # for every node to load the models
_TRIES = 3  # times that a file may lose its scanner: the third may be its own doing


class _RemoteScanner:
    """What runs on a node."""

    def __init__(self, plan: ScanPlan, timeout: float | None) -> None:
        from ..pipeline import Scanner

        self._scanner, self._timeout = Scanner.of(plan), timeout

    def fingerprint(self) -> str:
        return self._scanner.fingerprint

    def scan(self, job: Job) -> Done:
        done = self._scanner.done(job, self._timeout)
        if isinstance(done.outcome, Failure):
            message = f"{done.outcome.message} (on {socket.gethostname()})"
            return replace(done, outcome=replace(done.outcome, message=message))
        return done


@dataclass(slots=True)
class _State:
    """``waiting``: jobs whose scanner was lost, with the number of times."""

    idle: list[Any]
    busy: dict[Any, tuple[Any, Job, int]] = field(default_factory=dict)
    waiting: deque[tuple[Job, int]] = field(default_factory=deque)
    exhausted: bool = False


class RayExecutor:
    """``address``: of a running cluster, ``HOST:PORT``. ``cpus``: for each scanner on a node without a GPU.

    ``nodes``: how many scanners each node had, by its name. ``lost``: how many files had to be scanned again because
    their node or scanner was lost.
    """

    def __init__(self, address: str, cpus: int = 2) -> None:
        self._address, self._cpus = address, cpus
        self.nodes: dict[str, int] = {}
        self.lost = 0

    def work(self, plan: ScanPlan, fingerprint: str, timeout: float | None) -> Work:
        """As ``Executor``. Raises ``UsageError`` without Ray; while working, ``DeepfakeDetectError`` when the cluster
        cannot be reached, a node differs from this machine, or no node is left.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
        try:
            _ray()
        except ImportError as error:
            raise UsageError("Ray is not installed", "pip install 'deepfake-detect[cluster]'") from error
        return lambda jobs: self._run(plan, fingerprint, timeout, jobs)

    def _run(
        self, plan: ScanPlan, fingerprint: str, timeout: float | None, jobs: Iterator[Job | None]
    ) -> Iterator[Done | None]:
        ray = _ray()
        _reach(self._address)
        try:
            ray.init(
                address=self._address, log_to_driver=False, logging_level=logging.ERROR, namespace="deepfake-detect"
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _unreached(self._address, error) from error
        try:
            yield from self._scanned(_State(self._start(plan, fingerprint, timeout)), jobs)
        finally:
            ray.shutdown()

    def _start(self, plan: ScanPlan, fingerprint: str, timeout: float | None) -> list[Any]:
        """Scanners on all nodes, each of which has the weights and the version of this machine."""
        ray = _ray()
        scanners = [
            self._scanner(node, plan, timeout) for node in ray.nodes() if node["Alive"] for _ in self._room(node)
        ]
        if not scanners:
            raise DeepfakeDetectError(f"no node of the cluster has {self._cpus} CPUs or a GPU", "Add a node.")
        found = ray.get([scanner.fingerprint.remote() for scanner in scanners], timeout=_START_SECONDS)
        if set(found) != {fingerprint}:
            raise DeepfakeDetectError(
                "a node has another version, other weights or other plug-ins than this machine",
                "Install the same on every node.",
            )
        return scanners

    def _room(self, node: dict[str, Any]) -> range:
        resources = node["Resources"]
        room = range(int(resources.get("GPU", 0)) or int(resources.get("CPU", 0)) // self._cpus)
        self.nodes[node["NodeManagerHostname"] + ":" + str(node["NodeManagerPort"])] = len(room)
        return room

    def _scanner(self, node: dict[str, Any], plan: ScanPlan, timeout: float | None) -> Any:
        ray, strategies = _ray(), import_module("ray.util.scheduling_strategies")
        needs = {"num_gpus": 1} if node["Resources"].get("GPU") else {"num_cpus": self._cpus}
        here = strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        environment = {"env_vars": {"OMP_WAIT_POLICY": "PASSIVE"}}
        remote = ray.remote(_RemoteScanner).options(scheduling_strategy=here, runtime_env=environment, **needs)
        return remote.remote(plan, timeout)

    def _scanned(self, state: _State, jobs: Iterator[Job | None]) -> Iterator[Done | None]:
        ray = _ray()
        while True:
            self._hand_out(state, jobs)
            if state.busy:
                ready, _ = ray.wait(list(state.busy), num_returns=1)
                done = self._received(state, ready[0])
                if done is not None:
                    yield done
            elif state.exhausted and not state.waiting:
                return
            elif not state.idle:
                raise DeepfakeDetectError("no node of the cluster is left", "Go on with --resume once there is one.")
            else:
                yield None

    def _hand_out(self, state: _State, jobs: Iterator[Job | None]) -> None:
        while state.idle and (state.waiting or not state.exhausted):
            job, tries = state.waiting.popleft() if state.waiting else (next(jobs, _NO_MORE), 0)
            if job is _NO_MORE:
                state.exhausted = True
            elif job is None:
                return
            else:
                assert isinstance(job, Job)
                scanner = state.idle.pop()
                there = replace(job, path=os.path.abspath(job.path))  # noqa: PTH100 - links stay as they are
                state.busy[scanner.scan.remote(there)] = (scanner, job, tries)

    def _received(self, state: _State, reference: Any) -> Done | None:
        """What a scanner sent; None if it was lost, and the file has to be scanned again."""
        ray = _ray()
        scanner, job, tries = state.busy.pop(reference)
        try:
            done: Done = ray.get(reference)
        except ray.exceptions.RayTaskError:
            raise
        except ray.exceptions.RayError:
            self.lost += 1
            if tries + 1 < _TRIES:
                state.waiting.append((job, tries + 1))
                return None
            message = f"{job.path} could not be scanned: its node was lost {_TRIES} times"
            return Done(job, Failure(job.path, Reason.FAILED, message, "Scan it alone.", job.identity.sha256))
        state.idle.append(scanner)
        outcome = done.outcome
        here = replace(outcome, path=job.path) if isinstance(outcome, Failure) else at(outcome, job.path)
        return Done(job, here, done.unchanged)


_NO_MORE = object()


def _reach(address: str) -> None:
    """Raise in seconds where Ray itself would try for five minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"{address} is no address of a cluster", "Give HOST:PORT, as `ray start --head` prints it.")
    try:
        socket.create_connection((host, int(port)), 10).close()
    except OSError as error:
        raise _unreached(address, error) from error


def _unreached(address: str, error: Exception) -> DeepfakeDetectError:
    return DeepfakeDetectError(
        f"no Ray cluster answers at {address}: {error}", "Start it with `ray start`; see the README."
    )


def _ray() -> Any:
    """Loaded only by a run that names a cluster."""
    return import_module("ray")
