"""``deepfake-detect hash``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import exits

if TYPE_CHECKING:
    from deepfake_detect.hashing import FileHashes
    from deepfake_detect.ingest import Identity


def hash_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pictures, videos or other files.")],
    every: Annotated[float, typer.Option(min=0.001, help="Seconds between the frames of a video.")] = 1.0,
    vpdq: Annotated[bool, typer.Option("--vpdq", help="Print only the lines of a vPDQ file, for one video.")] = False,
) -> None:
    """Print SHA-256, MD5, SHA-1 and the perceptual hash PDQ, for platforms and hotlines that accept hashes.

    PDQ has a quality from 0 to 100; a hash below 50 should not be matched. A video has one for each second, in the
    layout of vPDQ: frame number, quality, hash, time in seconds. The picture itself goes nowhere.

    Examples:

      deepfake-detect hash picture.jpg

      deepfake-detect hash --vpdq clip.mp4 > clip.vpdq

    Exit codes: 0 done, 1 a file cannot be read, 3 a file cannot be decoded, so that it has no PDQ.
    """
    with exits.reported_errors():
        from deepfake_detect.errors import IngestError, UsageError
        from deepfake_detect.hashing import hash_bytes, hash_pictures
        from deepfake_detect.report.text import safe_text

        from .handling import nameless_errors, of_installation

        if vpdq and len(files) != 1:
            raise UsageError("--vpdq takes one file", "Run it once for each.")
        handled, code = of_installation(), exits.DONE
        for file in files:
            with nameless_errors(handled):
                identity = hash_bytes(file)
            if not vpdq:
                _print_identity(identity, None if handled.survivor else safe_text(str(file), 400))
            try:
                _print_pictures(hash_pictures(file, identity, every), vpdq)
            except IngestError as error:
                print(f"no PDQ: {safe_text(error.sentences(), 400)}", file=sys.stderr if vpdq else sys.stdout)
                code = exits.SOME_FAILED
        raise typer.Exit(code)


def _print_identity(identity: Identity, name: str | None) -> None:
    if name is not None:
        print(name)
    print(f"SHA-256  {identity.sha256}\nMD5      {identity.md5}\nSHA-1    {identity.sha1}")


def _print_pictures(hashes: FileHashes, vpdq: bool) -> None:
    from deepfake_detect.hashing import RELIABLE_QUALITY
    from deepfake_detect.media import MediaKind
    from deepfake_detect.report.text import safe_text

    if not hashes.pictures:
        print("no PDQ: the file has no picture", file=sys.stderr if vpdq else sys.stdout)
    elif hashes.kind is MediaKind.IMAGE and len(hashes.pictures) == 1 and not vpdq:
        (only,) = hashes.pictures
        doubt = "" if only.quality >= RELIABLE_QUALITY else " (too low to match)"
        print(f"PDQ      {only.pdq}  quality {only.quality}{doubt}")
    else:
        if not vpdq:
            print("vPDQ     frame,quality,hash,seconds")
        print("\n".join(picture.vpdq_line() for picture in hashes.pictures))
    for gap in hashes.gaps:
        print(f"not covered: {safe_text(gap, 300)}", file=sys.stderr)
