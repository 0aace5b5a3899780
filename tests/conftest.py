"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads cost minutes on busy cores
# No test may see, or change, weights that the person at this machine has added.
_DATA = tempfile.TemporaryDirectory(prefix="deepfake-detect-tests-")
Path(_DATA.name).chmod(0o755)  # some tests run as another user
os.environ["XDG_DATA_HOME"] = _DATA.name
os.environ.pop("LOCALAPPDATA", None)
sys.path.insert(0, str(Path(__file__).parent / "media"))


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that ``tests/media/make_media.py`` makes. Not to be written to."""
    from make_media import build

    folder = tmp_path_factory.mktemp("media")
    build(folder)
    return folder
