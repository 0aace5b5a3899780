"""Sound as a phone line, a messenger or another room would deliver it: arrays in, arrays out.

Every channel takes and gives mono float32 at 16 kHz in [-1, 1] with the same number of samples, aligned in time to
within one codec frame, so that known times of a splice stay known. `rng` draws what the channel leaves open (bit rate,
noise, room); the same generator state gives the same result. Encoders are those of PyAV's and soundfile's libraries;
there is no AMR-WB encoder among them, so AMR-WB is not covered.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .decode import decode_sound

SAMPLE_RATE = 16_000
Sound = NDArray[np.float32]
Rng = np.random.Generator
Transform = Callable[[Sound, Rng], Sound]


@dataclass(frozen=True, slots=True)
class Channel:
    """A named way of delivery; `band_hz` is the highest frequency that survives it."""

    name: str
    apply: Transform
    band_hz: int = 8_000

    def __call__(self, samples: Sound, rng: Rng) -> Sound:
        """Returns float32 of the length of `samples`. Raises ValueError for another type or an empty array."""
        if samples.dtype != np.float32 or samples.ndim != 1 or not samples.size:
            raise ValueError(f"a channel wants float32 (n,), not {samples.dtype} {samples.shape}")
        return _fit(self.apply(samples, rng), samples.size)


def _sound(values: Any) -> Sound:
    return np.asarray(values, np.float32)


def _fit(samples: NDArray[Any], size: int) -> Sound:
    samples = samples[:size]
    return _sound(np.pad(samples, (0, size - samples.size)))


def resample(samples: Sound, source: int, target: int) -> Sound:
    """Polyphase resampling between two rates in Hz."""
    from scipy.signal import resample_poly

    if source == target:
        return samples
    factor = np.gcd(source, target)
    return _sound(resample_poly(samples, target // factor, source // factor))


# --- codecs -------------------------------------------------------------------------------------------------------


def _encode(samples: Sound, codec: str, container: str, rate: int, bit_rate: int | None, **options: str) -> bytes:
    """16 kHz samples -> a whole file in memory, resampled to `rate` Hz first."""
    import av

    sound = resample(samples, SAMPLE_RATE, rate)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=rate, options=options)
        stream.layout = "mono"
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(_pcm16(sound)[None], format="s16", layout="mono")
        frame.sample_rate = rate
        frame.pts = 0
        # The encoder names the sample format and frame size that it takes.
        shape = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=rate, frame_size=_frame_size(codec, rate)
        )
        for part in [*shape.resample(frame), *shape.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def _frame_size(codec: str, rate: int) -> int:
    mp3 = 1152 if rate >= 32_000 else 576
    return {"libopus": rate // 50, "libopencore_amrnb": 160, "libmp3lame": mp3, "aac": 1024}[codec]


def _pcm16(samples: Sound) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.rint(samples * 32767.0), -32768, 32767), np.int16)


def _codec(codec: str, container: str, rates: tuple[int, ...], bit_rates: tuple[int, ...]) -> Transform:
    def apply(samples: Sound, rng: Rng) -> Sound:
        rate, bit_rate = int(rng.choice(rates)), int(rng.choice(bit_rates))
        options = {"application": str(rng.choice(["voip", "audio"]))} if codec == "libopus" else {}
        decoded, decoded_rate = decode_sound(_encode(samples, codec, container, rate, bit_rate, **options))
        return resample(decoded, decoded_rate, SAMPLE_RATE)

    return apply


def _g711(samples: Sound, rng: Rng) -> Sound:
    """ITU-T G.711 A-law or mu-law at 8 kHz, band-limited to the telephone band."""
    law = _mu_law if rng.random() < 0.5 else _a_law
    return resample(law(telephone_band(resample(samples, SAMPLE_RATE, 8_000))), 8_000, SAMPLE_RATE)


def telephone_band(samples: Sound) -> Sound:
    """300-3400 Hz at 8 kHz (ITU-T G.712), fourth order."""
    from scipy.signal import butter, sosfilt

    return _sound(sosfilt(butter(4, [300, 3400], "bandpass", fs=8_000, output="sos"), samples))


def _mu_law(samples: Sound) -> Sound:
    size = np.log1p(255.0 * np.minimum(np.abs(samples), 1.0)) / np.log(256.0)
    size = np.rint(size * 127.0) / 127.0
    return _sound(np.sign(samples) * np.expm1(size * np.log(256.0)) / 255.0)


def _a_law(samples: Sound) -> Sound:
    scale = 1.0 + np.log(87.6)
    size = np.minimum(np.abs(samples), 1.0)
    size = np.where(size < 1 / 87.6, 87.6 * size, 1.0 + np.log(np.maximum(87.6 * size, 1.0))) / scale
    size = np.rint(size * 127.0) / 127.0 * scale
    size = np.where(size < 1.0, size, np.exp(size - 1.0)) / 87.6
    return _sound(np.sign(samples) * size)


def _gsm(samples: Sound, rng: Rng) -> Sound:
    """GSM 06.10 full rate (13 kbit/s) at 8 kHz."""
    import soundfile  # type: ignore[import-untyped]

    buffer = io.BytesIO()
    narrow = telephone_band(resample(samples, SAMPLE_RATE, 8_000))
    soundfile.write(buffer, _pcm16(narrow), 8_000, subtype="GSM610", format="WAV")
    decoded, rate = decode_sound(buffer.getvalue())
    return resample(decoded, rate, SAMPLE_RATE)


def _narrow_band(samples: Sound, rng: Rng) -> Sound:
    return resample(resample(samples, SAMPLE_RATE, 8_000), 8_000, SAMPLE_RATE)


def packet_loss(samples: Sound, rng: Rng) -> Sound:
    """2-15 % of 20 ms packets lost in bursts (Gilbert model), concealed by fading repeats of the last one."""
    frame, rate, burst = SAMPLE_RATE // 50, rng.uniform(0.02, 0.15), rng.uniform(1.0, 3.0)
    result, lost, run = samples.copy(), False, 0
    for start in range(frame, samples.size - frame, frame):
        lost = rng.random() < (1.0 - 1.0 / burst if lost else rate / (burst * (1.0 - rate)))
        run = run + 1 if lost else 0
        if lost:
            result[start : start + frame] = result[start - frame : start] * np.float32(0.7 if run < 4 else 0.0)
    return result


# --- what happens before the codec --------------------------------------------------------------------------------


def noise(samples: Sound, rng: Rng) -> Sound:
    """White, pink or brown noise, or mains hum, at 5-25 dB below the sound's mean power."""
    spectrum = rng.standard_normal(samples.size // 2 + 1) + 1j * rng.standard_normal(samples.size // 2 + 1)
    frequency = np.fft.rfftfreq(samples.size, 1 / SAMPLE_RATE)
    kind = rng.choice(["white", "pink", "brown", "hum"])
    if kind == "hum":
        mains = float(rng.choice([50.0, 60.0]))
        spectrum *= sum(np.exp(-(((frequency - mains * k) / 2.0) ** 2)) / k for k in range(1, 9)) + 1e-3
    else:
        slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[str(kind)]
        spectrum /= np.maximum(frequency, 50.0) ** slope
    added = np.fft.irfft(spectrum, samples.size)
    level = np.sqrt(np.mean(np.square(samples)) + 1e-10) * 10 ** (-rng.uniform(5.0, 25.0) / 20.0)
    return _sound(samples + added * level / (np.sqrt(np.mean(np.square(added))) + 1e-12))


def room(samples: Sound, rng: Rng) -> Sound:
    """Synthetic room: direct sound, early reflections and a decaying tail (RT60 0.15-0.7 s)."""
    from scipy.signal import fftconvolve

    decay = rng.uniform(0.15, 0.7)
    time = np.arange(int(decay * SAMPLE_RATE)) / SAMPLE_RATE
    response = rng.standard_normal(time.size) * 10 ** (-3.0 * time / decay) * rng.uniform(0.02, 0.12)
    response[: int(0.005 * SAMPLE_RATE)] = 0.0
    response[0] = 1.0
    for _ in range(4):
        response[int(rng.uniform(0.002, 0.03) * SAMPLE_RATE)] += rng.uniform(-0.5, 0.5)
    wet: NDArray[Any] = fftconvolve(samples, response)[: samples.size]
    return _same_level(wet, samples)


def _same_level(changed: NDArray[Any], samples: Sound) -> Sound:
    ratio = np.sqrt((np.mean(np.square(samples)) + 1e-12) / (np.mean(np.square(changed)) + 1e-12))
    return _sound(changed * ratio)


def speaker_and_microphone(samples: Sound, rng: Rng) -> Sound:
    """Played by a small loudspeaker (150-400 Hz up to 5-7.5 kHz, soft clipping), recorded in a room with noise."""
    from scipy.signal import butter, sosfilt

    edges = [rng.uniform(150.0, 400.0), rng.uniform(5_000.0, 7_500.0)]
    played = sosfilt(butter(2, edges, "bandpass", fs=SAMPLE_RATE, output="sos"), samples)
    drive = rng.uniform(1.0, 4.0)
    return noise(room(_same_level(np.tanh(drive * played), samples), rng), rng)


def speed(samples: Sound, rng: Rng) -> Sound:
    """Played 0.9-1.1 times as fast, pitch included; silent at the end where it became shorter."""
    rate = int(rng.integers(90, 111)) * 160
    return _fit(resample(samples, rate, SAMPLE_RATE), samples.size)


def clipping(samples: Sound, rng: Rng) -> Sound:
    """Overdriven so that the loudest 0.1-5 % of the samples are cut off."""
    ceiling = max(float(np.quantile(np.abs(samples), 1.0 - rng.uniform(0.001, 0.05))), 1e-4)
    clipped = np.clip(samples, -ceiling, ceiling) / ceiling * rng.uniform(0.5, 0.99)
    return _sound(clipped)


def chain(*steps: Transform) -> Transform:
    """One transform after the other."""

    def apply(samples: Sound, rng: Rng) -> Sound:
        size = samples.size
        for step in steps:
            samples = _fit(step(samples, rng), size)
        return samples

    return apply


_opus = _codec("libopus", "ogg", (16_000,), (12_000, 16_000, 24_000, 32_000))
_amr = _codec("libopencore_amrnb", "amr", (8_000,), (4_750, 5_900, 6_700, 7_950, 10_200, 12_200))

CHANNELS: dict[str, Channel] = {
    channel.name: channel
    for channel in (
        Channel("clean", lambda samples, rng: samples),
        Channel("mp3_64k", _codec("libmp3lame", "mp3", (16_000, 44_100), (64_000,))),
        Channel("aac", _codec("aac", "ipod", (16_000,), (24_000, 32_000, 48_000))),
        Channel("opus", _opus),
        Channel("amr_nb", _amr, 4_000),
        Channel("g711", _g711, 4_000),
        Channel("gsm", _gsm, 4_000),
        Channel("8khz", _narrow_band, 4_000),
        Channel("packet_loss", chain(_opus, packet_loss)),
        Channel("noise", noise),
        Channel("room", room),
        Channel("speed", speed),
        Channel("clipping", clipping),
        Channel("rerecorded", speaker_and_microphone),
        Channel("phone_call", chain(noise, _amr, packet_loss), 4_000),
        Channel("voice_note", chain(room, noise, _opus)),
    )
}
"""Fixed channels by name; benchmarks report each, the robustness test uses the same."""

MESSENGER = ("mp3_64k", "aac", "opus", "packet_loss", "voice_note")
TELEPHONE = ("amr_nb", "g711", "gsm", "8khz", "phone_call")
"""The conditions that "telephone and messenger" means in every reported figure."""

ACOUSTIC = ("noise", "room", "speed", "clipping", "rerecorded")
"""What happens to sound before it is delivered."""

_DELIVERY = ("clean", "clean", "mp3_64k", "aac", "opus", "amr_nb", "g711", "gsm", "8khz", "packet_loss")


def random_channel(rng: Rng) -> Channel:
    """For training: up to two acoustic changes, then one delivery, drawn alike whatever the label."""
    count = int(rng.choice([0, 1, 1, 2]))
    picked = [CHANNELS[ACOUSTIC[index]].apply for index in rng.choice(len(ACOUSTIC), size=count, replace=False)]
    last = CHANNELS[_DELIVERY[int(rng.integers(len(_DELIVERY)))]]
    return Channel("random", chain(*picked, last.apply), last.band_hz)
