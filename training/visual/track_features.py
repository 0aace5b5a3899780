"""Make pairs of videos from real portraits, find their faces as a scan does, and keep the encoder's features.

    python training/visual/track_features.py DATA

`FACES` portraits of each fold, each filmed as it is and blended frame by frame (`track_videos.py`), both encoded as
H.264 at every CRF of `CRFS`. CACHE/tracks.npz holds the rows (file, kind, CRF, frame), CACHE/tracks.features.npy their
features as `features.py` makes them. A row is missing where the face was not found. A run that was cut off goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import crops
import numpy as np
import torch
from blend_features import Maker
from corpus import Row, cache, evenly
from features import ENCODER, encoder, extract
from numpy.typing import NDArray
from track_videos import FPS, FRAMES, KINDS, Portrait, blended, filmed

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.extract.faces import VIDEO_SIDE, FaceFinder
from deepfake_detect.extract.tracks import TrackBuilder
from deepfake_detect.ingest import open_media
from deepfake_detect.media import FaceCrop, Frame, SamplingPlan
from deepfake_detect.reship.visual import h264_file

SEED = 1
FACES = 12
CRFS = (23, 32)
SPREAD = range(0, FRAMES, 4)  # six faces, as a scan keeps them
NEIGHBOURS = range(8, 16)


def videos(maker: Maker, row: Row, kind: str) -> dict[str, list[NDArray[np.uint8]]]:
    """Frames of the portrait as it is ("real") and blended, which differ in the blend alone."""
    rng = crops.seeded(row.file, "track")
    others = maker.donors(row)
    donor = others[int(rng.integers(len(others)))]
    stills = [Portrait(crops.read(maker.data / r.file), maker.points[r.file]) for r in (row, donor)]
    frames = filmed(stills[0], rng)
    return {"real": [frame.rgb for frame in frames], kind: blended(frames, kind, stills[1], rng)}


def faces(data: bytes, finder: FaceFinder) -> dict[int, FaceCrop]:
    """Number of the frame -> crop, of the person seen most often among `SPREAD` and among `NEIGHBOURS`."""
    with open_media(data) as opened:
        facts = opened.media.facts
        frames = [item for item in opened.decode(SamplingPlan(max_frames=FRAMES)) if isinstance(item, Frame)]
    assert facts is not None
    wanted = sorted({*SPREAD, *NEIGHBOURS})
    found = dict(zip(wanted, finder.find([frames[i] for i in wanted], VIDEO_SIDE), strict=True))
    out: dict[int, FaceCrop] = {}
    for chosen in (SPREAD, NEIGHBOURS):
        builder = TrackBuilder(facts)
        for i in chosen:
            builder.add(frames[i], found[i])
        for track in builder.build()[:1]:
            out |= {round(crop.time * FPS): crop for crop in track.faces}
    return out


def parts(data: Path, chosen: Sequence[Row], maker: Maker, net: torch.nn.Module) -> Iterator[Path]:
    """Make what is missing, and tell where the part of each portrait lies."""
    finder, folder = FaceFinder(WeightStore()), cache(data) / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    for i, row in enumerate(chosen):
        path = folder / f"tracks.{i}.npz"
        if not path.exists():
            found = {
                (row.file, kind, str(crf), str(frame)): crops.fit_face(crop.pixels)
                for kind, pictures in videos(maker, row, KINDS[i % len(KINDS)]).items()
                for crf in CRFS
                for frame, crop in faces(h264_file(pictures, crf, FPS), finder).items()
            }
            np.savez(path, names=np.array(list(found)), features=extract(net, found.values(), [])[""])
        yield path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, default=ENCODER)
    parser.add_argument("--bfloat16", action="store_true", help="as for features.py")
    args = parser.parse_args()
    torch.set_num_threads(1)
    maker = Maker(args.data, SEED)
    chosen = evenly(maker.rows, FACES)
    made = [np.load(path) for path in parts(args.data, chosen, maker, encoder(args.weights, args.bfloat16))]
    base = cache(args.data) / "tracks"
    np.save(f"{base}.features.npy", np.concatenate([part["features"] for part in made]))
    np.savez(f"{base}.npz", names=np.concatenate([part["names"] for part in made]))


if __name__ == "__main__":
    main()
