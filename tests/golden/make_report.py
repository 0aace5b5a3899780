"""Reports for the tests: a realistic one with every kind of content, and one whose every text attacks.

``python tests/golden/make_report.py`` writes ``face.png`` (the face of scikit-image's astronaut photograph: Eileen
Collins, NASA, public domain) and ``report.json`` anew; the tests only read them.
"""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detect.explain.images import evidence_image
from deepfake_detect.findings import (
    Abstention,
    Delivery,
    DetectorRecord,
    Evidence,
    EvidenceImage,
    Failure,
    Finding,
    Label,
    Proposition,
    Reason,
    Report,
    RunRecord,
    Subject,
    Verdict,
    WeightRecord,
)
from deepfake_detect.media import ContainerFacts, JpegTables, MediaFile, MediaKind, Region, Span, StreamFacts

_PROVENANCE = {
    "c2pa": {"state": "absent"},
    "digital_source_type": None,
    "declared_origin": None,
    "declared_by": None,
    "generator": None,
    "traces": (),
    "editing_tools": ("CapCut 11.2", "Lavf60.16.100"),
}
HERE = Path(__file__).parent
FACE = Proposition(
    "the face of this person was manipulated", "the face of this person was not manipulated", Label.MANIPULATED
)
VOICE = Proposition("this speech was synthesised", "this speech was spoken by a person", Label.SYNTHETIC)
IMAGE = Proposition("the picture was generated", "the picture was recorded by a camera", Label.SYNTHETIC)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "{{ 7 * 7 }}",
    "</style><script>alert(2)</script>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "a;=1+1",
    "\x1b[31mred\x1b[0m\x1b]0;owned\x07",
    "invoice\u202egpj.exe",
    "two\nlines\r\nmore",
    "zero\u200bwidth",
    "C1 \x9b31m",
    "lone \udcff surrogate",
    "url(http://198.51.100.7/x)",
    "javascript:alert(3)",
    "x" * 5000,
)


def face_pixels() -> NDArray[np.uint8]:
    """The astronaut's face, uint8 (160, 160, 3)."""
    return np.asarray(Image.open(HERE / "face.png").convert("RGB"))


def _crops() -> tuple[Evidence, ...]:
    face = face_pixels()
    crops = []
    for i, time in enumerate((0.4, 1.64, 3.2, 5.08, 6.72, 8.4)):
        moved = np.roll(face, (3 * i - 8, 2 * i - 5), (0, 1))[10:150, 10:150]
        lit = np.clip(moved * (0.8 + 0.06 * i), 0, 255).astype(np.uint8)
        image = evidence_image(np.ascontiguousarray(lit))
        crops.append(Evidence("crop", "", Span(time, time), Region(412 + 2 * i, 96, 280, 280), (), image))
    return tuple(crops)


def _maps() -> tuple[Evidence, ...]:
    face = face_pixels().astype(float)
    y, x = np.mgrid[0:160, 0:160]
    maps = []
    for time, cx, cy in ((1.64, 78, 112), (5.08, 60, 64)):
        heat = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 900)[..., None]
        overlay = face * (1 - 0.6 * heat) + np.array([213.0, 94.0, 0.0]) * 0.6 * heat
        image = evidence_image(overlay.astype(np.uint8))
        maps.append(
            Evidence("map", "sensitivity of the score to each part of the face", Span(time, time), None, (), image)
        )
    return tuple(maps)


def _timeline(end: float, n: int, seed: int, caption: str) -> Evidence:
    rng = np.random.default_rng(seed)
    times = np.linspace(0.2, end - 0.2, n)
    scores = 0.3 + 0.5 / (1 + np.exp(-(times - 0.55 * end) * 2.5)) + rng.normal(0, 0.03, n)
    values = tuple((round(float(t), 2), round(float(s), 4)) for t, s in zip(times, scores, strict=True))
    return Evidence("timeline", caption, Span(0.0, end), None, values, threshold=0.6)


def _media() -> MediaFile:
    video = StreamFacts(
        "video", "h264", "High", 1280, 720, "yuv420p", 8, 90, 29.97, True, bit_rate=2_140_000, seconds=9.02, frames=270
    )
    audio = StreamFacts("audio", "aac", "LC", sample_rate=44_100, channels=2, bit_rate=128_000, seconds=9.0)
    facts = ContainerFacts(
        "mov,mp4,m4a,3gp,3g2,mj2",
        "video/mp4",
        720,
        1280,
        9.02,
        270,
        streams=(video, audio),
        metadata={
            "container:encoder": "Lavf60.16.100",
            "container:creation_time": "2026-03-02T10:11:12Z",
            "xmp:CreatorTool": "CapCut 11.2",
        },
        provenance=_PROVENANCE,
    )
    path = "/evidence/2026-117/Điện thoại của Nguyễn Thị Hường/quay màn hình.mp4"
    return MediaFile(path, "5b" * 32, "0c" * 16, "9f" * 20, 2_563_110, MediaKind.VIDEO, facts)


def _detectors() -> tuple[DetectorRecord, ...]:
    rates = {
        "face at least 96 px, lightly compressed": {
            "equal_error_rate": 0.112,
            "equal_error_rate_interval_95": (0.094, 0.131),
            "auc": 0.951,
            "n_real": 1204,
            "n_manipulated": 1180,
            "not_measured": ("skin tone", "sex", "age"),
        }
    }
    face = DetectorRecord(
        "face-manipulation",
        "1.0.0",
        "cpu (onnxruntime 1.30)",
        False,
        "",
        "built-in",
        False,
        (
            WeightRecord("clip-vit-b32-block8", "1.0.0", "a1" * 32, "shipped"),
            WeightRecord("face-head", "1.0.0", "b2" * 32, "shipped"),
        ),
        ("trained on swaps and reenactments; lip synchronisation alone is often missed",),
        rates,
        (-0.5, 1.0),
        explanations={"map": {"command": "x", "rows": {"cross": {"pictures": 124, "pixel_auc": 0.881}}}},
    )
    voice = DetectorRecord(
        "synthetic-voice",
        "1.0.0",
        "cpu (onnxruntime 1.30)",
        True,
        "its equal error rate on unseen synthesisers exceeds 20 %",
        "built-in",
        True,
        (WeightRecord("whisper-tiny-block3", "1.0.0", "c3" * 32, "shipped"),),
        (),
        {},
    )
    provenance = DetectorRecord("provenance", "1.0.0", "none", False, "", "built-in", True, ())
    return face, voice, provenance


def _run() -> RunRecord:
    return RunRecord(
        "2f6b1c3e-7d10-4a53-9a1f-0d6a2c9e8b44",
        "0.1.0",
        "2026-11-25T03:32:00Z",
        14.27,
        "d4" * 32,
        "cpu",
        _detectors(),
        (WeightRecord("mtcnn-pnet", "2.5.3", "e5" * 32, "shipped"),),
        {
            "fps": None,
            "max_frames": 32,
            "plugins": True,
            "detectors": ("face-manipulation", "synthetic-voice", "provenance"),
        },
        {"torch": "2.14.1", "onnxruntime": "1.30.0", "av": "18.0.0"},
        "Linux 6.1 x86_64, Python 3.11.7",
        ("evidence opened read-only", "no network"),
        (),
    )


def _voice_window(i: int, score: float, llr: float) -> Finding:
    span = Span(3.0 * i, 3.0 * i + 3.0)
    return Finding("synthetic-voice", "voice", score, llr, VOICE, True, None, span, None, "speech, wide band")


def make_report() -> Report:
    """A video of one person with sound: one line that decides, one experimental line that disagrees, facts,
    abstentions and gaps.
    """
    condition = "face at least 96 px, lightly compressed"
    findings = (
        Finding(
            "face-manipulation",
            "person-1",
            0.873,
            1.62,
            FACE,
            False,
            Region(412, 96, 280, 280),
            Span(0.4, 8.4),
            (1.2, 1.9),
            condition,
            {"face_px": 212.0, "sightings": 29},
            (_timeline(9.0, 29, 1, "one score for each sighting"), *_maps()),
            (
                Delivery("as_received", 0.861, 1.58),
                Delivery("h264-crf32", 0.402, 0.31),
                Delivery("screenshot", 0.840, 1.49),
                Delivery("messenger480", None, None, Reason.TOO_SMALL),
            ),
        ),
        Finding(
            "face-manipulation", "person-2", 0.21, -0.58, FACE, False, None, Span(2.0, 4.5), (-0.9, -0.2), condition
        ),
        Finding(
            "provenance",
            "file",
            None,
            None,
            None,
            False,
            facts=_PROVENANCE,
        ),
        *(_voice_window(i, score, llr) for i, (score, llr) in enumerate(((-2.41, -1.13), (-1.2, -0.7), (-1.9, -0.95)))),
    )
    verdict = Verdict(
        Label.MANIPULATED,
        1.32,
        (0.9, 1.6),
        ("face-manipulation on person-1 lies above its threshold",),
        ("face-manipulation on person-1 supports manipulated while synthetic-voice on voice supports the opposite",),
    )
    abstentions = (
        Abstention("face-manipulation", "person-3", Reason.TOO_SMALL, "the face is 31 pixels wide, 64 are needed"),
        Abstention(
            "synthetic-image", "picture", Reason.OUT_OF_DOMAIN, "no calibration for H.264 video below 0.05 bit a pixel"
        ),
    )
    subjects = (
        Subject("person-1", "person", Span(0.4, 8.4), _crops()),
        Subject("person-2", "person", Span(2.0, 4.5), _crops()[:2]),
        Subject("voice", "voice", Span(0.3, 8.8)),
    )
    gaps = ("the last 0.3 s of the video are damaged and were not decoded",)
    return Report(_media(), findings, abstentions, verdict, _run(), subjects, gaps)


def make_clean_report() -> Report:
    """A JPEG in which nothing was found."""
    report = make_report()
    facts = ContainerFacts("JPEG", "image/jpeg", 512, 512, orientation=1, jpeg=JpegTables(((1,) * 64, (2,) * 64), 92))
    media = MediaFile("astronaut.jpg", "6c" * 32, "1d" * 16, "8e" * 20, 81_220, MediaKind.IMAGE, facts)
    finding = replace(report.findings[1], subject="person-1", span=None, evidence=_maps()[:1])
    verdict = Verdict(
        Label.NO_MANIPULATION_FOUND, -0.58, (-0.9, -0.2), ("face-manipulation on person-1 lies below its threshold",)
    )
    crop = replace(_crops()[0], span=None)
    return Report(
        media, (finding,), report.abstentions[1:], verdict, report.run, (Subject("person-1", "person", None, (crop,)),)
    )


def make_hostile_report() -> Report:
    """The realistic report with an attack in every text that media, plug-ins or a forged JSON could carry."""
    report = make_report()
    attack = "".join(HOSTILE[:16])
    facts = replace(
        report.media.facts, format=attack, mime=attack, metadata={f"exif:{text[:300]}": text for text in HOSTILE}
    )
    stream = replace(facts.streams[0], codec=attack, profile=attack, pixel_format=attack)
    media = replace(report.media, path=attack, facts=replace(facts, streams=(stream,)))
    evidence = (
        Evidence("crop", attack, Span(0.0, 1.0), None, (), EvidenceImage(attack, 10, 10, b"<script>alert(4)</script>")),
        Evidence("timeline", attack, None, None, ((0.0, 1e300), (1e9, -1e300))),
        Evidence("note", attack),
    )
    proposition = Proposition(attack, attack, Label.SYNTHETIC)
    lines = [
        replace(
            f,
            detector=attack,
            subject=attack,
            condition=attack,
            evidence=evidence,
            proposition=proposition,
            facts={attack: attack},
            deliveries=(Delivery(attack, 1.0, 1.0), Delivery(attack, None, None, Reason.FAILED)),
        )
        for f in report.findings
    ]
    nested: Any = attack
    for _ in range(30):
        nested = {attack: (nested, attack)}
    provenance = replace(report.findings[2], facts={"c2pa": nested})
    verdict = replace(report.verdict, reasons=HOSTILE, conflicts=HOSTILE)
    abstention = Abstention(attack, attack, Reason.FAILED, attack)
    subject = Subject(attack, attack, None, evidence)
    record = replace(
        report.run.detectors[1],
        id=attack,
        experimental_reason=attack,
        limits=(attack,),
        error_rates={attack: {attack: attack, "re-shipped": {attack: {attack: attack}}}},
        explanations={"map": {"rows": {attack: {attack: attack}}}, attack: {"rows": {}}},
    )
    run = replace(
        report.run,
        detectors=(record,),
        options={attack: attack},
        packages={attack: attack},
        platform=attack,
        plugins=HOSTILE,
    )
    return Report(media, (*lines, provenance), (abstention,), verdict, run, (subject,), HOSTILE)


def make_failure() -> Failure:
    """A file that could not be decoded."""
    return Failure(
        "/evidence/2026-117/ghi âm.m4a",
        Reason.FAILED,
        "the file ends after 12 of 48,112 bytes",
        "Copy it again from the device.",
        "7e" * 32,
    )


def main() -> None:
    """Write the committed files anew."""
    from skimage.data import astronaut

    buffer = io.BytesIO()
    Image.fromarray(astronaut()[10:210, 125:325]).resize((160, 160), Image.Resampling.LANCZOS).save(buffer, "PNG")
    (HERE / "face.png").write_bytes(buffer.getvalue())
    (HERE / "report.json").write_text(make_report().to_json(indent=2) + "\n", encoding="ascii")
    sys.stdout.write(f"wrote {HERE}\n")


if __name__ == "__main__":
    main()
