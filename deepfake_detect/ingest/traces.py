"""Names that generators and editing tools leave in metadata. All of it is text that anyone can write or strip."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .metadata import clean

_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Trace:
    """``where``: the metadata key; ``tool``: the generator it points to; ``excerpt``: at most 200 characters of the
    value.
    """

    where: str
    tool: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class _Pattern:
    tool: str
    keys: re.Pattern[str]
    value: re.Pattern[str]


def _pattern(tool: str, keys: str, value: str = "") -> _Pattern:
    return _Pattern(tool, re.compile(keys, re.IGNORECASE), re.compile(value, re.IGNORECASE))


# Fields in which programs name themselves. Captions and people's names are left out: a photograph may speak of a
# generator, and its author may be called like one.
_SOFTWARE = (
    r"^(exif:(Software|ProcessingSoftware|HostComputer)|png:(Software|Source|Creator)|xmp:CreatorTool"
    r"|xmp:.*(softwareAgent|photoshop:Credit|AISystemUsed)|iptc:(OriginatingProgram|Credit|Source)"
    r"|container:(encoder|software|tool|comment|.*software)|(video|audio):(encoder|.*software)|(jpeg|gif):comment)$"
)
_DESCRIPTION = (
    r"^(exif:(UserComment|ImageDescription)|png:(parameters|Comment|Description)|jpeg:comment"
    r"|xmp:.*(UserComment|description))$"
)

_GENERATORS = (
    _pattern("Stable Diffusion", _DESCRIPTION, r"\bSteps: \d+, .*\bSampler: .*\bSeed: \d+"),
    _pattern("ComfyUI", r"^png:(workflow|prompt)$", r'"(class_type|nodes|last_node_id)"'),
    _pattern("ComfyUI", r"^(exif:(Make|Model|ImageDescription|UserComment)|container:comment)$", r'"class_type"'),
    _pattern("InvokeAI", r"^png:(invokeai_metadata|invokeai_graph|invokeai_workflow|sd-metadata)$"),
    _pattern("NovelAI", r"^(png:(Software|Source|Title)|exif:Software)$", r"\bnovelai\b"),
    _pattern("Fooocus", r"^png:fooocus_scheme$"),
    _pattern("Fooocus", _SOFTWARE, r"\bfooocus\b"),
    _pattern("SwarmUI", _DESCRIPTION, r'"sui_image_params"'),
    _pattern("Draw Things", _SOFTWARE, r"^Draw Things\b"),
    _pattern("Midjourney", _DESCRIPTION, r"\bJob ID: [0-9a-f-]{36}"),
    _pattern("Midjourney", _SOFTWARE + r"|^png:Author$", r"\bmidjourney\b"),
    _pattern("OpenAI (DALL-E, ChatGPT, Sora)", _SOFTWARE, r"\b(openai|dall[-·. ]?e|chatgpt|gpt-?image)\b"),
    _pattern("Google AI (Gemini, Imagen, Veo)", _SOFTWARE, r"made with google ai|\bgoogle (gemini|imagen|veo)\b"),
    _pattern("Adobe Firefly", _SOFTWARE, r"\badobe[ _]firefly\b"),
    _pattern("Bing Image Creator", _SOFTWARE, r"\bbing image creator\b|\bmicrosoft designer\b"),
    _pattern("Meta AI", _SOFTWARE, r"\b(made|imagined) with ai\b|\bmeta ai\b"),
    _pattern("Leonardo.Ai", _SOFTWARE, r"\bleonardo\.?ai\b"),
    _pattern("Ideogram", _SOFTWARE, r"\bideogram([. ]ai)\b"),
    _pattern("Black Forest Labs FLUX", _SOFTWARE, r"\bblack forest labs\b"),
    _pattern("Stability AI", _SOFTWARE, r"\bstability[ .]?ai\b|\bdreamstudio\b"),
    _pattern("Runway", _SOFTWARE, r"\brunwayml\b"),
    _pattern("Kling", _SOFTWARE, r"\bkling ?ai\b"),
    _pattern("Pika", _SOFTWARE, r"\bpika labs\b"),
    _pattern("Synthesia", _SOFTWARE, r"\bsynthesia\b"),
    _pattern("HeyGen", _SOFTWARE, r"\bheygen\b"),
    _pattern("ElevenLabs", _SOFTWARE, r"\belevenlabs\b"),
    _pattern("Suno", _SOFTWARE, r"\bmade with suno\b"),
)

_EDITORS = re.compile(
    r"\b(Adobe (Photoshop|Lightroom|Premiere|After Effects|Illustrator|Express|Media Encoder|Audition)|Photoshop"
    r"|GIMP|FaceApp|Facetune|Reface|FaceSwap|DeepFaceLab|FaceFusion|roop|CapCut|InShot|VSCO|Snapseed|PicsArt|Canva"
    r"|Meitu|BeautyPlus|Remini|Pixelmator|Affinity|Final Cut|iMovie|DaVinci Resolve|KineMaster|Kdenlive|Shotcut"
    r"|OpenShot|Filmora|Movavi|HandBrake|Audacity|darktable|RawTherapee|Capture One|Topaz|Luminar|PhotoScape"
    r"|paint\.net|ImageMagick|Lavf|Lavc|x264|x265|LAME|Picasa|Snapchat|TikTok|WhatsApp)(?![a-z])[^;,\"{}]{0,40}",
    re.IGNORECASE,
)


def generator_traces(metadata: Mapping[str, str]) -> tuple[Trace, ...]:
    """What in ``metadata`` points to a generator, at most one trace for each key and tool."""
    found: dict[tuple[str, str], Trace] = {}
    for key, value in metadata.items():
        for pattern in _GENERATORS:
            if pattern.keys.search(key) and pattern.value.search(value):
                found.setdefault((key, pattern.tool), Trace(key, pattern.tool, clean(value, _EXCERPT)))
    return tuple(found.values())


def editing_tools(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Editors and encoders that name themselves in software fields, as they wrote it."""
    names: dict[str, None] = {}
    for key, value in metadata.items():
        if re.search(_SOFTWARE, key, re.IGNORECASE):
            for match in _EDITORS.finditer(value):
                names[clean(match.group(0), 80)] = None
    return tuple(names)


def declared_source_types(metadata: Mapping[str, str]) -> Iterator[str]:
    """Codes of IPTC's Digital Source Type in XMP, the last part of their address."""
    for key, value in metadata.items():
        if key.lower().endswith("digitalsourcetype"):
            for part in value.split(";"):
                yield part.strip().rstrip("/").rsplit("/", 1)[-1]
