"""Bad input through the real command line.

One clear line each, the run goes on, and nothing that failed has a verdict.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from in_process import typed
from PIL import Image

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
COMMAND = [str(Path(sys.executable).with_name("deepfake-detect"))]
# Root reads and writes everything; without these two capabilities file modes bind for root too.
UNPRIVILEGED = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


def quick(arguments: Sequence[str | Path]) -> list[str]:
    """With the one detector that needs no weights unless the arguments say otherwise."""
    words = [str(a) for a in arguments]
    return words if "--detectors" in words else [*words, "--detectors", "provenance"]


def run(*arguments: str | Path, prefix: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """The real command, in a process of its own."""
    command = [*(prefix or []), *COMMAND, *quick(arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def here(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """In this process, which is quicker, where no file is decoded that could upset it."""
    return typed(*quick(arguments))


def results(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The lines of ``--format jsonl`` by file name."""
    parsed = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(r["media"]["path"] if "media" in r else r["path"]).name: r for r in parsed}


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def huge_png() -> bytes:
    """A header of 100,000 x 100,000 pixels with a little data behind it: a decompression bomb's face."""
    data = bytearray(png(8, 8))
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    import zlib

    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def wav(samples: int) -> bytes:
    body = b"\0\0" * samples
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(body), b"WAVE", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16,
                         b"data", len(body))  # fmt: skip
    return header + body


def animation(frames: int) -> bytes:
    buffer = io.BytesIO()
    images = [Image.new("P", (8, 8), i % 256) for i in range(frames)]
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=20)
    return buffer.getvalue()


def many_frames(path: Path, count: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1000, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        for i in range(count):
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each kind of trouble, and one good picture."""
    folder = tmp_path_factory.mktemp("bad")
    clip, picture = (SAMPLES / "clip.mp4").read_bytes(), (SAMPLES / "portrait.jpg").read_bytes()
    files = {
        "good.jpg": picture,
        "empty.jpg": b"",
        "zeros.mp4": bytes(5000),
        "text.png": b"this is no picture",
        "renamed.txt": picture,
        "cut.jpg": picture[: len(picture) // 2],
        "header-only.jpg": picture[:200],
        "cut.mp4": clip[: len(clip) // 3],
        "corrupt.png": png(64, 64)[:60] + bytes(200),
        "encrypted.mp4": clip.replace(b"avc1", b"encv").replace(b"mp4a", b"enca"),
        "no-samples.wav": wav(0),
        "short.wav": wav(1600),
        "one-pixel.png": png(1, 1),
        "wide.png": png(20_000, 3),
        "bomb.png": huge_png(),
        "frames.gif": animation(600),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    many_frames(folder / "frames.mp4", 3000)
    return folder


@pytest.fixture(scope="module")
def scanned(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    case = tmp_path_factory.mktemp("out") / "case"
    yield run("scan", folder, "-o", case, "--full", "--format", "jsonl"), case


FAILED = {
    "empty.jpg": "empty", "zeros.mp4": "", "text.png": "", "header-only.jpg": "", "cut.mp4": "", "encrypted.mp4":
    "encrypted", "no-samples.wav": "", "bomb.png": "--max-pixels",
}  # fmt: skip


def test_the_run_goes_on_and_says_that_some_failed(scanned: Any, folder: Path) -> None:
    done, _ = scanned
    assert results(done).keys() == {p.name for p in folder.iterdir()}
    assert done.returncode in (1, 3)  # 1: provenance alone finds nothing in these files
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", FAILED)
def test_what_failed_has_a_reason_and_no_verdict(scanned: Any, name: str) -> None:
    report = results(scanned[0])[name]
    (abstention,) = report["abstentions"]
    assert abstention["detector"] == "scan"
    assert abstention["reason"] in {"failed", "unsupported"}
    assert FAILED[name] in abstention["detail"]
    assert len(abstention["detail"]) > 20
    assert report["verdict"] is None
    assert report["findings"] == []


@pytest.mark.parametrize(
    "name", ["good.jpg", "renamed.txt", "cut.jpg", "one-pixel.png", "wide.png", "frames.gif", "frames.mp4", "short.wav"]
)
def test_what_can_be_decoded_is(scanned: Any, name: str) -> None:
    report = results(scanned[0])[name]
    assert [a for a in report["abstentions"] if a["detector"] == "scan"] == []
    assert report["media"]["facts"]["format"]


def test_damage_is_named(scanned: Any) -> None:
    assert results(scanned[0])["cut.jpg"]["coverage_gaps"]


def test_every_file_has_its_page(scanned: Any, folder: Path) -> None:
    done, case = scanned
    for report in results(done).values():
        page = (case / "data" / "reports" / f"{report['media']['sha256']}.html").read_text(encoding="utf-8")
        assert "<html" in page
    index = (case / "data" / "index.html").read_text(encoding="utf-8")
    assert all(path.name in index for path in folder.iterdir())


def test_a_folder_without_media(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no media")
    done = here("scan", tmp_path)
    assert done.returncode == 1
    assert "no media" in done.stdout


def test_an_empty_folder(tmp_path: Path) -> None:
    done = here("scan", tmp_path)
    assert done.returncode == 1
    assert "no file" in done.stderr


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    done = here("scan", tmp_path / "nothing.jpg", SAMPLES / "portrait.jpg", "--format", "jsonl")
    lines = results(done)
    assert "does not exist" in lines["nothing.jpg"]["message"]
    assert lines["nothing.jpg"]["hint"]
    assert "verdict" not in lines["nothing.jpg"]
    assert "portrait.jpg" in lines
    assert here("scan", tmp_path / "nothing.jpg").returncode == 1


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    shutil.copy(SAMPLES / "portrait.jpg", secret)
    secret.chmod(0)
    done = run("scan", tmp_path, "--format", "jsonl", prefix=UNPRIVILEGED if os.geteuid() == 0 else None)
    assert "may not be read" in results(done)["secret.jpg"]["message"]
    assert done.returncode == 1


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "above").symlink_to(tmp_path, target_is_directory=True)
    shutil.copy(SAMPLES / "portrait.jpg", tmp_path / "z.jpg")
    lines = results(here("scan", tmp_path, "--format", "jsonl"))
    assert "loop" in lines["a"]["message"]
    assert "loop" in lines["b"]["message"]
    assert "z.jpg" in lines


def test_an_output_folder_that_may_not_be_written(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    prefix = UNPRIVILEGED if os.geteuid() == 0 else None
    done = run("scan", SAMPLES / "portrait.jpg", "-o", locked / "case", prefix=prefix)
    assert done.returncode == 1
    assert "deepfake-detect:" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_output_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = here("scan", SAMPLES / "portrait.jpg", "-o", tmp_path)
    assert done.returncode == 1
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--detectors", "nothing-like-it"], ["--format", "xml"], ["--fps", "-1"], ["--max-frames", "0"], ["--fail-on",
        "fake"], ["--device", "abacus"], ["--trust-list", "/does/not/exist.pem"],
    ],
)  # fmt: skip
def test_wrong_usage(arguments: list[str]) -> None:
    done = here("scan", SAMPLES / "portrait.jpg", *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr


def test_evidence_is_untouched(folder: Path, scanned: Any) -> None:
    """Nothing beside the files, and the same bytes: the SHA-256 in the report is that of the file now."""
    import hashlib

    for name, report in results(scanned[0]).items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == report["media"]["sha256"]
