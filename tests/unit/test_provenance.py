"""Content Credentials, source types and traces: read from real files, offline, and never more than a claim."""

from __future__ import annotations

import http.server
import io
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from make_media import picture
from PIL import Image, PngImagePlugin

from deepfake_detect.checkpoints import WeightStore
from deepfake_detect.detect.base import Facts, Refusal
from deepfake_detect.detect.provenance import Provenance
from deepfake_detect.errors import UsageError
from deepfake_detect.findings import Reason
from deepfake_detect.ingest import open_media
from deepfake_detect.media import ContainerFacts, JsonValue

NEWSCODES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
AI, CAMERA, COMPOSITE = "trainedAlgorithmicMedia", "digitalCapture", "compositeWithTrainedAlgorithmicMedia"


class Authority:
    """A certificate authority of our own and a signer under it."""

    def __init__(self) -> None:
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = self._certificate("Test Root", root_key, "Test Root", root_key, ca=True)
        leaf = self._certificate("Test Signer", key, "Test Root", root_key, ca=False)
        self.root = root.public_bytes(serialization.Encoding.PEM).decode()
        chain = leaf.public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, private, None))

    @staticmethod
    def _certificate(
        name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, ca: bool
    ) -> x509.Certificate:
        def subject(common: str) -> x509.Name:
            return x509.Name(
                [
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Org"),
                    x509.NameAttribute(NameOID.COMMON_NAME, common),
                ]
            )

        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject(name)).issuer_name(subject(issuer)).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca, None), True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, ca, ca, False, False), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
        )  # fmt: skip
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        return builder.sign(issuer_key, hashes.SHA256())

    def sign(
        self, data: bytes, mime: str, source_type: str = AI, remote: str | None = None, ingredient: bytes | None = None
    ) -> bytes:
        """``data`` with a manifest, embedded or at ``remote``."""
        action: dict[str, Any] = {"action": "c2pa.created", "softwareAgent": {"name": "Test Generator"}}
        if source_type:
            action["digitalSourceType"] = NEWSCODES + source_type
        if ingredient:
            action = {"action": "c2pa.color_adjustments"}
        manifest = {
            "claim_generator_info": [{"name": "Test Generator", "version": "3"}],
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
        }
        builder = c2pa.Builder(manifest)
        if ingredient:
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            builder.add_ingredient(json.dumps({"relationship": "parentOf"}), mime, io.BytesIO(ingredient))
        if remote:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        signed = io.BytesIO()
        builder.sign(self.signer, mime, io.BytesIO(data), signed)
        return signed.getvalue()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def facts_of(data: bytes, trust_list: str | None = None) -> ContainerFacts:
    with open_media(data, trust_list=trust_list) as opened:
        assert opened.media.facts is not None
        return opened.media.facts


def read(data: bytes, trust_list: str | None = None) -> Mapping[str, JsonValue]:
    return facts_of(data, trust_list).provenance


def credentials(data: bytes, trust_list: str | None = None) -> Mapping[str, JsonValue]:
    found = read(data, trust_list)["c2pa"]
    assert isinstance(found, Mapping)
    return found


def jpeg(**options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def png(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_itxt(key, value) if not value.isascii() else info.add_text(key, value)
    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def xmp(attributes: str = "", body: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" '
        'xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" '
        f"{attributes}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def exif(tag: int, value: str | bytes) -> bytes:
    found = Image.Exif()
    (found.get_ifd(0x8769) if tag == 0x9286 else found)[tag] = value
    return found.tobytes()


def test_states(authority: Authority) -> None:
    plain = jpeg()
    signed = authority.sign(plain, "image/jpeg")
    tampered = bytearray(signed)
    tampered[-100] ^= 0x55
    assert credentials(plain) == {"state": "absent"}
    assert credentials(signed)["state"] == "valid_unknown_signer"
    assert credentials(signed, authority.root)["state"] == "trusted"
    assert credentials(signed, Authority().root)["state"] == "valid_unknown_signer"  # another root of the same name
    for trust_list in (None, authority.root):
        assert credentials(bytes(tampered), trust_list)["state"] == "invalid"
    assert "assertion.dataHash.mismatch" in str(credentials(bytes(tampered))["codes"])


def test_credentials_content(authority: Authority) -> None:
    found = credentials(authority.sign(jpeg(), "image/jpeg"))
    assert (found["signer"], found["issuer"], found["generator"]) == ("Test Signer", "Test Org", "Test Generator 3")
    assert found["actions"] == ("c2pa.created by Test Generator",)
    assert found["digital_source_types"] == (AI,)
    assert found["ingredients"] == 0
    assert found["codes"] == ("signingCredential.untrusted",)


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("plain.png", "image/png"), ("plain.webp", "image/webp"), ("plain.avif", "image/avif"),
        ("plain.heic", "image/heic"), ("plain.tif", "image/tiff"), ("plain.gif", "image/gif"),
        ("h264.mp4", "video/mp4"), ("hevc.mov", "video/quicktime"), ("tone.m4a", "audio/mp4"),
        ("only_sound.mp4", "video/mp4"),
        ("tone.wav", "audio/wav"), ("tone.mp3", "audio/mpeg"), ("mpeg4.avi", "video/avi"),
    ],
)  # fmt: skip
def test_every_container_that_carries_credentials(
    authority: Authority, media_folder: Path, name: str, mime: str
) -> None:
    data = (media_folder / name).read_bytes()
    assert credentials(data)["state"] == "absent"
    assert credentials(authority.sign(data, mime), authority.root)["state"] == "trusted"


def test_containers_without_credentials_are_no_error(media_folder: Path) -> None:
    for name in ("plain.bmp", "vp9.webm", "h264.mkv", "tone.ogg", "tone.amr", "tone.aac", "h263.3gp", "tone.flac"):
        with open_media(media_folder / name) as opened:
            assert opened.media.facts is not None
            assert opened.media.facts.provenance["c2pa"] == {"state": "absent"}
            assert not any("Content Credentials" in gap for gap in opened.gaps)


def test_broken_manifest_is_invalid_not_absent(authority: Authority) -> None:
    signed = bytearray(authority.sign(jpeg(), "image/jpeg"))
    at = signed.find(b"c2pa.claim")
    signed[at - 40 : at + 40] = bytes(80)
    assert credentials(bytes(signed))["state"] == "invalid"


def test_trust_list_that_is_none() -> None:
    for text in ("", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(UsageError, match="trust list"):
            open_media(jpeg(), trust_list=text)


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A loopback server that notes every request."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", seen
        running.shutdown()


def test_nothing_in_a_file_makes_it_use_the_network(authority: Authority, server: tuple[str, list[str]]) -> None:
    address, seen = server
    remote = authority.sign(jpeg(), "image/jpeg", remote=f"{address}/manifest.c2pa")
    assert credentials(remote) == {"state": "absent", "remote_manifest": f"{address}/manifest.c2pa"}
    assert credentials(remote, authority.root)["state"] == "absent"
    entity = xmp().replace(b"<x:xmpmeta", f'<!DOCTYPE x SYSTEM "{address}/x.dtd"><x:xmpmeta'.encode(), 1)
    with open_media(jpeg(xmp=entity)) as opened:
        assert "The XMP packet is damaged and was not read." in opened.gaps
    playlist = f"#EXTM3U\n#EXTINF:1,\n{address}/a.ts\n".encode()
    with pytest.raises(Exception, match="no picture, video or recording"):
        open_media(playlist)
    assert seen == []
    with pytest.raises(c2pa.C2paError):  # the file does reach out under the library's own settings: the test can fail
        c2pa.Reader("image/jpeg", io.BytesIO(remote))
    assert seen != []


def test_origin_by_signature(authority: Authority) -> None:
    for kind, origin in ((AI, "synthetic"), (COMPOSITE, "composite"), (CAMERA, "camera")):
        signed = authority.sign(jpeg(), "image/jpeg", kind)
        found = read(signed, authority.root)
        assert (found["declared_origin"], found["declared_by"]) == (origin, "signed (trusted)")
        assert found["digital_source_type"] == kind
        assert read(signed)["declared_by"] == "signed (unknown signer)"


def test_broken_signature_declares_nothing(authority: Authority) -> None:
    tampered = bytearray(authority.sign(jpeg(), "image/jpeg"))
    tampered[-100] ^= 0x55
    found = read(bytes(tampered))
    assert found["declared_origin"] is None and found["declared_by"] is None and found["generator"] is None


def test_synthetic_ingredient_makes_a_composite(authority: Authority) -> None:
    parent = authority.sign(jpeg(), "image/jpeg", AI)
    found = read(authority.sign(jpeg(quality=60), "image/jpeg", "", ingredient=parent))
    assert found["declared_origin"] == "composite"
    assert isinstance(found["c2pa"], Mapping) and found["c2pa"]["ingredient_source_types"] == (AI,)


@pytest.mark.parametrize(
    ("kind", "origin"),
    [(AI, "synthetic"), (COMPOSITE, "composite"), (CAMERA, "camera"), ("screenCapture", None), ("humanEdits", None)],
)
def test_digital_source_type_in_xmp(kind: str, origin: str | None) -> None:
    as_attribute = xmp(f'Iptc4xmpExt:DigitalSourceType="{NEWSCODES}{kind}"')
    as_element = xmp(body=f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{NEWSCODES}{kind}"/>')
    for packet in (as_attribute, as_element):
        for data in (jpeg(xmp=packet), png(**{"XML:com.adobe.xmp": packet.decode()})):
            found = read(data)
            assert (found["digital_source_type"], found["declared_origin"]) == (kind, origin)
            assert found["declared_by"] == ("unsigned metadata" if origin else None)


A1111 = (
    "portrait of a woman\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"
)
TRACES = {
    "Stable Diffusion": lambda: png(parameters=A1111),
    "Stable Diffusion ": lambda: jpeg(exif=exif(0x9286, b"UNICODE\0" + A1111.encode("utf-16-be"))),
    "ComfyUI": lambda: png(prompt='{"3": {"class_type": "KSampler", "inputs": {}}}'),
    "InvokeAI": lambda: png(invokeai_metadata='{"app_version": "3.4"}'),
    "NovelAI": lambda: png(Software="NovelAI", Comment="{}"),
    "Midjourney": lambda: png(Description="a cat --v 6 Job ID: 0a1b2c3d-0000-1111-2222-333344445555"),
    "OpenAI": lambda: jpeg(exif=exif(0x0131, "OpenAI DALL-E 3")),
    "Google AI": lambda: jpeg(xmp=xmp('photoshop:Credit="Made with Google AI"')),
    "Adobe Firefly": lambda: jpeg(xmp=xmp('xmp:CreatorTool="Adobe Firefly 1.0"')),
    "SwarmUI": lambda: png(parameters='{"sui_image_params": {"prompt": "x"}}'),
}


@pytest.mark.parametrize("tool", TRACES)
def test_generator_trace(tool: str) -> None:
    found = read(TRACES[tool]())
    assert isinstance(found["generator"], str) and found["generator"].startswith(tool.strip())
    assert (found["declared_origin"], found["declared_by"]) == ("synthetic", "unsigned metadata")
    traces = found["traces"]
    assert isinstance(traces, tuple) and isinstance(traces[0], Mapping)
    assert set(traces[0]) == {"where", "tool", "excerpt"} and len(str(traces[0]["excerpt"])) <= 200


def test_a_photograph_that_speaks_of_a_generator_is_no_trace() -> None:
    for data in (
        jpeg(exif=exif(0x010E, "The stand of OpenAI at the fair, next to Midjourney's")),
        jpeg(exif=exif(0x013B, "Sora Suno")),
        jpeg(exif=exif(0x0131, "Adobe Photoshop 25.0")),
        png(Title="prompt", Comment="parameters of the lens"),
    ):
        found = read(data)
        assert found["traces"] == () and found["generator"] is None and found["declared_origin"] is None


def test_editing_tools(media_folder: Path, tmp_path: Path) -> None:
    assert read(jpeg(exif=exif(0x0131, "Adobe Photoshop 25.0 (Windows)")))["editing_tools"] == (
        "Adobe Photoshop 25.0 (Windows)",
    )
    event = '<rdf:li stEvt:action="saved" stEvt:softwareAgent="GIMP 2.10"/>'
    history = f"<xmpMM:History><rdf:Seq>{event}</rdf:Seq></xmpMM:History>"
    assert read(jpeg(xmp=xmp(body=history)))["editing_tools"] == ("GIMP 2.10",)
    tagged = tmp_path / "tagged.mp4"
    subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            media_folder / "h264.mp4",
            "-c",
            "copy",
            "-metadata",
            "comment=CapCut 4.1",
            tagged,
        ],
        check=True,
    )
    tools = read(tagged.read_bytes())["editing_tools"]
    assert isinstance(tools, tuple) and "CapCut 4.1" in tools and any(str(t).startswith("Lavf") for t in tools)


def test_metadata_is_namespaced_bounded_and_clean() -> None:
    hostile = "<script>alert(1)</script>\x1b[31m\u202egnp.exe\x00" + "A" * 10_000
    facts = facts_of(png(Comment=hostile, Title="Hồ Gươm"))
    value = facts.metadata["png:Comment"]
    assert len(value) <= 4096 and value.isprintable() and "\u202e" not in value
    assert facts.metadata["png:Title"] == "Hồ Gươm"
    facts = facts_of(jpeg(exif=exif(0x0131, "Tool 1"), comment=b"made by hand", xmp=xmp('xmp:CreatorTool="Tool 2"')))
    assert facts.metadata["exif:Software"] == "Tool 1"
    assert facts.metadata["jpeg:comment"] == "made by hand"
    assert facts.metadata["xmp:CreatorTool"] == "Tool 2"
    with open_media(png(**{f"key{i}": "x" for i in range(600)})) as opened:
        assert opened.media.facts is not None and len(opened.media.facts.metadata) == 512
        assert "Only the first 512 entries of metadata were read." in opened.gaps


def test_xml_bombs_are_refused() -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "x" * 10}">' for i in range(10))
    bomb = xmp(body="&e9;").replace(b"<x:xmpmeta", f"<!DOCTYPE x [{entities}]><x:xmpmeta".encode(), 1)
    with open_media(jpeg(xmp=bomb)) as opened:
        assert "The XMP packet is damaged and was not read." in opened.gaps


def test_detector(authority: Authority) -> None:
    detector = Provenance()
    assert detector.card.content is False and detector.card.weights == ()
    assert detector.load(WeightStore.__new__(WeightStore), "cuda") == "cpu"
    plain, signed, made = (
        facts_of(jpeg()),
        facts_of(authority.sign(jpeg(), "image/jpeg")),
        facts_of(png(parameters=A1111)),
    )
    refusal, first, second = detector.score([plain, signed, made])
    assert isinstance(refusal, Refusal) and refusal.reason is Reason.UNSUPPORTED
    assert isinstance(first, Facts) and first.facts == signed.provenance
    assert isinstance(second, Facts) and second.facts["generator"] == "Stable Diffusion"
