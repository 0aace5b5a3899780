"""What other tools say of the files of a drive: manifests of an export, lists of known files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from deepfake_detect.errors import UsageError
from deepfake_detect.ingest import Identity
from deepfake_detect.known import KnownHashes
from deepfake_detect.manifest import DriveManifest

DATA = b"some bytes"
MD5, SHA1, SHA256 = (hashlib.new(name, DATA).hexdigest() for name in ("md5", "sha1", "sha256"))
OTHER = hashlib.md5(b"other").hexdigest()
ME = Identity("a.jpg", SHA256, MD5, SHA1, len(DATA))


def manifest(folder: Path, text: str, encoding: str = "utf-8") -> DriveManifest:
    path = folder / "manifest.csv"
    path.write_bytes(text.encode(encoding))
    return DriveManifest(path)


def test_an_iped_list_is_joined_by_its_links(tmp_path: Path) -> None:
    header = (
        '"Name","Link","Size","Extension","Bookmark","Category","MD5","SHA1","Deleted","Carved","Accessed","Modified",'
        '"Created","Path","TrackId"'
    )
    link = '"=HYPERLINK(""Exported/files/ab/x.jpg"",""Open"")"'
    row = (
        f'"x.jpg",{link},"10","jpg","","Images","{MD5.upper()}","","true","false","a","m","c","disk.E01/vol1/x.jpg","1"'
    )
    found = manifest(tmp_path, f"\ufeff{header}\r\n{row}\r\n").find(str(tmp_path / "Exported/files/ab/x.jpg"), MD5)
    (record,) = found
    assert (record.tool, record.state, record.md5_agrees) == ("IPED", "deleted", True)
    assert (record.original_path, record.created, record.modified, record.accessed) == (
        "disk.E01/vol1/x.jpg", "c", "m", "a",
    )  # fmt: skip


def test_an_autopsy_list_is_joined_by_md5(tmp_path: Path) -> None:
    header = (
        "Name,Location,Modified Time,Change Time,Access Time,Created Time,Size,Flags(Dir),Flags(Meta),Known,MD5 Hash"
    )
    rows = [
        f"x.jpg,/img_d.E01/vol_2/dcim,2020 UTC,2021 UTC,2022 UTC,2019 UTC,10,Unallocated,Unallocated,unknown,{MD5}",
        f"f0.jpg,/img_d.E01/$CarvedFiles/f0.jpg,,,,,10,Unallocated,Unallocated,unknown,{MD5}",
        f"y.jpg,/img_d.E01/y.jpg,,,,,1,Allocated,Allocated,unknown,{OTHER}",
    ]
    read = manifest(tmp_path, "\n".join([header, *rows]))
    first, second = read.find("elsewhere/x.jpg", MD5)
    assert (first.original_path, first.state, first.changed) == (
        "/img_d.E01/vol_2/dcim/x.jpg", "deleted", "2021 UTC",
    )  # fmt: skip
    assert (second.original_path, second.state) == ("/img_d.E01/$CarvedFiles/f0.jpg", "carved")
    assert read.find(None, OTHER)[0].state == "allocated"
    assert read.find("elsewhere/x.jpg", "0" * 32) == ()
    assert read.rows == 3


def test_an_autopsy_report_and_plain_columns_are_read(tmp_path: Path) -> None:
    header = "Name\tFile Extension\tIs Deleted\tLast Accessed\tFile Created\tLast Modified\tHash Value\tFull Path"
    (record,) = manifest(tmp_path, f"{header}\nx\t\tyes\ta\tc\tm\t{MD5}\t/img/x\n").find(None, MD5)
    assert (record.tool, record.state, record.original_path) == ("Autopsy report", "deleted", "/img/x")
    (record,) = manifest(tmp_path, f"exported_path;Original-Path;MD5\nout\\1.bin;/sd/x;{OTHER}\n", "utf-16").find(
        str(tmp_path / "out" / "1.bin"), MD5
    )
    assert (record.tool, record.original_path, record.md5_agrees) == ("plain columns", "/sd/x", False)


def test_a_title_above_the_header_is_passed_over(tmp_path: Path) -> None:
    read = manifest(tmp_path, f"Images (1),,\n\n#,Path,MD5\n1,/sd/x.jpg,{MD5}\n")
    assert read.rows == 1 and read.find(None, MD5)[0].original_path == "/sd/x.jpg"
    read = manifest(tmp_path, f"md5;path\n{MD5};/a,b,c,d,e\n")
    assert read.find(None, MD5)[0].original_path == "/a,b,c,d,e"


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\0\xff", "size,created\n1,2\n"])
def test_a_manifest_without_a_column_to_join_on_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="no column"):
        manifest(tmp_path, text, "latin-1")


def test_hostile_cells_stay_text_and_are_cut(tmp_path: Path) -> None:
    cell = "=cmd|'/c calc'!A1" + "x" * 9000
    (record,) = manifest(tmp_path, f'md5,path\n{MD5},"{cell}"\n').find(None, MD5)
    assert record.original_path == cell[:4096]
    with pytest.raises(UsageError, match="manifest"):
        manifest(tmp_path, "md5,path\n" + "x" * 200_000)
    with pytest.raises(UsageError, match="cannot be read"):
        DriveManifest(tmp_path / "absent.csv")


def known(folder: Path, text: str) -> KnownHashes:
    path = folder / "known.txt"
    path.write_text(text, encoding="utf-8")
    return KnownHashes([path])


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (f"# system files\n{OTHER}\n{MD5.upper()}  a name\n", "md5"),
        (f"{SHA1}\n", "sha1"),
        (f"{SHA256} *a.jpg\n{MD5}\n", "sha256"),
        (f'"SHA-1","MD5","CRC32","FileName"\n"{SHA1}","{OTHER}","0","x"\n', "sha1"),
        (f'"FileName","MD5 Hash"\n"x","{MD5}"\n', "md5"),
    ],
)
def test_a_known_file_is_told_by_its_strongest_hash(tmp_path: Path, text: str, how: str) -> None:
    found = known(tmp_path, text)
    assert found.match(ME) == how
    assert found.match(Identity(None, "0" * 64, "0" * 32, "0" * 40, 1)) is None
    assert found.lists == [("known.txt", hashlib.sha256(text.encode()).hexdigest())]


def test_a_name_that_looks_like_a_hash_makes_nothing_known(tmp_path: Path) -> None:
    assert known(tmp_path, f"{OTHER}  {MD5}\nxx {MD5}\n").match(ME) is None
    assert known(tmp_path, f'"MD5","FileName"\n"{OTHER}","{MD5}"\n').match(ME) is None


def test_hashes_that_begin_alike_are_told_apart(tmp_path: Path) -> None:
    alike = [MD5[:16] + f"{i:016x}" for i in range(40)]
    assert known(tmp_path, "\n".join(alike)).match(ME) is None
    assert len(known(tmp_path, "\n".join([*alike, MD5]))) == 41
    assert known(tmp_path, "\n".join([*alike, MD5])).match(ME) == "md5"


@pytest.mark.parametrize("text", ["", "no hash here\n", "MD5\nnothing\n"])
def test_a_list_without_a_hash_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="no hash"):
        known(tmp_path, text)
