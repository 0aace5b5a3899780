"""A run's order: outcomes in the order of the files, equal bytes once, the ledger asked only for what was given out."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from make_report import make_report

from deepfake_detect.errors import UnreadableError
from deepfake_detect.findings import Failure, Report
from deepfake_detect.ingest import Identity
from deepfake_detect.ledger import RecentReports
from deepfake_detect.ordering import AHEAD, Done, Job, Ordered
from deepfake_detect.overlap import overlapped
from deepfake_detect.progress import Event, FileFinished, FileStarted


def reported(job: Job) -> Done:
    report = make_report()
    media = replace(report.media, path=job.path, sha256=job.identity.sha256)
    return Done(job, replace(report, media=media))


def files(folder: Path, contents: Sequence[str]) -> list[Path]:
    paths = [folder / f"{i:03}" for i in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    return paths


class Backwards:
    """Takes up to ``width`` jobs and does the latest of them first; ``scanned`` holds the paths."""

    def __init__(self, width: int) -> None:
        self.width, self.scanned, self.most = width, list[str](), 0

    def __call__(self, jobs: Iterator[Job | None]) -> Iterator[Done | None]:
        held: list[Job] = []
        for job in jobs:
            held += [job] if job else []
            self.most = max(self.most, len(held))
            if not held:
                yield None
            elif job is None or len(held) == self.width:
                yield self._done(held.pop())
        while held:
            yield self._done(held.pop())

    def _done(self, job: Job) -> Done:
        self.scanned.append(Path(job.path).name)
        return reported(job)


@pytest.mark.parametrize("width", [1, 2, 7, 1000])
def test_outcomes_come_in_the_order_of_the_files_and_equal_bytes_once(tmp_path: Path, width: int) -> None:
    paths = files(tmp_path, [str(i % 40) for i in range(200)])
    gone = UnreadableError("gone", "hint", "gone")
    events: list[Event] = []
    work = Backwards(width)
    items = [*paths[:50], gone, *paths[50:], gone]
    outcomes = list(Ordered(items, RecentReports(), lambda _: True, events.append).run(work))
    told = [o.media.path if isinstance(o, Report) else "gone" for o in outcomes]
    assert told == [str(i) if isinstance(i, Path) else "gone" for i in items]
    assert len(work.scanned) == 40
    assert work.most <= min(width, AHEAD)
    assert [type(e) for e in events] == [FileStarted, FileFinished] * len(items)
    assert [e.index for e in events if isinstance(e, FileFinished)] == list(range(len(items)))


def test_the_ledger_is_asked_for_equal_bytes_only_after_they_were_given_out(tmp_path: Path) -> None:
    """A case writes a report when it is given out; before that its ledger cannot read it."""
    given: set[str] = set()

    class Case(RecentReports):
        def find(self, sha256: str, full: bool) -> Report | None:
            found = super().find(sha256, full)
            assert found is None or sha256 in given
            return found

    paths = files(tmp_path, ["a", "b", "a", "a", "b", "c"])
    work = Backwards(3)
    for outcome in Ordered(paths, Case(), lambda _: True, lambda _: None).run(work):
        assert isinstance(outcome, Report)
        given.add(outcome.media.sha256)
    assert sorted(work.scanned) == ["000", "001", "005"]


def test_what_the_first_did_not_give_the_next_equal_file_is_scanned_for(tmp_path: Path) -> None:
    work = Backwards(2)

    def changed(jobs: Iterator[Job | None]) -> Iterator[Done | None]:
        return (done and replace(done, unchanged=False) for done in work(jobs))

    paths = files(tmp_path, ["a", "a", "a"])
    assert len(list(Ordered(paths, RecentReports(), lambda _: True, lambda _: None).run(changed))) == 3
    assert len(work.scanned) == 3


class File:
    """Counts how many are open."""

    open, most = 0, 0

    def __init__(self) -> None:
        File.open += 1
        File.most = max(File.most, File.open)

    def close(self) -> None:
        File.open -= 1


def job(index: int) -> Job:
    return Job(index, str(index), Identity(None, str(index), "", "", 0), True)


def test_the_next_file_is_read_while_one_is_judged() -> None:
    reading = threading.Event()

    def begin(one: Job, cancel: threading.Event) -> File:
        if one.index == 1:
            reading.set()
        return File()

    def end(one: Job, begun: File) -> Done:
        assert one.index != 0 or reading.wait(20)
        return reported(one)

    File.open = File.most = 0
    done = list(overlapped(begin, end, iter([job(0), job(1), None, None, job(2)])))
    assert [d.job.index if d else None for d in done] == [0, 1, None, 2]
    assert (File.open, File.most) == (0, 2)


def test_a_run_that_is_broken_off_closes_what_it_opened() -> None:
    File.open = 0
    cancelled: list[bool] = []

    def begin(one: Job, cancel: threading.Event) -> File:
        if one.index == 1:
            cancelled.append(cancel.wait(20))
        return File()

    run = overlapped(begin, lambda one, _: reported(one), map(job, range(9)))
    assert next(run) is not None
    run.close()
    assert cancelled == [True]
    assert File.open == 0


def test_an_error_of_the_run_comes_out() -> None:
    def begin(one: Job, cancel: threading.Event) -> File:
        raise RuntimeError("no such device")

    with pytest.raises(RuntimeError, match="no such device"):
        list(overlapped(begin, lambda one, _: Done(one, Failure("", None, "", "", None)), iter([job(0)])))  # type: ignore[arg-type]
