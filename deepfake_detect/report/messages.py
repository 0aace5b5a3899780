"""Sentences that a scan wrote into the record in English, recognised so that a report can say them in its language.

A text that is not among them is shown as it was recorded; nothing is translated by guessing.
"""

from __future__ import annotations

import re

from .language import N_, Gettext
from .names import name_of
from .terms import named

# Propositions, titles and limits of the detectors that come with the library.
_FIXED = frozenset(
    {
        N_("the face was swapped, blended, edited or re-enacted as in the test data"),
        N_("the face was recorded unaltered, as in the test data"),
        N_("the picture was made by a generator like those of the test data"),
        N_("the picture is a photograph or recording like those of the test data"),
        N_("the speech was made, converted or resynthesised by a system like those of the test data"),
        N_("the speech is a recording of a person like those of the test data, however it was transmitted"),
        N_("faces under 60 pixels are refused"),
        N_("frames are judged one by one: flicker over time carries no evidence"),
        N_("not measured on nude or nudified bodies: only the face is looked at"),
        N_("make-up, beauty filters, portrait blur and video calls were not measured"),
        N_("not measured on drawn or painted faces"),
        N_("covered faces are refused where it is noticed: measured on imitated masks, hands and objects only"),
        N_("calibrated on single pieces of 224 px: generators that are not in the data may be missed"),
        N_("not measured on nude or nudified bodies"),
        N_("not measured on drawings, scanned prints, beauty filters, AI upscaling or night modes"),
        N_("retouched and strongly edited photographs can look generated"),
        N_("a part of the picture was altered by edits like those of the test data"),
        N_("no part of the picture was altered, apart from compression and resizing of the whole"),
        N_(
            "only pieces of 224 px at native resolution are looked at, at most nine of a still picture: an edit between"
            " them is not seen"
        ),
        N_("trained and measured on edits made by a script, not on those of any person or app"),
        N_("strong compression and resizing after the edit remove what it looks for"),
        N_("a map shows where traces are unlike the rest; borders of different texture can look the same"),
        N_("where traces of camera and compression differ (red), on the piece that scored highest"),
        N_(
            "JPEG ghosts, a classical line beside the score and no part of it: where compressing again shows another"
            " past (red), on the same piece; plain surfaces are often red in unaltered pictures, too"
        ),
        N_("misses many synthetic voices: see the error rates of the condition; experimental"),
        N_("speakers in the same window are not told apart"),
        N_("the time line shows tendencies, not borders; real speech from another recording may stand out in it, too"),
        N_("codecs made by neural networks count as synthetic, whoever spoke"),
        N_("not measured on singing, on shouting, on children, on AMR-WB calls, or beyond the languages of its card"),
        N_("added by its user: its error rates come from files that the user chose, and nobody else measured it here"),
        N_("sees the whole picture scaled down to at most 512 pixels"),
        N_("sees square pieces at native resolution, not the whole picture"),
        N_("sees square crops of faces that were found here, not as its authors cut them"),
        N_("sees windows of at most 4 s"),
        N_("the file was made or changed by a machine, as the synthetic files it was calibrated on"),
        N_("the file was recorded, as the real files it was calibrated on"),
        N_("the face was made or changed by a machine, as in the synthetic files it was calibrated on"),
        N_("the face was recorded, as in the real files it was calibrated on"),
        N_("the whole picture is not at hand, only pieces of it"),
        N_("the part named lies outside of the picture"),
        N_("the findings lie between the thresholds"),
        N_("no detector that is past the experimental stage could decide"),
        N_("where the face looks foreign to its surroundings (red), on the face that scored highest"),
        N_("raw score over time, higher for synthetic"),
        N_("raw score of each stretch of speech and, around it, how its half seconds differ; higher for synthetic"),
        N_("One raw score for each stretch, at its middle."),
        N_("frequencies of the sound over time, up to 8 kHz"),
        N_("frequencies of the sound over time, up to 8 kHz; bars at the top mark the flagged stretches"),
        # comparison with originals
        N_(
            "this picture and the file supplied as original share content, one copied from the other or both from a"
            " third"
        ),
        N_("the two pictures were made independently of each other"),
        N_("The examined picture"),
        N_("The file supplied as original, laid over it; grey where it has nothing"),
        N_(
            "Orange: differs from the file supplied as original. Blue: the same. Grey: not covered, or nothing there"
            " tells"
        ),
        N_(
            "It says that two files share content and where they differ, not which of them came first, nor who made"
            " either."
        ),
        N_("That no original was found does not say that there is none, or that the file is unaltered."),
        N_("A difference can be harmless: a filter, a sticker, retouching, text, another crop."),
        N_("Changes finer than compression and resizing leave are not seen; the rim of the original is not compared."),
        N_("Plain surfaces without detail (sky, walls) give little to find a picture by."),
        N_(
            "Two shots of one scene seconds apart are told from a copy by their grain, where compression and resizing"
            " have left enough of it; a copy that was given new grain looks the same."
        ),
        N_("a file supplied as original could not be compared"),
    }
)
_WORDS = frozenset({N_("synthetic"), N_("manipulated"), N_("less than 1 %")})
_MISSED = re.compile(r"(?P<what>.+) (?P<value>[\d.]+), aim (?P<aim>[\d.]+)", re.ASCII)
# The first that fits is taken.
_WITH_VALUES = tuple(
    (template, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(template))))
    for template in (
        N_("make it with: deepfake-detect calibrate {detector} --data FOLDER"),
        N_("{line} turns round after {delivery}"),
        N_("{line} lies above its threshold, but is experimental and does not decide alone"),
        N_("{line} lies above its threshold (experimental)"),
        N_("{line} lies above its threshold"),
        N_("{line} lies below its threshold"),
        N_("{text}, which anyone can write"),
        N_("{first} supports {what} while {second} supports the opposite"),
        N_("{text}, while {line} supports the opposite"),
        N_("no calibrated condition covers this sample ({values})"),
        N_("outside of what was measured: {outside}"),
        N_("the largest face is {size} pixels, under {least}"),
        N_("{found} s of speech, {least} s are needed"),
        N_("no piece of at least {size} pixels a side"),
        N_("only the part that was named was looked at: {width} x {height} pixels at {x}, {y}"),
        N_(
            "a screenshot: only the picture found in it was looked at: {width} x {height} pixels at {x}, {y}; "
            "--region names another part"
        ),
        # comparison with originals
        N_(
            "About {same} of this picture is the same as in the file supplied as original; no part that was compared"
            " differs from it beyond what recompression explains: {zones}"
        ),
        N_(
            "About {same} of this picture is the same as in the file supplied as original; no part that was compared"
            " differs from it beyond what recompression explains"
        ),
        N_(
            "About {same} of this picture is the same as in the file supplied as original; {other} differs from it"
            " beyond what recompression explains: {zones}"
        ),
        N_(
            "About {same} of this picture is the same as in the file supplied as original; {other} differs from it"
            " beyond what recompression explains"
        ),
        N_(
            "This picture shows the scene of the file supplied as original, but with grain of its own: another shot of"
            " the same scene, or a copy that was given new grain, so a difference is no sign of an edit; {other} of it"
            " differs"
        ),
        N_(
            "This picture shows the scene of the file supplied as original, but with grain of its own: another shot of"
            " the same scene, or a copy that was given new grain, so a difference is no sign of an edit"
        ),
        N_("the face of {subject} is the same"),
        N_("the face of {subject} differs in part"),
        N_("the face of {subject} differs"),
        N_("the body of {subject} is the same"),
        N_("the body of {subject} differs in part"),
        N_("the body of {subject} differs"),
        N_(
            "The examined file shows the shared part with {same} of the original's pixels a side, as a copy of it, or"
            " of a larger common source, would."
        ),
        N_(
            "The examined file shows the shared part with {times} times the original's pixels a side: it was enlarged,"
            " or it does not come from this file."
        ),
        N_(
            "JPEG quality is estimated as {ours} in the examined file and {theirs} in the original; a copy is seldom"
            " stored better than its source."
        ),
        N_("The examined file claims to have been taken at {time}; anyone can write that."),
        N_("The original claims to have been taken at {time}; anyone can write that."),
        N_("none of the {count} files supplied as originals was found to share content with it"),
        N_("{path} is the very file under examination and was not compared with itself"),
        N_("{path} holds no picture to compare."),
        # why a detector is experimental
        N_("aims missed on left-out folds: {missed}"),
        N_("pixel AUC on left-out edits {value} under the worst delivery, aim {aim}; edits of a script only"),
        N_(
            "On speech systems and sources left out of training its equal error rate is {rate} on clean clips and"
            " higher after a telephone or messenger; the aims of 12 % and 20 % are missed."
        ),
        N_(
            "calibrated by its user, on {real} real and {synthetic} synthetic files of their own choice; not measured"
            " on files that its authors and its user had no hand in"
        ),
    )
)


def said(text: str, _: Gettext) -> str:
    """A recorded sentence in the language of the report, or as it was recorded."""
    if text in _FIXED:
        return _(text)
    for template, pattern in _WITH_VALUES:
        if found := pattern.fullmatch(text):
            values = {name: _value(name, text, _) for name, text in found.groupdict().items()}
            return _(template).format(**values)
    return text


def _value(name: str, text: str, _: Gettext) -> str:
    """What stands in a sentence: ``line``, ``first`` and ``second`` are a detector on a subject,
    ``outside`` quantities with their values and ranges, ``missed`` aims with what was reached, ``zones`` what became of
    each face and body.
    """
    detector, on, subject = text.partition(" on ")
    if name in ("line", "first", "second") and on:
        return _("{detector} ({subject})").format(detector=name_of(detector, _), subject=name_of(subject, _))
    if name == "outside":
        parts = (part.split(" ", 1) for part in text.split(", "))
        return ", ".join(" ".join([named(quantity, _), *values]) for quantity, *values in parts)
    if name == "missed":
        return "; ".join(_missed(part, _) for part in text.split("; "))
    if name == "zones":
        return ", ".join(said(part, _) for part in text.split(", "))
    if name == "subject":
        return name_of(text, _)
    if name == "delivery":
        return named(text, _)
    return _(text) if text in _WORDS else text


def _missed(text: str, _: Gettext) -> str:
    """One missed aim, as the benchmark of the visual detectors records it."""
    if found := _MISSED.fullmatch(text):
        return _("{what}: {value}, aim {aim}").format(
            what=_reached(found["what"], _), value=found["value"], aim=found["aim"]
        )
    name, not_measured, rest = text.rpartition(" not measured")
    return _("{name}: not measured").format(name=named(name, _)) if not_measured and not rest else text


def _reached(what: str, _: Gettext) -> str:
    """A measure, and in brackets the condition, re-shipping or group that it was taken on: ``clean auc``,
    ``messenger480 false alarms``, ``worst fold gan``, ``Cllr``.
    """
    if what.startswith("worst fold "):
        return f"{named('worst_auc', _)} ({named(what.removeprefix('worst fold '), _)})"
    measures = {"false alarms": _("false alarms"), "matched_auc": named("matched_auc", _), "auc": "AUC"}
    if what in measures:
        return measures[what]
    for ending, measure in measures.items():
        if what.endswith(f" {ending}"):
            return f"{measure} ({named(what.removesuffix(f' {ending}'), _)})"
    return what


def known(text: str) -> bool:
    """Whether a recorded sentence is among those that can be said in another language."""
    return text in _FIXED or any(pattern.fullmatch(text) for _, pattern in _WITH_VALUES)
