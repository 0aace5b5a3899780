"""Examining what was given: the library's own scan, case and report, in a thread of its own."""

from __future__ import annotations

import shutil
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..case.layout import Profile
from ..case.private import Handling, prepared
from ..case.produce import Audience, Order, PageFormat, compose, produce
from ..case.writer import CaseWriter
from ..errors import DeepfakeDetectError, UnreadableError, UsageError
from ..findings import CaseRecord, Failure, Report
from ..options import ScanOptions
from ..report.document import Document
from ..report.language import N_, Language
from ..report.referrals import choose, read_referrals
from ..report.survivor import survivor_document
from .pace import Pace
from .place import Place
from .session import Item, Session, State

if TYPE_CHECKING:
    from ..originals import Comparer
    from ..pipeline import Scanner

_FILE_SECONDS = 1800.0  # for one file
_BROKEN = N_(
    "The tests could not be made on this computer. Ask whoever installed the program to run its self-test. What to do"
    " first, and who helps you, does not depend on it."
)
_NO_ORIGINAL = N_("What was given as the original could not be read, so nothing was compared with it.")


class Work:
    """One run over the files of a session. ``referrals``: the list of who helps, None for the library's own."""

    def __init__(self, session: Session, place: Place, referrals: Path | None) -> None:
        self.session = session
        self._place, self._referrals = place, referrals
        self._pace, self._began = Pace(), time.monotonic()
        self._thread = threading.Thread(target=self._run, name="page-work", daemon=True)
        self._case_lock = threading.Lock()
        self.notice: str | None = None  # what the result page says above all else
        self.kept = False  # whether the case holds a result

    def start(self) -> None:
        """Begin; ``session.finished`` tells the end."""
        self.session.started = True
        self._thread.start()

    def stop(self, number: int | None = None) -> None:
        """Stop one file, or all that are not done."""
        for item in self.session.files:
            if number in (None, item.number):
                item.cancel.set()

    def end(self) -> None:
        """Stop everything and wait until nothing of it is at work."""
        self.stop()
        if self._thread.ident is not None:
            self._thread.join()

    def left(self) -> float:
        """Seconds that it may still take."""
        files = [item for item in self.session.files if not item.cancel.is_set()]
        waiting = [item.kind for item in files if item.state is State.WAITING]
        working = next((item for item in files if item.state is State.WORKING), None)
        since = working.began if working and working.began else self._began
        return self._pace.left(waiting, working.kind if working else None, time.monotonic() - since)

    @property
    def loaded(self) -> bool:
        """Whether the models are there."""
        return self._pace.loaded

    def document(self, audience: Audience, language: Language) -> Document:
        """The report as the page shows it. Raises ``DeepfakeDetectError``.

        Where no test could be made at all, it is the survivor's page without a result.
        """
        if not self.kept:
            minor, today = bool(self.session.minor), datetime.now(UTC).date()
            helpers = choose(read_referrals(self._referrals), self.session.country, minor)
            return survivor_document((), minor, helpers, language, today)
        with self._case_lock:
            return compose(self._place.case, self._order(audience, language, PageFormat.HTML))

    def pdf(self, audience: Audience, language: Language) -> Path:
        """The report as a file, which is entered in the case's log. Raises ``DeepfakeDetectError``."""
        with self._case_lock:
            return produce(self._place.case, self._order(audience, language, PageFormat.PDF))

    def archive(self) -> Path:
        """The case folder in one file. Raises ``OSError``."""
        with self._case_lock:
            made = shutil.make_archive(str(self._place.new_file("archive")), "zip", self._place.folder, "case")
        return Path(made)

    def _order(self, audience: Audience, language: Language, form: PageFormat) -> Order:
        return Order(audience, language, form, country=self.session.country, referrals=self._referrals)

    def _run(self) -> None:
        try:
            self._scan()
        except DeepfakeDetectError as error:
            self._fail(error.sentences())
        except Exception as error:
            # Where, not what: a message may quote a file.
            self._fail(f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}")
        self.session.finished = True

    def _fail(self, detail: str) -> None:
        print(f"deepfake-detect: {detail}", file=sys.stderr)
        self.session.problem = _BROKEN

    def _scan(self) -> None:
        handling = Handling(CaseRecord(minor=bool(self.session.minor)), Profile.SURVIVOR)
        with CaseWriter(self._place.case, handling) as case, self._scanner() as scanner:
            self._pace.loaded = True
            for item in self.session.files:
                self.session.begin(item)
                case.add(prepared(_examined(scanner, item), handling))
                self.kept = True
                self._done(item)

    def _done(self, item: Item) -> None:
        if item.cancel.is_set():
            item.state = State.STOPPED
            return
        item.state = State.DONE
        if item.began is not None:
            self._pace.took(item.kind, time.monotonic() - item.began)

    @contextmanager
    def _scanner(self) -> Iterator[Scanner]:
        """Pictures of people are never made here, whatever else is kept."""
        from ..pipeline import Scanner

        options = ScanOptions(pictures=False)
        with Scanner(options=options, comparer=self._comparer(options)) as scanner:
            yield scanner

    def _comparer(self, options: ScanOptions) -> Comparer | None:
        """The originals, if some were given that can be read."""
        from ..ingest.isolate import Isolation
        from ..originals import Comparer, OriginalsOptions, index_originals

        if not self.session.originals:
            return None
        try:
            with Isolation(options.limits) as isolation:
                index = index_originals([item.path for item in self.session.originals], opener=isolation.open_media)
        except UsageError:
            self.notice = _NO_ORIGINAL
            return None
        return Comparer(index, options=OriginalsOptions(named=False))


def _examined(scanner: Scanner, item: Item) -> Report | Failure:
    try:
        return scanner.scan(item.path, timeout=_FILE_SECONDS, cancel=item.cancel)
    except UnreadableError as error:
        return error.as_failure()
