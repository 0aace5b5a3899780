"""Where everything lies in a case folder, and what ``info.json`` says of it.

    CASE/
      bagit.txt bag-info.txt manifest-sha256.txt tagmanifest-sha256.txt   once finalised: a BagIt bag (RFC 8493)
      custody.jsonl          the hash-chained log; its last line holds the exact bytes of tagmanifest-sha256.txt
      data/
        info.json            the case: identifiers, profile, whether a child may be shown, roots of the evidence
        index.html index.json  the review list
        list/                the same files by result, kind, tag and folder
        reports/SHA256.json  as scanned, never changed by a note   reports/SHA256.html  rendered from it
        images/SHA256.png    crops and maps
        documents/           court and survivor reports that were made from the case
        entries.jsonl evidence.jsonl notes.jsonl tags.jsonl known.jsonl         logs, a line an event

Names come from hashes, never from the evidence. Whatever else a command writes belongs below ``data/``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..errors import ReportError
from ..findings import SCHEMA_VERSION
from ..report.serialise import from_json, to_json
from .files import TEMPORARY, write_whole

FORMAT = "deepfake-detect case"
_ELSEWHERE = "Name an empty or new folder with -o."


class Profile(StrEnum):
    """``survivor`` keeps names, paths and pictures of people out of everything that is written or printed."""

    STANDARD = "standard"
    SURVIVOR = "survivor"


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """The case as a whole. ``minor`` is only ever set, never taken back. ``roots``: folders in which the evidence lay,
    empty in a survivor's case. ``added``: the highest version of each added weights file that a report was made
    with, by id; None in a case that was begun before this was kept.
    """

    format: str
    created: str
    case_id: str | None
    profile: Profile
    minor: bool
    roots: tuple[str, ...] = ()
    added: Mapping[str, str] | None = None
    schema: str = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """The places in a case."""

    root: Path

    @property
    def data(self) -> Path:
        """The payload of the bag: everything but the log and what BagIt adds."""
        return self.root / "data"

    @property
    def reports(self) -> Path:
        """JSON and HTML documents."""
        return self.data / "reports"

    @property
    def images(self) -> Path:
        """Crops and maps, PNG, each named by its SHA-256."""
        return self.data / "images"

    @property
    def custody(self) -> Path:
        """The hash-chained log."""
        return self.root / "custody.jsonl"

    def log(self, name: str) -> Path:
        """A log under ``data``: ``entries``, ``evidence``, ``known``, ``notes`` or ``tags``."""
        return self.data / f"{name}.jsonl"

    def read_info(self) -> CaseInfo:
        """What the case says of itself. Raises ``ReportError`` if the folder is no case of this major version."""
        path = self.data / "info.json"
        try:
            info = from_json(CaseInfo, path.read_bytes())
            known = info.format == FORMAT
        except (ReportError, OSError):
            known = False
        if not known:
            raise ReportError(f"{self.root} is not a case this version can read or add to", _ELSEWHERE)
        return info

    def write_info(self, info: CaseInfo) -> None:
        """Write ``info.json``. Raises ``OSError``."""
        write_whole(self.data / "info.json", (to_json(info, indent=2) + "\n").encode("ascii"))

    def is_empty(self) -> bool:
        """Whether the folder is there and holds nothing, or only what a start that was cut short left.

        Raises ``ReportError`` if it holds something that is no case, ``OSError`` if it cannot be looked into.
        """
        if (self.data / "info.json").exists():
            return False
        for path in self.root.rglob("*"):
            begun = (
                path.is_dir() or path.name.startswith(TEMPORARY) or (path == self.custody and not path.stat().st_size)
            )
            if path.is_symlink() or not begun:
                raise ReportError(f"{self.root} holds files that are no case", _ELSEWHERE)
        return True


def is_sha256(text: str) -> bool:
    """Whether ``text`` is a SHA-256 as this library writes it."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None
