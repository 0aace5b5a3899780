"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads cost minutes on busy cores
# No test may see, or change, weights that the person at this machine has added.
_DATA = tempfile.TemporaryDirectory(prefix="deepfake-detect-tests-")
Path(_DATA.name).chmod(0o755)  # some tests run as another user
os.environ["XDG_DATA_HOME"] = _DATA.name
os.environ.pop("LOCALAPPDATA", None)
sys.path.insert(0, str(Path(__file__).parent / "media"))
# A run in the background (nohup, `&` in a script) ignores these, and so would every program that a test interrupts.
for _number, _action in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _action)

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def scripts_of_one_name() -> Iterator[None]:
    """Scripts of training that share a name, as ``features``, are imported anew by each module of tests."""
    yield
    names = Counter(path.stem for path in (Path(__file__).parents[1] / "training").glob("*/*.py"))
    for name in (name for name, count in names.items() if count > 1):
        sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that ``tests/media/make_media.py`` makes. Not to be written to."""
    from make_media import build

    folder = tmp_path_factory.mktemp("media")
    build(folder)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium; one for all, since Playwright starts once in a process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
