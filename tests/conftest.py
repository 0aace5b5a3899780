"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning threads cost minutes on busy cores
sys.path.insert(0, str(Path(__file__).parent / "media"))


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that ``tests/media/make_media.py`` makes. Not to be written to."""
    from make_media import build

    folder = tmp_path_factory.mktemp("media")
    build(folder)
    return folder
