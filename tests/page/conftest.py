"""A running page, as a person starts it, and a browser for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

CODE = "from deepfake_detect.cli.main import run; run()"


@dataclass
class Running:
    """A page that is being served. ``address``: what a browser is opened on, once; ``runtime``: where its folder is."""

    address: str
    runtime: Path
    cookie: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def origin(self) -> str:
        return self.address.partition("/enter/")[0]

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    @property
    def folder(self) -> Path:
        (folder,) = self.runtime.glob("deepfake-detect-page-*")
        return folder

    def files(self) -> list[Path]:
        """What lies in the folder beside its lock."""
        return sorted(p for p in self.folder.rglob("*") if p.is_file() and p.name != "lock")

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> HTTPResponse:
        """A request as the page itself would make it, but for ``headers``; an empty one is left out."""
        given = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie, "Origin": self.origin}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            if value:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return connection.getresponse()

    def enter(self) -> None:
        """Take the secret, as the browser does."""
        response = self.ask("GET", "/enter/" + self.address.partition("/enter/")[2], Origin="", Cookie="")
        assert response.status == 303
        self.cookie = str(response.getheader("Set-Cookie")).partition(";")[0]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Running]]:
    """Starts the command itself."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> Running:
        runtime = tmp_path / "run"
        runtime.mkdir(mode=0o700, exist_ok=True)
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "OMP_WAIT_POLICY": "PASSIVE"}
        command = [sys.executable, "-c", CODE, "open", "--no-browser"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        assert process.stdout is not None
        return Running(process.stdout.readline().strip(), runtime, process=process)

    yield begin
    for process in started:
        process.terminate()
        process.wait(30)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Running]]:
    """Serves the page in this process, with shorter waits."""
    from deepfake_detect.page import bodies, desk, place, server

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(bodies, "_CHUNK_SECONDS", 0.5)
    monkeypatch.setattr(server, "_HEAD_SECONDS", 0.5)
    monkeypatch.setattr(server, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(place, "_MOST", 2_000_000)
    threads: list[threading.Thread] = []
    made: list[desk.Desk] = []

    class Ended(desk.Desk):
        """Can be ended from here."""

        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            made.append(self)

    monkeypatch.setattr(server, "Desk", Ended)

    def begin() -> Running:
        told, addresses = threading.Event(), []

        def announce(address: str) -> None:
            addresses.append(address)
            told.set()

        threads.append(threading.Thread(target=server.serve, args=(announce,), daemon=True))
        threads[-1].start()
        assert told.wait(60)
        return Running(addresses[0], tmp_path)

    yield begin
    for one in made:
        one._until = 0.0
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert list(tmp_path.glob("deepfake-detect-page-*")) == []
