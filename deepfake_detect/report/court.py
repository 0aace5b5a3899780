"""The report for a court: method first, then each file with its findings, their limits and how to check them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..explain.timeline import clock
from ..findings import CaseRecord, DetectorRecord, Failure, Finding, Report, RunRecord
from . import measures, pictures, shown, terms, words
from .compared import compared
from .document import Block, Bullets, Document, Grid, Heading, Rows, Section, Text
from .language import REVIEWED, Gettext, Language, translator
from .lines import LineGroup, claims_of, group_abstentions, group_lines
from .messages import said
from .names import file_name, name_of
from .pictures import Cover
from .speech import voice_notes

_SCALE = (
    ("1 – 2", "0 – 0.3", "no"),
    ("2 – 10", "0.3 – 1", "weak"),
    ("10 – 100", "1 – 2", "moderate"),
    ("100 – 1,000", "2 – 3", "moderately strong"),
    ("1,000 – 10,000", "3 – 4", "strong"),
    ("10,000 – 1,000,000", "4 – 6", "very strong"),
    ("> 1,000,000", "> 6", "extremely strong"),
)


def court_document(
    results: Sequence[Report | Failure], record: CaseRecord, language: Language, cover: Cover
) -> Document:
    """``record`` heads the report. ``cover``: what of whole pictures is covered."""
    _ = translator(language)
    sections = [_head(record, _)] if _named(record) else []
    if record.minor:
        sections.append(Section(_("A child is or may be shown"), (Text(_(words.MINOR), "strong"),), "conflicts"))
    sections += [_method(results, _), _overview(results, _)]
    for number, result in enumerate(results, 1):
        if isinstance(result, Report):
            sections += _file(number, result, cover, _)
        else:
            sections.append(_failure(number, result, _))
    sections.append(_checking(results, _))
    return Document(
        _("Forensic report on suspect media"), _("forensic report"), language, tuple(sections), notice(language, _)
    )


def notice(language: Language, _: Gettext) -> str:
    """What must be known of the translation; empty for a language whose wording was reviewed."""
    if language in REVIEWED:
        return ""
    return _(
        "This translation was not reviewed by a native speaker; the English text is the one to rely on. Texts in"
        " English are shown as the program recorded them."
    )


def _named(record: CaseRecord) -> bool:
    return any((record.case_id, record.exhibit, record.examiner, record.organisation))


def _head(record: CaseRecord, _: Gettext) -> Section:
    rows = (
        (_("Case"), record.case_id), (_("Exhibit"), record.exhibit), (_("Examiner"), record.examiner),
        (_("Organisation"), record.organisation),
    )  # fmt: skip
    return Section(_("Record of the case"), (Rows(tuple((name, text) for name, text in rows if text)),))


def _method(results: Sequence[Report | Failure], _: Gettext) -> Section:
    """What was asked, how the answers are worded, and what they cannot say."""
    propositions = dict.fromkeys(
        (name_of(f.detector, _), said(f.proposition.synthetic, _), said(f.proposition.genuine, _))
        for result in results if isinstance(result, Report) for f in result.findings if f.proposition
    )  # fmt: skip
    blocks: list[Block] = [
        Text(
            _(
                "Each file was opened read-only and identified by its hashes. Faces, speech and pieces of pictures"
                " were taken out of it and scored by the detectors named below; a score becomes a likelihood ratio only"
                " through a calibration that was measured on media of the same condition, and otherwise no ratio is"
                " given."
            )
        ),
        Text(_(words.WEIGHT_NOT_PROBABILITY), "strong"),
    ]
    if propositions:
        blocks.append(Heading(_("The two propositions of each detector")))
        blocks.append(Grid((_("Detector"), _("First proposition"), _("Second proposition")), tuple(propositions)))
    scale = tuple((lr, log, words.support_words(key, _)) for lr, log, key in _SCALE)
    blocks += [
        Heading(_("The words for the weight of a finding")),
        Text(
            _(
                "The words follow the verbal scale of the ENFSI Guideline for Evaluative Reporting in Forensic"
                " Science (2015); in this report they mean what this table says. Its bands below 10 and above 1,000"
                " were not compared with the text of the guideline itself. A ratio below 1 is worded in the same"
                " scale for the second proposition. Ratios are bounded by what the calibration data can carry. Ratios"
                " of different lines are never added or multiplied, since the lines are not independent."
            )
        ),
        Grid((_("Likelihood ratio"), "log10", _("Support for the first proposition")), scale),
        Text(
            _(
                "Not measured unless a table below says otherwise: error rates by skin tone, sex, age and language, and"
                " on nude or nudified bodies."
            )
        ),
    ]
    blocks += _explanations(results, _)
    return Section(_("Method"), tuple(blocks))


def _explanations(results: Sequence[Report | Failure], _: Gettext) -> Iterator[Block]:
    """How well the pictures that explain a score agree with the truth, for the detectors that took part."""
    records = {r.id: r for result in results if isinstance(result, Report) for r in result.run.detectors}
    tables = {id_: found for id_, record in records.items() if (found := measures.explained(record, _))}
    if not tables:
        return
    yield Heading(_("How far the pictures that explain a score can be trusted"))
    for found in tables.values():
        for text, table in found:
            yield Text(text)
            yield Grid(table.head, table.rows)


def _overview(results: Sequence[Report | Failure], _: Gettext) -> Section:
    rows = []
    for number, result in enumerate(results, 1):
        verdict = result.verdict if isinstance(result, Report) else None
        ratio = shown.signed(verdict.llr) if verdict and verdict.llr is not None else _("none")
        people = ", ".join(dict.fromkeys(note.by for note in result.case.notes)) if result.case else ""
        label = words.label_words(verdict.label if verdict else None, _)
        rows.append((str(number), _name(result, _), label, ratio, people or _("none")))
    head = (_("No."), _("File"), _("Result of the program"), "log10 LR", _("Conclusion by"))
    return Section(_("Files examined"), (Grid(head, tuple(rows)),))


def _name(result: Report | Failure, _: Gettext) -> str:
    path = result.media.path if isinstance(result, Report) else result.path
    sha256 = result.media.sha256 if isinstance(result, Report) else result.sha256
    if path is None:
        return f"SHA-256 {sha256[:16]}…" if sha256 else _("a file whose name is not told")
    return file_name(path)


def _file(number: int, report: Report, cover: Cover, _: Gettext) -> Iterator[Section]:
    yield _result(number, report, _)
    if report.verdict and report.verdict.conflicts:
        blocks: tuple[Block, ...] = (
            Text(_("These findings point in opposite directions. They are shown as they are, not averaged.")),
            Bullets(tuple(words.as_sentence(said(text, _)) for text in report.verdict.conflicts)),
        )
        yield Section(_("File {number}: where the evidence disagrees").format(number=number), blocks, "conflicts")
    lines = [b for line in group_lines(report.findings) for b in _line(line, report.run, cover, _)]
    lines = lines or [Text(_("No detector gave a score for this file."))]
    yield Section(_("File {number}: lines of evidence").format(number=number), tuple(lines))
    if blocks := compared(report, cover, _):
        yield Section(_("File {number}: compared with files supplied as originals").format(number=number), blocks)
    people = [
        block
        for subject in report.subjects
        for block in pictures.blocks(name_of(subject.id, _), subject.evidence, subject.kind, cover, _)
    ]
    if people:
        yield Section(_("File {number}: who and what was examined").format(number=number), tuple(people))
    yield Section(_("File {number}: what could not be tested, and why").format(number=number), _untested(report, _))
    yield Section(_("File {number}: what the file says about itself").format(number=number), _claims(report, cover, _))


def _result(number: int, report: Report, _: Gettext) -> Section:
    """Identity, verdict and people's conclusions."""
    text, verdict = words.verdict_words(report, _), report.verdict
    reasons = [said(reason, _) for reason in verdict.reasons] if verdict else []
    if not verdict:
        reasons = [words.abstention_sentence(group.first, _) for group in group_abstentions(report.abstentions)]
    weight = words.verdict_weight(verdict, _) if verdict else None
    blocks: list[Block] = [
        Text(text.headline, "headline"),
        Text(text.sentence, "lead"),
        Bullets(tuple(words.as_sentence(reason) for reason in (*reasons, *((weight,) if weight else ())))),
    ]
    if verdict and verdict.llr is not None:
        blocks.append(pictures.ratio_scale(verdict.llr, verdict.interval, _))
    blocks += [Heading(_("What this does not say")), Bullets(text.limits)]
    blocks += _conclusions(report.case, _)
    blocks += [Heading(_("Identity of the file")), Rows(_identity(report, _))]
    label = verdict.label.value if verdict else "none"
    title = _("File {number}: {name}").format(number=number, name=_name(report, _))
    return Section(title, tuple(blocks), "verdict", label)


def _conclusions(record: CaseRecord | None, _: Gettext) -> list[Block]:
    blocks: list[Block] = [Heading(_("Conclusions of people"))]
    notes = record.notes if record else ()
    if not notes:
        return [*blocks, Text(_("Nobody has written a conclusion. The program's result is no expert's opinion."))]
    blocks.append(
        Text(_("Written by the persons named, beside the result of the program. Neither changes the other."), "quiet")
    )
    for note in notes:
        who = _("{name}, {time}").format(name=note.by, time=note.time)
        if note.reviewer:
            who = _("{name}, {time}; reviewed by {reviewer}").format(
                name=note.by, time=note.time, reviewer=note.reviewer
            )
        blocks += [*(Text(line, "strong") for line in note.conclusion.splitlines() if line.strip()), Text(who, "quiet")]
    return blocks


def _identity(report: Report, _: Gettext) -> tuple[tuple[str, str], ...]:
    media, record = report.media, report.case
    rows = [(_("Path"), media.path or _("not recorded"))]
    rows += [("SHA-256", media.sha256), ("MD5", media.md5), ("SHA-1", media.sha1), (_("Size"), shown.size(media.size))]
    if record and record.modified:
        rows.append((_("Last written, as its file system said"), record.modified))
    if record and len(record.paths) > 1:
        rows.append((_("All paths of these bytes"), "; ".join(record.paths)))
    if media.facts:
        rows.append((_("Container"), f"{media.facts.format} ({media.facts.mime})"))
        if media.facts.width:
            pixels = _("{width} × {height} pixels").format(width=media.facts.width, height=media.facts.height)
            rows.append((_("Picture"), pixels))
        if media.facts.seconds is not None:
            rows.append((_("Length"), clock(media.facts.seconds)))
        rows += [(_("Stream"), f"{stream.kind}, {stream.codec}") for stream in media.facts.streams]
    return tuple(rows)


def _line(line: LineGroup, run: RunRecord, cover: Cover, _: Gettext) -> Iterator[Block]:
    """One line of evidence: its words, its numbers, its known errors, its pictures."""
    finding = line.strongest
    record = next((record for record in run.detectors if record.id == finding.detector), None)
    names = {"detector": name_of(finding.detector, _), "subject": name_of(finding.subject, _)}
    yield Heading(_("{detector}: {subject}").format(**names))
    if finding.experimental:
        reason = words.as_sentence(said(record.experimental_reason, _)) if record else ""
        yield Text(f"{_('Experimental: it never decides alone.')} {reason}".strip(), "badge")
    if len(line.stretches) > 1:
        sentence = _("The strongest of {count} stretches, each a line of its own:")
        yield Text(sentence.format(count=len(line.stretches)))
    yield Text(words.finding_support(finding, _), "strong")
    if finding.llr is not None:
        yield pictures.ratio_scale(finding.llr, finding.interval, _)
    yield Rows(_numbers(finding, record, _))
    yield Heading(_("Known error rates in this condition"))
    yield from _error_rates(finding, record, _)
    yield from (Text(note) for note in voice_notes(finding, record, run, _))
    yield Heading(_("The same line as it would be delivered"))
    yield Text(measures.spread_sentence(finding, _))
    if spread := measures.spread(finding, _):
        yield Grid(spread.head, spread.rows)
    yield from pictures.blocks(_("What the model reacted to"), line.evidence, finding.subject, cover, _)
    if record and record.limits:
        yield Heading(_("Limits of this detector"))
        yield Bullets(tuple(words.as_sentence(said(limit, _)) for limit in record.limits))


def _error_rates(finding: Finding, record: DetectorRecord | None, _: Gettext) -> Iterator[Block]:
    rates = measures.error_rates(finding, record, _)
    yield Rows(tuple(rates)) if rates else Text(_("Not measured."))
    yield from (Grid(table.head, table.rows) for table in measures.error_tables(finding, record, _))


def _numbers(finding: Finding, record: DetectorRecord | None, _: Gettext) -> tuple[tuple[str, str], ...]:
    rows = []
    if finding.proposition:
        rows.append((_("First proposition"), words.as_sentence(said(finding.proposition.synthetic, _))))
        rows.append((_("Second proposition"), words.as_sentence(said(finding.proposition.genuine, _))))
    if finding.score is not None:
        own = _("the model's own number, higher for synthetic; it is no percentage")
        rows.append((_("Raw score"), f"{shown.number(finding.score)} ({own})"))
    if finding.llr is not None:
        rows.append((_("log10 likelihood ratio"), f"{shown.signed(finding.llr)}: {words.ratio(finding.llr, _)}"))
    if finding.interval:
        low, high = map(shown.signed, finding.interval)
        rows.append((_("95 % interval"), _("{start} to {end}").format(start=low, end=high)))
    matched = terms.named(finding.condition, _) if finding.condition else _("no calibration condition matched")
    rows.append((_("Condition"), matched))
    if record and record.thresholds:
        low, high = map(shown.signed, record.thresholds)
        rows.append((_("Thresholds of the detector, log10 LR"), _("{start} and {end}").format(start=low, end=high)))
    if finding.span:
        rows.append((_("Time"), shown.moment(finding.span, _)))
    return tuple(rows)


def _untested(report: Report, _: Gettext) -> tuple[Block, ...]:
    items = []
    for group in group_abstentions(report.abstentions):
        first = group.first
        names = [_("Whole scan") if first.detector == "scan" else name_of(first.detector, _)]
        if first.detector != "scan":
            names.append(name_of(first.subject, _))
        count = _(" ({count} such stretches)").format(count=group.count) if group.count > 1 else ""
        sentence = words.abstention_sentence(first, _)
        items.append(f"{', '.join(names)}: {sentence} [{first.reason.value}]{count}")
    items += [_("Not covered: {what}").format(what=words.as_sentence(said(gap, _))) for gap in report.coverage_gaps]
    if not items:
        return (Text(_("Every test that was asked for gave a result, on every part of the file.")),)
    return (Bullets(tuple(items)),)


def _claims(report: Report, cover: Cover, _: Gettext) -> tuple[Block, ...]:
    blocks: list[Block] = [
        Text(_("These are claims of the file. Anyone can write or remove metadata; that it is absent means nothing."))
    ]
    for finding in claims_of(report.findings):
        blocks += [Heading(name_of(finding.detector, _)), Rows(tuple(shown.named_facts(finding.facts, _)))]
        blocks += pictures.blocks(_("Pictures"), finding.evidence, finding.subject, cover, _)
    if report.media.facts and report.media.facts.metadata:
        blocks += [Heading(_("Metadata")), Rows(tuple(shown.rows(report.media.facts.metadata)))]
    return tuple(blocks)


def _failure(number: int, failure: Failure, _: Gettext) -> Section:
    text = f"{words.as_sentence(failure.message)} {words.as_sentence(failure.hint)}".strip()
    blocks: tuple[Block, ...] = (
        Text(_("This file could not be analysed"), "headline"),
        Text(text),
        Rows((("SHA-256", failure.sha256 or _("not recorded")),)),
    )
    return Section(_("File {number}: {name}").format(number=number, name=_name(failure, _)), blocks, "verdict")


def _checking(results: Sequence[Report | Failure], _: Gettext) -> Section:
    """How somebody else checks all this: the program, the weights, the commands."""
    blocks: list[Block] = [
        Text(_("Anyone who has the case and the files can repeat the examination with the same version and compare:")),
        Text("deepfake-detect verify CASE --evidence FOLDER", "code"),
        Text("deepfake-detect replay CASE --evidence FOLDER", "code"),
        Text(_("The custody log of the case is chained by hashes but not signed: it shows accident, not intent.")),
    ]
    for run in {r.run.fingerprint: r.run for r in results if isinstance(r, Report)}.values():
        blocks.append(Heading(_("Run {id}").format(id=run.id)))
        rows = [
            (_("Program"), f"deepfake-detect {run.version}"), (_("Started"), run.started),
            (_("Fingerprint"), run.fingerprint), (_("Device"), f"{run.device}, {run.platform}"),
            (_("Protections"), ", ".join(run.protections) or _("none")),
            (_("Plug-ins"), ", ".join(run.plugins) or _("none")),
        ]  # fmt: skip
        weights = [w for record in run.detectors for w in record.weights] + list(run.extractors)
        rows += [(_("Weights {id}").format(id=f"{w.id} {w.version}"), f"{w.origin}, {w.sha256}") for w in weights]
        blocks.append(Rows(tuple(dict.fromkeys(rows))))
    return Section(_("How this report was made, and how to check it"), tuple(blocks))
