"""What a run over folders adds: the second pass for chosen files, known files left out, the manifest of an export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeAlias

if TYPE_CHECKING:
    from deepfake_detect.case.writer import CaseWriter
    from deepfake_detect.findings import Failure, Report
    from deepfake_detect.ingest import Identity
    from deepfake_detect.known import KnownHashes
    from deepfake_detect.ledger import Ledger
    from deepfake_detect.manifest import DriveManifest

    Outcome: TypeAlias = Report | Failure


class Point(StrEnum):
    """Where thresholds lie."""

    STANDARD = "standard"
    STRICT = "strict"


def walks(paths: Sequence[str]) -> bool:
    """Whether a folder, or a list on standard input, is among the paths."""
    return any(path == "-" or Path(path).is_dir() for path in paths)


def in_full(paths: Sequence[str], asked: bool) -> Callable[[str], bool] | None:
    """Which files get the second pass whatever they score: those that were named themselves; None for all."""
    if asked or not walks(paths):
        return None
    named = {str(Path(path)) for path in paths if path != "-"}
    return named.__contains__


def point(asked: Point | None, paths: Sequence[str], case: CaseWriter | None) -> str:
    """As asked; else that of the case's reports; else strict for folders, where nearly every file is genuine."""
    earlier = case.operating_point() if case is not None and asked is None else None
    return (asked.value if asked else earlier) or (Point.STRICT if walks(paths) else Point.STANDARD).value


@dataclass(slots=True)
class Drive:
    """Lists of known files and the manifest of an export, if there are any, and what they came to."""

    known: KnownHashes | None = None
    manifest: DriveManifest | None = None
    left_out: int = 0
    joined: int = 0
    _case: CaseWriter | None = field(default=None, repr=False)

    def ledger(self, ledger: Ledger | None) -> Ledger | None:
        """The ledger of a run that leaves known files out."""
        if self.known is None:
            return ledger
        from deepfake_detect.ledger import RecentReports, WithoutKnown

        return WithoutKnown(ledger or RecentReports(), self.known.match, self._skipped)

    def join(self, outcome: Outcome) -> Outcome:
        """The outcome with what the manifest says of its file."""
        if self.manifest is None:
            return outcome
        from deepfake_detect.findings import CaseRecord, Report

        if isinstance(outcome, Report):
            found = self.manifest.find(outcome.media.path, outcome.media.md5)
        else:
            found = self.manifest.find(outcome.path, None)
        self.joined += bool(found)
        return replace(outcome, case=replace(outcome.case or CaseRecord(), drive=found))

    def _skipped(self, identity: Identity, by: str) -> None:
        self.left_out += 1
        if self._case is not None:
            self._case.skip(identity, by)

    @contextmanager
    def entered(self, case: CaseWriter | None) -> Iterator[None]:
        """For the length of a run: what was left out and joined is kept in the case."""
        self._case = case
        yield
        if case is not None:
            self._enter(case)

    def tell(self, stream: TextIO) -> None:
        """How many files were left out, and how many joined."""
        if self.known is not None:
            print(f"Known files left out (--known): {self.left_out:,}", file=stream)
        if self.manifest is not None:
            print(f"Manifest: {self.joined:,} files joined to its {self.manifest.rows:,} rows", file=stream)

    def _enter(self, case: CaseWriter) -> None:
        from deepfake_detect.case.custody import Action

        if self.known is not None:
            case.close_known(dict(self._lists()))
        if self.manifest is not None:
            facts: Mapping[str, int | str] = {"sha256": self.manifest.sha256, "rows": self.manifest.rows}
            case.enter(Action.MANIFEST_JOINED, None, **facts, files=self.joined)

    def _lists(self) -> Iterator[tuple[str, str]]:
        for name, sha256 in self.known.lists if self.known is not None else ():
            yield sha256, name


def drive(known: Sequence[Path] | None, manifest: Path | None) -> Drive:
    """Read what was named. Raises ``UsageError``."""
    from deepfake_detect.known import KnownHashes
    from deepfake_detect.manifest import DriveManifest

    return Drive(KnownHashes(known) if known else None, DriveManifest(manifest) if manifest else None)
