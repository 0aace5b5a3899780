"""Bad files and paths end in one clear typed error; damaged ones decode what is left and say so."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from make_media import BAD, DAMAGED, GOOD

from deepfake_detect import errors
from deepfake_detect.errors import DeepfakeDetectError, EvidenceChangedError, IngestError, UnreadableError
from deepfake_detect.ingest import find_files, identify, open_media
from deepfake_detect.media import AudioSegment, Frame, SamplingPlan


@pytest.mark.parametrize("name", BAD)
def test_bad_file(media_folder: Path, name: str) -> None:
    with pytest.raises(getattr(errors, BAD[name])) as caught, open_media(media_folder / name) as opened:
        list(opened.decode(SamplingPlan()))
    assert caught.value.message and caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint
    assert len(identify(media_folder / name).sha256) == 64  # a report on it is still possible


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_file(media_folder: Path, name: str) -> None:
    with open_media(media_folder / name) as opened:
        items = list(opened.decode(SamplingPlan()))
        assert items
        assert any(DAMAGED[name] in gap for gap in opened.gaps), opened.gaps


def test_truncated_jpeg_holds_no_filler(media_folder: Path) -> None:
    with open_media(media_folder / "truncated.jpg") as opened, open_media(media_folder / "plain.jpg") as whole:
        (part,) = (i for i in opened.decode(SamplingPlan()) if isinstance(i, Frame))
        (full,) = (i for i in whole.decode(SamplingPlan()) if isinstance(i, Frame))
    assert 8 <= part.height < full.height
    assert (part.pixels[:-16] == full.pixels[: part.height - 16]).all()


def test_renamed_files_are_what_they_are(media_folder: Path, tmp_path: Path) -> None:
    for name, disguise in (("h264.mp4", "photo.jpg"), ("plain.png", "voice.mp3"), ("tone.ogg", "clip.mp4")):
        shutil.copy(media_folder / name, tmp_path / disguise)
        with open_media(tmp_path / disguise) as opened:
            assert opened.media.facts is not None
            assert (opened.media.kind, opened.media.facts.format) == GOOD[name]


def test_random_damage_ends_in_a_typed_error_or_a_result(media_folder: Path) -> None:
    rng = random.Random(5)
    names = sorted(n for n in GOOD if n not in ("long.mp4", "wide.png", "many_frames.gif"))
    for name in names:
        original = (media_folder / name).read_bytes()
        for _ in range(4):
            data = bytearray(original)
            for _ in range(rng.choice((1, 8, 40))):
                data[rng.randrange(min(len(data), rng.choice((64, 800, len(data)))))] = rng.randrange(256)
            if rng.random() < 0.3:
                del data[rng.randrange(len(data)) :]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    with open_media(bytes(data)) as opened:
                        items = list(opened.decode(SamplingPlan(max_frames=4)))
                    assert all(isinstance(item, Frame | AudioSegment) for item in items)
                except IngestError as error:
                    assert error.message and "\n" not in error.message


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    cases = {"missing.jpg": "does not exist", "": "is a folder", "loop": "loop of symbolic links",
             "broken": "does not exist", "pipe": "not a regular file", "nul\0byte": "cannot be read"}  # fmt: skip
    for name, words in cases.items():
        with pytest.raises(UnreadableError, match=words) as caught:
            open_media(f"{tmp_path}/{name}")
        assert caught.value.hint and caught.value.path == f"{tmp_path}/{name}"
    with pytest.raises(UnreadableError, match="not a regular file"):
        identify("/dev/zero")


def test_stream_that_cannot_seek() -> None:
    read, write = os.pipe()
    os.close(write)
    with os.fdopen(read, "rb") as stream, pytest.raises(UnreadableError, match="cannot seek"):
        open_media(stream)


NO_OVERRIDE = "-dac_override,-dac_read_search"
UNPRIVILEGED = ["setpriv", "--bounding-set", NO_OVERRIDE, "--inh-caps", NO_OVERRIDE]


def run_without_privileges(code: str, *arguments: str) -> str:
    """stdout of ``code`` in a child to whom file modes apply even if the tests run as root."""
    prefix = UNPRIVILEGED if os.geteuid() == 0 else []
    command = [*prefix, sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_file_without_read_permission(media_folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpg"
    shutil.copy(media_folder / "plain.jpg", secret)
    secret.chmod(0)
    code = (
        "import sys\nfrom deepfake_detect.errors import UnreadableError\n"
        "from deepfake_detect.ingest import open_media\n"
        "try:\n    open_media(sys.argv[1])\n"
        "except UnreadableError as error:\n    print(error.message, '|', error.hint)\n"
    )
    assert run_without_privileges(code, str(secret)).startswith(f"{secret} may not be read | Ask for read permission")


def test_evidence_is_never_written(media_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "evidence.mp4"
    shutil.copy(media_folder / "h264.mp4", path)
    path.chmod(0o444)
    before = path.stat()
    with open_media(path) as opened:
        list(opened.decode(SamplingPlan()))
        opened.verify_unchanged()
    after = path.stat()
    for field in ("st_mtime_ns", "st_ctime_ns", "st_atime_ns", "st_size"):
        assert getattr(before, field) == getattr(after, field)
    assert [p.name for p in tmp_path.iterdir()] == ["evidence.mp4"]


@pytest.mark.parametrize("how", ["written to", "replaced", "removed"])
def test_changed_evidence_is_noticed(media_folder: Path, tmp_path: Path, how: str) -> None:
    path = tmp_path / "evidence.jpg"
    shutil.copy(media_folder / "plain.jpg", path)
    with open_media(path) as opened:
        opened.verify_unchanged()
        if how == "written to":
            with path.open("r+b") as file:
                file.seek(-3, os.SEEK_END)
                file.write(b"x")
        elif how == "replaced":
            shutil.copy(media_folder / "grey.jpg", tmp_path / "other.jpg")
            (tmp_path / "other.jpg").replace(path)
        else:
            path.unlink()
        with pytest.raises(EvidenceChangedError):
            opened.verify_unchanged()


def test_hashes(media_folder: Path) -> None:
    import hashlib

    data = (media_folder / "plain.jpg").read_bytes()
    found = identify(media_folder / "plain.jpg")
    assert (found.sha256, found.md5, found.sha1, found.size) == (
        hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest(), hashlib.sha1(data).hexdigest(), len(data),
    )  # fmt: skip


def test_find_files(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b" / "đẹp.mp4").touch()
    (tmp_path / "b" / ".hidden.png").touch()
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "c").symlink_to(tmp_path / "c")
    (tmp_path / "d").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "e")
    (tmp_path / "f.wav").touch()
    found = list(find_files([tmp_path, str(tmp_path / "missing"), tmp_path / "a.jpg"]))
    assert [p for p in found if isinstance(p, Path)] == [
        tmp_path / "a.jpg", tmp_path / "b/.hidden.png", tmp_path / "b/đẹp.mp4", tmp_path / "f.wav", tmp_path / "a.jpg",
    ]  # fmt: skip
    said = [p.message for p in found if isinstance(p, UnreadableError)]
    for words in (
        "folder above it",
        "loop of symbolic links",
        "a link to a file that does not",
        "a pipe",
        "missing does",
    ):
        assert sum(words in message for message in said) == 1
    assert len(said) == 5


def test_unreadable_folder_does_not_end_the_walk(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").touch()
    (tmp_path / "b.jpg").touch()
    (tmp_path / "a").chmod(0)
    code = (
        "import sys\nfrom deepfake_detect.ingest import find_files\nfor item in find_files(sys.argv[1:]): print(item)\n"
    )
    try:
        assert run_without_privileges(code, str(tmp_path)).splitlines() == [
            f"{tmp_path}/a may not be read", f"{tmp_path}/b.jpg",
        ]  # fmt: skip
    finally:
        (tmp_path / "a").chmod(0o700)


def test_deep_folders(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 600)
    deep.mkdir(parents=True)
    (deep / "x.jpg").touch()
    assert list(find_files([tmp_path])) == [deep / "x.jpg"]


def test_importing_ingest_is_light() -> None:
    code = (
        "import sys, deepfake_detect.ingest\n"
        "print([m for m in ('torch', 'cv2', 'librosa', 'onnxruntime', 'av', 'PIL', 'c2pa') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_nothing_global_is_changed(media_folder: Path) -> None:
    from PIL import Image, ImageFile

    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, sorted(Image.OPEN), list(warnings.filters))
    for name in ("plain.heic", "truncated.jpg", "wide.png", "h264.mp4"):
        with open_media(media_folder / name) as opened:
            list(opened.decode(SamplingPlan()))
    after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, sorted(Image.OPEN), list(warnings.filters))
    assert before == after
    assert issubclass(UnreadableError, DeepfakeDetectError)
