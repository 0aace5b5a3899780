"""The conditions that the visual detectors are measured under, and the aims: what is met and missed."""

from __future__ import annotations

import imitations
import recipes

# Measured, but no part of curve and thresholds. Imitations carry no aim.
BESIDE = {
    "synthetic-image": imitations.NAMES["synthetic-image"],
    "face-manipulation": ("small-face", *imitations.NAMES["face-manipulation"]),
}


def conditions_of(task: str) -> list[str]:
    return ["clean", *recipes.DEGRADED, *BESIDE[task]]


GOALS = {
    "synthetic-image": {"auc": (0.95, 0.90), "worst": 0.80},
    "face-manipulation": {"auc": (0.92, 0.86), "worst": 0.80, "beside": 0.80},
}


def reshipped(figures: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return {name: part for name, part in figures.items() if name in recipes.DEGRADED}


def shortfalls(task: str, figures: dict[str, dict[str, object]]) -> list[str]:
    """Every aim that is missed or was not measured, as a sentence; empty when all are met."""
    goal, clean, degraded = GOALS[task], figures["clean"], reshipped(figures)
    key = "matched_auc" if task == "face-manipulation" else "auc"
    worst = min(degraded, key=lambda name: degraded[name][key] or 1.0) if degraded else None
    wanted = [
        (f"clean {key} {clean[key]:.3f}, aim {goal['auc'][0]}", clean[key] >= goal["auc"][0]),
        (
            f"worst fold {clean['worst_fold']} {clean['worst_auc']:.3f}, aim {goal['worst']}",
            clean["worst_auc"] >= goal["worst"],
        ),
        (f"Cllr {clean['cllr']:.2f}, aim 0.7", clean["cllr"] <= 0.7),
        (f"false alarms {clean['false_alarms_at_upper']:.3f}, aim 0.05", clean["false_alarms_at_upper"] <= 0.05),
    ]
    if worst:
        got = degraded[worst]
        wanted += [
            (f"{worst} {key} {got[key]:.3f}, aim {goal['auc'][1]}", got[key] >= goal["auc"][1]),
            (
                f"{worst} false alarms {max(d['false_alarms_at_upper'] for d in degraded.values()):.3f}, aim 0.08",
                max(d["false_alarms_at_upper"] for d in degraded.values()) <= 0.08,
            ),
        ]
    aimed = [name for name in BESIDE[task] if name not in imitations.NAMES[task]]
    for name in (name for name in aimed if name in figures):
        got = figures[name][key]
        wanted.append((f"{name} {key} {got:.3f}, aim {goal['beside']}", got >= goal["beside"]))
    absent = [f"{name} not measured" for name in ("clean", *recipes.DEGRADED, *aimed) if name not in figures]
    return [text for text, met in wanted if not met] + absent
