"""From decoded frames and sound to what detectors consume: face tracks, native-resolution crops, speech windows."""

from .crops import NATIVE_SIDE, PictureBuilder
from .faces import Detection, FaceFinder
from .screenshot import find_picture
from .speech import SpeechFinder, speech_windows
from .tracks import TrackBuilder

__all__ = [
    "NATIVE_SIDE", "Detection", "FaceFinder", "PictureBuilder", "SpeechFinder", "TrackBuilder", "find_picture",
    "speech_windows",
]  # fmt: skip
