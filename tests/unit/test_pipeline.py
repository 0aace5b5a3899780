"""The library as developers use it: typed results, no side effects, safe to share."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from deepfake_detect import Label, Reason, Report, Scanner, ScanOptions
from deepfake_detect.checkpoints import WeightsEntry, WeightStore
from deepfake_detect.detect import Registry
from deepfake_detect.errors import UnreadableError, UsageError
from deepfake_detect.findings import SCHEMA_VERSION
from deepfake_detect.loading import load_detectors
from deepfake_detect.media import SamplingPlan
from deepfake_detect.originals import Comparer, index_originals
from deepfake_detect.progress import Event, FileFinished, FileStarted, RunFinished, RunStarted

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def scanner() -> Iterator[Scanner]:
    few = SamplingPlan(max_frames=2, max_audio_seconds=4)  # more changes nothing that is tested here
    with Scanner(device="cpu", plugins=False, options=ScanOptions(few, robustness=False)) as made:
        yield made


def essence(report: Report) -> Report:
    """A report without what differs between two runs over the same bytes."""
    run = replace(report.run, id="", started="", seconds=0.0)
    return replace(report, run=run, media=replace(report.media, path=None))


@pytest.fixture(scope="module")
def portrait(scanner: Scanner) -> Report:
    return scanner.scan(SAMPLES / "portrait.jpg")


def test_a_picture_of_a_person(portrait: Report) -> None:
    assert portrait.analysed
    assert portrait.verdict is not None
    assert portrait.verdict.label in Label
    assert [s.id for s in portrait.subjects] == ["person-1"]
    assert {f.detector for f in portrait.findings} >= {"face-manipulation", "synthetic-image"}
    assert all(e.image and e.image.data.startswith(b"\x89PNG") for e in portrait.subjects[0].evidence)


def test_a_video_with_sound(scanner: Scanner) -> None:
    report = scanner.scan(SAMPLES / "clip.mp4")
    detectors = {f.detector for f in report.findings} | {a.detector for a in report.abstentions}
    assert detectors >= {"face-manipulation", "synthetic-image", "synthetic-voice"}
    assert {s.id for s in report.subjects} == {"person-1", "voice"}
    for finding in report.findings:
        assert (finding.llr is None) == (finding.score is None)
        assert finding.score is None or finding.condition


def test_sound_alone(scanner: Scanner) -> None:
    report = scanner.scan(SAMPLES / "speech.flac")
    assert {f.detector for f in report.findings} >= {"synthetic-voice"}
    assert not {"face-manipulation", "synthetic-image"} & {f.detector for f in report.findings}


def test_path_bytes_and_stream_give_the_same(scanner: Scanner, portrait: Report) -> None:
    data = (SAMPLES / "portrait.jpg").read_bytes()
    stream = io.BytesIO(data)
    reports = [scanner.scan(source) for source in (str(SAMPLES / "portrait.jpg"), data, stream)]
    assert [essence(report) for report in reports] == [essence(portrait)] * 3
    assert not stream.closed
    assert [report.media.path is None for report in reports] == [False, True, True]


def test_reports_round_trip(portrait: Report) -> None:
    assert Report.from_json(portrait.to_json()) == portrait
    assert portrait.schema == SCHEMA_VERSION


@pytest.mark.parametrize("timeout", [0, 0.001])
def test_a_timeout_is_an_abstention(scanner: Scanner, timeout: float) -> None:
    report = scanner.scan(SAMPLES / "clip.mp4", timeout=timeout)
    assert [a.reason for a in report.abstentions] == [Reason.TIMEOUT]
    assert report.verdict is None
    assert report.findings == ()


def test_a_cancelled_scan_stops_soon(scanner: Scanner) -> None:
    cancel = threading.Event()
    timer = threading.Timer(0.3, cancel.set)
    timer.start()
    begun = time.monotonic()
    report = scanner.scan(SAMPLES / "clip.mp4", cancel=cancel)
    assert time.monotonic() - begun < 30
    assert [(a.reason, a.detail) for a in report.abstentions] == [(Reason.TIMEOUT, "cancelled")]
    assert report.verdict is None


def test_two_threads_never_see_each_others_result() -> None:
    """With one detector; all of them are tested so in ``tests/contract``."""
    files = ("portrait.jpg", "portrait-face-altered.jpg")
    options, wrong = ScanOptions(robustness=False), list[str]()
    with Scanner(device="cpu", plugins=False, detectors=["face-manipulation"], options=options) as scanner:
        alone = {name: essence(scanner.scan(SAMPLES / name)) for name in files}
        assert alone[files[0]] != alone[files[1]]

        def work(order: tuple[str, ...]) -> None:
            wrong.extend(name for name in order if essence(scanner.scan(SAMPLES / name)) != alone[name])

        threads = [threading.Thread(target=work, args=(order,)) for order in (files, files[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_what_cannot_be_hashed_raises(scanner: Scanner, tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="does not exist"):
        scanner.scan(tmp_path / "nothing.jpg")
    with pytest.raises(UnreadableError, match="folder"):
        scanner.scan(tmp_path)


def test_what_cannot_be_decoded_has_no_verdict(scanner: Scanner) -> None:
    report = scanner.scan(b"neither picture nor sound")
    assert report.verdict is None
    assert report.media.kind is None
    assert [a.reason for a in report.abstentions] == [Reason.UNSUPPORTED]
    assert Report.from_json(report.to_json()) == report


class Watched(io.BytesIO):
    """A stream that counts how often it is read from the start, and has other bytes from the last time on."""

    def __init__(self, data: bytes, changes_at: int | None = None) -> None:
        super().__init__(data)
        self.begun, self.changes_at = 0, changes_at

    def seek(self, offset: int, whence: int = 0) -> int:
        self.begun += (offset, whence) == (0, 0)
        if self.begun == self.changes_at:
            self.getbuffer()[-1] ^= 255
        return super().seek(offset, whence)


def test_a_file_that_changes_meanwhile_has_no_verdict(scanner: Scanner) -> None:
    data = (SAMPLES / "speech.flac").read_bytes()
    quiet = Watched(data)
    assert scanner.scan(quiet).verdict is not None
    assert quiet.begun >= 2  # hashed before and after
    report = scanner.scan(Watched(data, changes_at=quiet.begun))
    assert report.verdict is None
    assert report.findings == ()
    assert "changed" in report.abstentions[0].detail


def test_progress_events_come_in_order(scanner: Scanner) -> None:
    events: list[Event] = []
    paths = [SAMPLES / "portrait.jpg", SAMPLES / "nothing.jpg"]
    outcomes = list(scanner.scan_all(paths, progress=events.append))
    assert len(outcomes) == 2
    assert [type(e) for e in events] == [
        RunStarted, FileStarted, FileFinished, FileStarted, FileFinished, RunFinished,
    ]  # fmt: skip


class Breaking(Comparer):
    """A comparison with originals that fails in a way that nobody foresaw."""

    def look(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("boom")


def test_an_unforeseen_error_costs_one_file_and_not_the_run() -> None:
    breaking = Breaking(index_originals([SAMPLES / "portrait.jpg"]))
    with Scanner(device="cpu", plugins=False, detectors=["provenance"], comparer=breaking) as scanner:
        reports = list(scanner.scan_all([SAMPLES / "clip.mp4", SAMPLES / "portrait-face-altered.jpg"]))
    assert len(reports) == 2
    for report in reports:
        assert isinstance(report, Report)
        assert report.verdict is None and report.findings == ()
        assert [a.reason for a in report.abstentions] == [Reason.FAILED]
        assert "boom" in report.abstentions[0].detail


def test_a_file_is_scored_again_as_it_would_be_delivered() -> None:
    with Scanner(device="cpu", plugins=False, detectors=["face-manipulation"]) as scanner:
        (finding,) = scanner.scan(SAMPLES / "portrait.jpg").findings
    spread = {d.name: d for d in finding.deliveries}
    assert spread.keys() == {"as_received", "half-jpeg75", "messenger480", "screenshot"}
    assert finding.score is not None
    assert spread["as_received"].score == pytest.approx(finding.score, abs=1e-3)  # the picture has this one face
    assert spread["screenshot"].llr is not None
    assert spread["screenshot"].score != spread["as_received"].score


def test_no_pictures_are_kept_when_none_are_wanted() -> None:
    with Scanner(device="cpu", plugins=False, options=ScanOptions(pictures=False, robustness=False)) as scanner:
        report = scanner.scan(SAMPLES / "portrait.jpg")
    assert report.subjects[0].evidence == ()
    assert all(e.image is None for f in report.findings for e in f.evidence)


def test_an_unknown_detector_is_named() -> None:
    with pytest.raises(UsageError, match="nothing-like-it"):
        Scanner(detectors=["nothing-like-it"])


def test_a_device_that_is_not_there() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(UsageError, match="cuda"):
        Scanner(device="cuda")


def test_the_cuda_path_gives_the_same_scores(portrait: Report) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")
    with Scanner(device="cuda", plugins=False) as scanner:
        report = scanner.scan(SAMPLES / "portrait.jpg")
    assert report.run.device == "cuda"
    for one, other in zip(report.findings, portrait.findings, strict=True):
        assert one.score == pytest.approx(other.score, abs=5e-2)


def test_a_scan_opens_no_socket(tmp_path: Path) -> None:
    """Nothing in a scan uses the network or keeps anything in the user's folders, the libraries in C++ included: the
    system ends a child that asks for an internet socket. Its reading process, which tries that on purpose, was
    started before. That the rules hold shows a copy of the child, which asks.
    """
    code = f"""
import os, socket, pyseccomp
from deepfake_detect import Scanner, ScanOptions
from deepfake_detect.media import SamplingPlan
with Scanner(options=ScanOptions(SamplingPlan(max_frames=2, max_audio_seconds=4))) as scanner:  # every step, on little
    scanner.protections
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    for family in (socket.AF_INET, socket.AF_INET6):
        rules.add_rule(pyseccomp.KILL_PROCESS, "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    rules.load()
    print(scanner.scan({str(SAMPLES / "clip.mp4")!r}).verdict is not None, flush=True)
copy = os.fork()
if not copy:
    socket.socket()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]))
"""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "OMP_WAIT_POLICY")}
    environment["HOME"] = str(tmp_path)  # and no CI, in which telemetry is off
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False,
    )  # fmt: skip
    assert (done.stdout.split(), done.stderr) == (["True", str(-signal.SIGSYS)], "")
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_library_is_quiet_and_changes_no_setting(tmp_path: Path) -> None:
    with Image.open(SAMPLES / "portrait.jpg") as image:
        image.crop((96, 0, 352, 256)).save(tmp_path / "face.jpg", quality=95)  # fewer pieces than the whole
    code = """
import os, signal, warnings, logging, locale
import cv2, torch, torchvision  # these set variables of their own when they are imported
before = (dict(os.environ), signal.getsignal(signal.SIGINT), list(warnings.filters), logging.root.level, os.getcwd())
import numpy as np; errors = np.geterr()
from PIL import Image; pixels = Image.MAX_IMAGE_PIXELS
from deepfake_detect import scan
report = scan("face.jpg")
after = (dict(os.environ), signal.getsignal(signal.SIGINT), list(warnings.filters), logging.root.level, os.getcwd())
changed = [i for i, (a, b) in enumerate(zip(before, after)) if a != b and i != 2]
print(changed, np.geterr() == errors, Image.MAX_IMAGE_PIXELS == pixels, len(report.subjects), len(report.findings) > 1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "[] True True 1 True"
    assert done.stderr == ""


def test_a_strict_run_holds_lines_against_the_strict_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    store = WeightStore()
    shipped = store.calibration

    def with_strict(entry: WeightsEntry) -> str | None:
        raw = json.loads(shipped(entry) or "")
        rates = {condition["name"]: 0.01 for condition in raw["conditions"]}
        return json.dumps({**raw, "operating_points": {"strict": {"upper": 1.25, "false_alarms": rates}}})

    monkeypatch.setattr(store, "calibration", with_strict)
    chosen = Registry(plugins=False).select(("synthetic-voice",))
    for point, upper in (("strict", 1.25), ("standard", None)):
        _, (loaded,) = load_detectors(chosen, store, "cpu", point)
        assert loaded.record.operating_point == point
        assert loaded.record.thresholds is not None and loaded.calibration is not None
        assert loaded.record.thresholds[1] == loaded.calibration.upper
        assert (loaded.calibration.upper == upper) is (point == "strict")
    monkeypatch.undo()
    _, (loaded,) = load_detectors(chosen, store, "cpu", "strict")
    measured = "operating_points" in json.loads(shipped(store.entry("synthetic-voice")) or "")
    assert loaded.record.operating_point == ("strict" if measured else "standard")
    assert loaded.record.false_alarms
