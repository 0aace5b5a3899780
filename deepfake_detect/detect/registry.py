"""Which detectors exist. Nothing is imported until a detector is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from ..errors import UsageError
from .base import Detector

ENTRY_POINT_GROUP = "deepfake_detect.detectors"

_BUILT_IN: dict[str, str] = {
    "face-manipulation": "deepfake_detect.detect.face_manipulation:FaceManipulation",
    "synthetic-image": "deepfake_detect.detect.synthetic_image:SyntheticImage",
    "synthetic-voice": "deepfake_detect.detect.synthetic_voice:SyntheticVoice",
    "provenance": "deepfake_detect.detect.provenance:Provenance",
}


@dataclass(frozen=True, slots=True)
class RegisteredDetector:
    """A detector that can be made: its id, where its class is, and the distribution that brought it."""

    id: str
    target: str
    origin: str

    def create(self) -> Detector[Any]:
        """Import the class and make a detector; its weights are not loaded yet. Raises ``UsageError`` if it is none."""
        module, _, name = self.target.partition(":")
        try:
            cls = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"detector {self.id} cannot be imported: {error}", "Reinstall it, or run with --no-plugins."
            ) from error
        if not (isinstance(cls, type) and issubclass(cls, Detector)):
            raise UsageError(f"{self.target} is not a Detector", "See deepfake_detect.detect.base.Detector.")
        return cls()


class Registry:
    """The built-in detectors and, unless ``plugins`` is False, those of installed entry points."""

    def __init__(self, plugins: bool = True) -> None:
        self._detectors = {id_: RegisteredDetector(id_, target, "built-in") for id_, target in _BUILT_IN.items()}
        if plugins:
            for point in entry_points(group=ENTRY_POINT_GROUP):
                self._add_plugin(point.name, point.value, point.dist.name if point.dist else "unknown")

    def _add_plugin(self, id_: str, target: str, distribution: str) -> None:
        if id_ in self._detectors:
            raise UsageError(
                f"plug-in {distribution} offers a detector named {id_}, which exists already",
                "Uninstall one of them, or run with --no-plugins.",
            )
        self._detectors[id_] = RegisteredDetector(id_, target, f"plug-in {distribution}")

    def ids(self) -> tuple[str, ...]:
        """All ids, built-in ones first."""
        return tuple(self._detectors)

    def select(self, ids: tuple[str, ...] | None) -> tuple[RegisteredDetector, ...]:
        """The named detectors, or all. Raises ``UsageError`` on an unknown id."""
        for id_ in ids or ():
            if id_ not in self._detectors:
                raise UsageError(f"no detector named {id_}", f"Known: {', '.join(self._detectors)}.")
        return tuple(self._detectors[id_] for id_ in (ids or self._detectors))

    def plugins(self) -> tuple[str, ...]:
        """``id (plug-in distribution)`` for everything foreign."""
        return tuple(f"{d.id} ({d.origin})" for d in self._detectors.values() if d.origin != "built-in")
