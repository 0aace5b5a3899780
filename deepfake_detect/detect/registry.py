"""Which detectors exist. Nothing is imported until a detector is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from ..checkpoints import ADDED, added_entries
from ..errors import UsageError
from .base import Detector

ENTRY_POINT_GROUP = "deepfake_detect.detectors"

_BUILT_IN: dict[str, str] = {
    "face-manipulation": "deepfake_detect.detect.face_manipulation:FaceManipulation",
    "synthetic-image": "deepfake_detect.detect.synthetic_image:SyntheticImage",
    "local-edit": "deepfake_detect.detect.local_edit:LocalEdit",
    "synthetic-voice": "deepfake_detect.detect.synthetic_voice:SyntheticVoice",
    "provenance": "deepfake_detect.detect.provenance:Provenance",
}
_ADDED = "deepfake_detect.detect.added.detectors:added_detector"


@dataclass(frozen=True, slots=True)
class RegisteredDetector:
    """A detector that can be made: its id, where its class is, and the distribution that brought it.

    ``spec``: of weights that a person added; ``target`` is then a function that makes a detector of it.
    """

    id: str
    target: str
    origin: str
    spec: str | None = None

    def create(self) -> Detector[Any]:
        """Import the class and make a detector; its weights are not loaded yet.

        Raises ``UsageError`` if it is none, and ``WeightsError`` for a spec that cannot be read.
        """
        module, _, name = self.target.partition(":")
        try:
            cls = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"detector {self.id} cannot be imported: {error}", "Reinstall it, or run with --no-plugins."
            ) from error
        if self.spec is not None:
            made: Detector[Any] = cls(self.spec)
            return made
        if not (isinstance(cls, type) and issubclass(cls, Detector)):
            raise UsageError(f"{self.target} is not a Detector", "See deepfake_detect.detect.base.Detector.")
        return cls()


class Registry:
    """The built-in detectors and, unless ``plugins`` is False, those of installed entry points and of weights that a
    person added.

    Raises ``UsageError`` when two have one id, and ``WeightsError`` when the manifest of added weights is broken.
    """

    def __init__(self, plugins: bool = True) -> None:
        self._detectors = {id_: RegisteredDetector(id_, target, "built-in") for id_, target in _BUILT_IN.items()}
        if plugins:
            for point in entry_points(group=ENTRY_POINT_GROUP):
                self._add_plugin(point.name, point.value, point.dist.name if point.dist else "unknown")

            for entry in added_entries().values():
                self._add_weights(entry.id, entry.spec)

    def _add_weights(self, id_: str, spec: str | None) -> None:
        if id_ in self._detectors:
            raise UsageError(
                f"weights were added under the id {id_}, which a detector has already",
                f"Remove them: deepfake-detect weights remove {id_}",
            )
        self._detectors[id_] = RegisteredDetector(id_, _ADDED, ADDED, spec)

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
