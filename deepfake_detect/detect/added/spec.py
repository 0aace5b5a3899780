"""What has to be known of foreign weights before they can be used: how to build the network, feed it and read it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, get_args, get_origin, get_type_hints

from ...checkpoints import ID
from ...errors import WeightsError

KINDS = ("huggingface", "onnx", "timm", "torchvision", "aasist")
LOOKS_AT = ("picture", "pieces", "face", "voice")
OUTPUTS = ("logits", "probabilities")
SAMPLE_RATE = 16_000
CARD_HELP = "See `deepfake-detect weights add --help` for what a card holds."


@dataclass(frozen=True, slots=True)
class AddedSpec:
    """The card of added weights. In a TOML card the fields have these names; those with a default may be left out.

    ``kind``: one of ``KINDS``. ``looks_at``: ``picture`` (the whole frame, scaled down), ``pieces`` (squares of it at
    native resolution), ``face`` (a square around each face) or ``voice`` (4 s of speech, 16 kHz mono). ``labels``: one
    for each output, in order; ``synthetic``: those that mean synthetic or manipulated. One output alone is the logit
    (or probability) of its label. ``architecture``: of timm or torchvision. ``side``: pixels of the square input, RGB,
    planes first, (value / 255 - mean) / std; ``samples``: length of the sound, repeated or cut to it, 0 as it comes.
    """

    id: str
    version: str
    kind: str
    looks_at: str
    labels: tuple[str, ...]
    synthetic: tuple[str, ...]
    title: str = ""
    output: str = "logits"
    architecture: str = ""
    side: int = 224
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    samples: int = 0
    licence: str = "not stated"
    commercial_use: bool = False
    source: str = "not stated"
    paper: str = "not stated"
    limits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, problem in self._problems():
            raise WeightsError(f"card of {self.id[:40]!r}: {name} {problem}", CARD_HELP)

    def _problems(self) -> list[tuple[str, str]]:
        text = (self.title, self.licence, self.source, self.paper, *self.limits, *self.labels)
        others = set(self.labels) - set(self.synthetic)
        checks = (
            ("id", "has lower-case letters, digits and hyphens, at most 40", bool(ID.fullmatch(self.id)) and
             len(self.id) <= 40),
            ("version", "is not of the form 1.2.3", bool(re.fullmatch(r"\d{1,6}\.\d{1,6}\.\d{1,6}", self.version,
                                                                      re.ASCII))),
            ("kind", f"is not one of {', '.join(KINDS)}", self.kind in KINDS),
            ("looks_at", f"is not one of {', '.join(LOOKS_AT)}", self.looks_at in LOOKS_AT),
            ("output", f"is not one of {', '.join(OUTPUTS)}", self.output in OUTPUTS),
            ("labels", "are missing, or one stands twice", 0 < len(self.labels) == len(set(self.labels)) <= 1000),
            ("synthetic", f"does not name some of the labels {self.labels[:8]}",
             bool(self.synthetic) and set(self.synthetic) <= set(self.labels)),
            ("labels", "all mean synthetic: none is left for the opposite", bool(others) or len(self.labels) == 1),
            ("architecture", "is missing", bool(self.architecture) or self.kind not in ("timm", "torchvision")),
            ("side", "is not 32 to 1024", 32 <= self.side <= 1024),
            ("mean and std", "are not three numbers each, std above 0", len(self.mean) == len(self.std) == 3 and
             min(self.std) > 0),
            ("samples", "is not 0 to 480000", 0 <= self.samples <= 480_000),
            ("a text", "is longer than 500 characters", all(len(part) <= 500 for part in text)),
        )  # fmt: skip
        return [(name, problem) for name, problem, good in checks if not good]

    def as_json(self) -> str:
        """Canonical JSON text; its hash is part of the weights' hash."""
        return json.dumps(asdict(self), sort_keys=True)


def parse_spec(raw: Mapping[str, Any]) -> AddedSpec:
    """A spec from a TOML card or from JSON. Raises ``WeightsError`` that names the field that is missing or wrong."""
    hints, values = get_type_hints(AddedSpec), {}
    if unknown := sorted(raw.keys() - hints.keys()):
        raise WeightsError(f"the card has fields unknown here: {', '.join(unknown)}", CARD_HELP)
    for field in fields(AddedSpec):
        if field.name in raw:
            values[field.name] = _typed(field.name, raw[field.name], hints[field.name])
    missing = [field.name for field in fields(AddedSpec) if field.default is MISSING and field.name not in values]
    if missing:
        raise WeightsError(f"the card is not complete, missing: {', '.join(missing)}", CARD_HELP)
    return AddedSpec(**values)


def _typed(name: str, value: Any, hint: Any) -> Any:
    """``value`` if it is what ``hint`` says: lists become tuples, integers floats. Raises ``WeightsError``."""
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        return tuple(_typed(name, item, get_args(hint)[0]) for item in value)
    if hint is float and type(value) is int:
        return float(value)
    if get_origin(hint) is None and type(value) is hint:
        return value
    raise WeightsError(f"the card's {name} is not {_words(hint)}", CARD_HELP)


def _words(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"a list of {_words(get_args(hint)[0])}"
    return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}[hint]
