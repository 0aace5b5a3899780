"""The results page of the visual detectors and what it puts into a card, from figures that `visual.py` made."""

from __future__ import annotations

import imitations
from face_quality import NAMES
from visual_aims import GOALS, shortfalls

from deepfake_detect.report.terms import named

BESIDE_WORDS = {
    "small-face": "The line small-face is beside the others: crops of both labels at 100 px (a face of about 74 px), "
    "JPEG quality 90. It has no part in curve and thresholds; its false alarms are at those of the other conditions.",
}
IMITATED_WORDS = (
    "Lines that begin with `imitated-` are made by `training/visual/imitations.py` from the packs' crops: imitations "
    "of what telephones and apps do, no media from the field. They have no part in curve and thresholds either."
)
LIMIT_WORDS = {
    "contrast": "The limit of `contrast` is the detector's own and was fitted on nothing here.",
    "covered": "`covered` is read by a head that did not see the fold, its limit is what the bare faces of the other "
    "folds give in `occlusion.md`; on a data folder of one's own head and limit are those that ship.",
}
UNMEASURED = {
    NAMES[0]: "Blur, compression and pose were not measured: run `training/visual/face_quality.py`.",
    "covered": "What covers the faces was not measured: run `training/visual/occlusion_features.py`, then "
    "`features.py`.",
}


def table_row(name: str, f: dict[str, object]) -> str:
    low, high = f["auc_ci95"]
    matched_text = f"{f['matched_auc']:.3f}" if f["matched_auc"] else "-"
    detection = " / ".join(f"{v:.2f}" for v in f["detection"].values())
    return (
        f"|{name}|{f['auc']:.3f} ({low:.3f}-{high:.3f})|{f['worst_auc']:.3f} {f['worst_fold']}|{matched_text}|"
        f"{f['cllr']:.2f}|{detection}|{f['false_alarms_at_upper']:.3f}|{f['detected_at_upper']:.2f}|"
        f"{f['cleared_fakes_at_lower']:.3f}|{f['cleared_reals_at_lower']:.2f}|{f['coverage']:.3f}|"
    )


def refusal_table(result: dict[str, object]) -> list[str]:
    """What each quantity of the gate refuses on left-out folds, and the range that ships."""
    names = list(result["limits"])
    lines = [
        "",
        "Refused since a quantity lies out of the range of the other folds (share of all crops, folds pooled; a",
    ]
    lines += ["crop can be refused for several):", "", "|condition|" + "|".join(names) + "|", "|-" * len(names) + "|-|"]
    for condition, shares in result["refused"].items():
        lines.append(f"|{condition}|" + "|".join(f"{shares[name]:.3f}" for name in names) + "|")
    ends = [" to ".join("-" if end is None else f"{end:.4g}" for end in result["limits"][name]) for name in names]
    lines.append("|**range of all folds**|" + "|".join(ends) + "|")
    lines += [text for name, text in LIMIT_WORDS.items() if name in names for text in ("", text)]
    if result["task"] == "face-manipulation":
        lines += [text for name, text in UNMEASURED.items() if name not in names for text in ("", text)]
    return lines


INTRODUCTION = """# Visual detectors on left-out folds

Made by `{command}`; folds in `{folds}`. Every figure is of the recipe, trained without the fold that it is reported
for; its thresholds and curve come from the other folds too. AUC: mean over folds with a 95 % interval (folds redrawn,
pictures redrawn within each). Re-shipped conditions use a fixed part of each family (`CAPS` in
`training/visual/corpus.py`) or fold (`fold_cap` in the folds' file). A fold holds 30 to 300 reals: below 1 / reals, the
line of 1 % or 0.1 % false alarms is that of its highest real.
"""
COLUMNS = (
    "|condition|AUC mean|worst fold|matched pairs|Cllr|detected at 5 / 1 / 0.1 % false alarms|"
    "false alarms at the upper "
    "threshold|detected there|fakes under the lower|reals under the lower|coverage|"
)


def markdown(results: dict[str, dict[str, object]], command: str, folds: str) -> str:
    """The results page; `command` made the figures, `folds` is where the folds stand."""
    lines = [INTRODUCTION.format(command=command, folds=folds)]
    for task, result in results.items():
        lines += [f"## {task}", "", f"`{result['recipe']}`", "", COLUMNS, "|-" * COLUMNS.count("|")]
        lines += [table_row(name, f) for name, f in result["summary"].items()]
        lines += ["", "|fold|" + "|".join(result["summary"]) + "|", "|-|" + "-|" * len(result["summary"])]
        for fold, cells in result["folds"].items():
            values = [f"{c['auc']:.3f} ({c['auc_ci95'][0]:.2f}-{c['auc_ci95'][1]:.2f})" for c in cells.values()]
            size = f"{cells['clean']['n_fake']} fake, {cells['clean']['n_real']} real"
            lines.append(f"|{fold} ({size})|" + "|".join(values) + "|")
        lines += [text for name in result["summary"] if name in BESIDE_WORDS for text in ("", BESIDE_WORDS[name])]
        if any(name in result["summary"] for name in imitations.NAMES[task]):
            lines += ["", IMITATED_WORDS]
        if result["not_measured"]:
            lines += ["", f"Not measured, since their features are missing: {', '.join(result['not_measured'])}."]
        lines += refusal_table(result)
        turned = result["flips"]
        if turned:
            lines += [
                "",
                f"Verdict regions that turn round under re-shipping: {turned['turned']:.3f}; "
                f"that change at all: {turned['changed']:.3f}.",
            ]
        lines.append("")
        own = ", ".join(f"{name} {value:.3f}" for name, value in result.get("packs_own_split", {}).items())
        if own:
            text = "AUC on the packs' own `val` split after training on `train` (no folds, so generous)"
            lines += [f"{text}: {own}.", ""]
        missed = shortfalls(task, result["summary"])
        lines += ["Missed aims: " + ("; ".join(missed) if missed else "none") + ".", ""]
    return "\n".join(lines)


def card_text(task: str, name: str, figures: dict[str, dict[str, object]]) -> str:
    """What the card says of a condition that is measured beside the others."""
    if name not in figures:
        return "Not measured: the features of this condition were not made."
    f = figures[name]
    return (
        f"{BESIDE_WORDS[name]} Matched pairs: AUC {f['matched_auc']:.3f} (mean of {f['matched_folds']} folds, aim "
        f"{GOALS[task]['beside']:.2f}); all crops: AUC {f['auc']:.3f} ({f['auc_ci95'][0]:.3f}-{f['auc_ci95'][1]:.3f}), "
        f"worst fold {f['worst_fold']} {f['worst_auc']:.3f}. False alarms at the upper threshold "
        f"{100 * f['false_alarms_at_upper']:.1f} %, detected there {100 * f['detected_at_upper']:.0f} %; coverage "
        f"{f['coverage']:.3f}."
    )


def imitated_text(task: str, result: dict[str, object]) -> str:
    """What the card says of real media known to fail in the field, as far as a script can imitate them."""
    figures, parts = result["summary"], []
    for name in imitations.NAMES[task]:
        said = named(name).split(",")[0]
        reals = sum(cells[name]["n_real"] for cells in result["folds"].values() if name in cells)
        parts.append(
            f"{said}: {100 * figures[name]['false_alarms_at_upper']:.1f} % (mean of folds, {reals} reals; clean "
            f"{100 * figures['clean']['false_alarms_at_upper']:.1f} %)"
            if name in figures
            else f"{said}: not measured"
        )
    return "; ".join(parts) + "."
