"""Measures, conditions and re-shippings in words. A name that is not known here is shown as the calibration file has
it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..findings import AS_RECEIVED
from .language import N_, Gettext, plain
from .text import safe_text

_NAMES: Mapping[str, str] = {
    # re-shippings and channels
    AS_RECEIVED: N_("as received, the same pieces"),
    "clean": N_("as received"),
    "half-jpeg75": N_("half the size, JPEG quality 75"),
    "webp70": N_("WebP, quality 70"),
    "webp-q70": N_("WebP, quality 70"),
    "jpeg-q75": N_("JPEG, quality 75"),
    "half-jpeg-q85": N_("half the size, JPEG quality 85"),
    "h264-crf32": N_("video compression H.264, CRF 32"),
    "screenshot": N_("screenshot: shown at 80 %, saved without loss"),
    "messenger480": N_("messenger: long side 480 pixels, JPEG quality 70"),
    "small-face": N_("faces of about 74 pixels, JPEG quality 90"),
    "imitated-portrait-blur": N_("portrait blur, imitated by a script"),
    "imitated-beauty-filter": N_("beauty filter, imitated by a script"),
    "imitated-sticker": N_("sticker and text, imitated by a script"),
    "imitated-night-mode": N_("night mode, imitated by a script"),
    "imitated-ai-upscaling": N_("AI upscaling, imitated by a script"),
    "imitated-video-call": N_("video call, imitated by a script"),
    "imitated-print-scan": N_("scanned print, imitated by a script"),
    "mp3_64k": N_("MP3, 64 kbit/s"),
    "opus": N_("voice note: Opus"),
    "8khz": N_("telephone band: 8 kHz"),
    # conditions
    "clean and re-shipped together": N_("as received and re-shipped together"),
    "narrow band": N_("narrow band, as on a telephone"),
    "wide band": N_("wide band"),
    "faces of 100 pixels and more": N_("faces of 100 pixels and more"),
    "faces under 100 pixels": N_("faces under 100 pixels"),
    "crisp": N_("crisp picture"),
    "soft": N_("soft or blurred picture"),
    "one piece": N_("one piece of a picture"),
    "several pieces": N_("several pieces of a picture"),
    "wide band, quiet": N_("wide band, quiet"),
    "wide band, noisy or reverberant": N_("wide band, noisy or with echo"),
    "any": N_("any picture"),
    # measures
    "matching_pairs": N_("pairs measured that share content"),
    "non_matching_pairs": N_("pairs measured that do not, picked by the search as alike"),
    "false_match_rate": N_("share of these that were matched"),
    "missed_match_rate": N_("share of pairs that share content and were missed"),
    "method": N_("curve"),
    "platt": N_("logistic (Platt)"),
    "logistic, bounded by ELUB": N_("logistic, bounded by its data (ELUB)"),
    "n_real": N_("genuine samples measured"),
    "n_synthetic": N_("synthetic or manipulated samples measured"),
    "auc": N_("AUC: 1 is perfect, 0.5 is chance"),
    "auc_ci95": N_("AUC, 95 % interval"),
    "worst_fold": N_("worst group of sources left out of training"),
    "worst_auc": N_("AUC on the worst group left out"),
    "matched_auc": N_("AUC on pairs from the same source"),
    "eer": N_("equal error rate"),
    "eer_mean_of_folds": N_("equal error rate, mean of the groups left out"),
    "eer_worst_fold": N_("equal error rate, worst group left out"),
    "eer_by_fold": N_("equal error rate by group left out"),
    "cllr": N_("Cllr: 0 is perfect, 1 says nothing"),
    "coverage": N_("share that was answered"),
    "false_alarm_at_upper": N_("genuine samples above the upper threshold"),
    "false_alarms_at_upper": N_("genuine samples above the upper threshold"),
    "detection_at_upper": N_("synthetic or manipulated samples above it"),
    "detected_at_upper": N_("synthetic or manipulated samples above it"),
    "missed_below_lower": N_("synthetic or manipulated samples below the lower threshold"),
    "real_below_lower": N_("genuine samples below it"),
    "detection_at_false_alarms": N_("share found, at these shares of false alarms"),
    "re-shipped": N_("after re-shipping"),
    "measured beside": N_("measured beside, no part of the curve"),
    # what a sample is like
    "face_px": N_("size of the face in pixels"),
    "short_side": N_("short side in pixels"),
    "distance": N_("distance from what the test was trained on"),
    "detail": N_("sharpness"),
    "flat": N_("share of the picture in flat colours"),
    "blockiness": N_("blocks of compression"),
    "turn": N_("turn of the head to the side"),
    "nod": N_("turn of the head up or down"),
    "tilt": N_("tilt of the head in degrees"),
    "covered": N_("share of the face that something covers"),
    # groups of sources that were left out of training
    "reenactment": N_("re-enactment"),
    "gan": N_("pictures by GANs"),
    "classic": N_("older speech synthesis"),
    "codec": N_("neural codecs"),
    "conversion": N_("voice conversion"),
    "llm": N_("speech by language models"),
    "production": N_("commercial services"),
    "vocoder": N_("vocoders"),
    "zeroshot": N_("voice cloning from a short sample"),
    # explanations
    "measured_on": N_("measured on"),
    "pictures": N_("pictures"),
    "pixel_auc": N_("pixel AUC of the map"),
    "centre_prior": N_("of the centre prior"),
    "same_place_auc": N_("against the same place of the original"),
    "pieces": N_("pieces"),
    "ghosts_auc": N_("of JPEG ghosts"),
    "noise_auc": N_("of the noise level"),
    "demosaicing_auc": N_("of demosaicing"),
    "grid_auc": N_("of grid misalignment"),
    "red_untouched": N_("share that is red"),
    "half_seconds": N_("half seconds"),
    "frame_auc": N_("AUC of the time line"),
    "energy_auc": N_("of the loudness alone"),
    "all channels": N_("all channels together"),  # in older records
    "synthetic stretch": N_("a synthetic stretch"),
    "real stretch": N_("a real stretch"),
    "self": N_("a face blended with itself"),
    "self, parts of the face": N_("parts of a face blended with itself"),
    "cross": N_("another person's face"),
    "cross, parts of the face": N_("parts of another person's face"),
    "resynthesis": N_("a face made anew by a network"),
    "resynthesis, parts of the face": N_("parts of a face made anew by a network"),
}


def known(name: str) -> bool:
    """Whether a name of a calibration file is said in words."""
    return name in _NAMES


def named(name: str, _: Gettext = plain) -> str:
    """A measure, condition or re-shipping in words."""
    return _(_NAMES[name]) if name in _NAMES else safe_text(name.replace("_", " "), 80)
