"""Was a face swapped, blended, edited or re-enacted? Judged per face, averaged over a person's track, with a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import WeightStore
from ..explain.images import end_at_chin, evidence_image, reddened
from ..findings import Evidence, Label, Proposition, Reason
from ..media import FaceCrop, FaceTrack, Pixels, Span
from .base import Detector, DetectorCard, Outcome, Refusal, Score
from .encoder import ENCODER, VisualEncoder, visual_encoder
from .face_quality import NAMES, covered, face_quality
from .runtime import Network, load_network
from .visual_input import SIDE, fit_face

if TYPE_CHECKING:
    import torch

HEAD = "face-manipulation"
COVER = "face-cover"
MIN_FACE = 60.0  # face pixels: the smallest faces measured


class FaceManipulation(Detector[FaceTrack]):
    """A linear head on several blocks of CLIP ViT-B/16 over face crops, averaged over the faces of a track."""

    card: ClassVar[DetectorCard] = DetectorCard(
        id=HEAD,
        version="1",
        title="Manipulated face",
        consumes=FaceTrack,
        batch_size=4,
        weights=(ENCODER, COVER, HEAD),
        licence="encoder MIT; head Apache-2.0, trained on pictures under mixed, partly non-commercial licences",
        commercial_use=False,
        paper="Shiohara & Yamasaki 2022, arXiv 2204.08376 (self-blending, idea only); trained here, see the card",
        limits=(
            "faces under 60 pixels are refused",
            "frames are judged one by one: flicker over time carries no evidence",
            "not measured on nude or nudified bodies: only the face is looked at",
            "make-up, beauty filters, portrait blur and video calls were not measured",
            "not measured on drawn or painted faces",
            "covered faces are refused where it is noticed: measured on imitated masks, hands and objects only",
        ),
        proposition=Proposition(
            synthetic="the face was swapped, blended, edited or re-enacted as in the test data",
            genuine="the face was recorded unaltered, as in the test data",
            label=Label.MANIPULATED,
        ),
    )

    def load(self, store: WeightStore, device: str) -> str:
        self._encoder: VisualEncoder = visual_encoder(store, device)
        self._head: Network = load_network(store, HEAD, device, _build)
        self._cover: Network = load_network(store, COVER, device, _build_cover)
        return device

    def score(self, batch: Sequence[FaceTrack]) -> list[Outcome]:
        return [self._score(track) for track in batch]

    def _score(self, track: FaceTrack) -> Outcome:
        faces = _usable(track)
        if not faces:
            largest = max(face.face_px for face in track.faces)
            return Refusal(Reason.TOO_SMALL, f"the largest face is {largest:.0f} pixels, under {MIN_FACE:.0f}")
        fitted = [fit_face(face.pixels) for face in faces]
        encoded = self._encoder(fitted)
        outputs = self._head(encoded)
        scores = outputs["score"].astype(np.float64)
        covers = self._cover({"patch": encoded["patch"]})["cover"]
        measured = [face_quality(face.pixels, face.landmarks) for face in faces]
        quantities = {
            "face_px": float(np.median([face.face_px for face in faces])),
            **{name: float(np.median([quality[name] for quality in measured])) for name in NAMES},
            "covered": float(np.median([covered(c, _fitted(face)) for c, face in zip(covers, faces, strict=True)])),
            "distance": float(np.median(outputs["distance"])),
            "faces": float(len(faces)),
        }
        timeline = tuple((face.time, float(score)) for face, score in zip(faces, scores, strict=True))
        return Score(float(scores.mean()), quantities, span=track.span, timeline=timeline)

    def explain(self, sample: FaceTrack, score: Score) -> tuple[Evidence, ...]:
        """The map of the face that scored highest."""
        best = int(np.argmax([value for _, value in score.timeline]))
        face = _usable(sample)[best]
        pixels = fit_face(face.pixels)
        heat = overlay(pixels, self._head(self._encoder([pixels]))["map"][0])
        picture = evidence_image(end_at_chin(heat, _fitted(face)))
        caption = "where the face looks foreign to its surroundings (red), on the face that scored highest"
        return (Evidence("map", caption, Span(face.time, face.time), face.region, image=picture),)


def _usable(track: FaceTrack) -> list[FaceCrop]:
    return [face for face in track.faces if face.face_px >= MIN_FACE]


def _fitted(face: FaceCrop) -> NDArray[np.float32]:
    """Landmarks in the crop as the encoder sees it."""
    return face.landmarks * np.float32(SIDE / face.pixels.shape[0])


def overlay(pixels: Pixels, logits: NDArray[np.float32]) -> Pixels:
    """A face crop (224, 224, 3) greyed, with the map's (14, 14) probabilities in red on a fixed scale."""
    share = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -30, 30)))
    return reddened(pixels, share.astype(np.float32))


def _build(tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    from .networks.heads import FaceHead

    return FaceHead(tensors)


def _build_cover(tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    from .networks.heads import CoverHead

    return CoverHead(tensors)
