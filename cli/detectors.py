"""``deepfake-detect detectors``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from . import exits

app = typer.Typer(help="What can be looked for.\n\nExample:\n\n  deepfake-detect detectors list", no_args_is_help=True)


@app.command("list")
def list_(
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Leave foreign detectors out.")] = False,
) -> None:
    """List the detectors.

    Example:

      deepfake-detect detectors list
    """
    with exits.reported_errors():
        from deepfake_detect.detect import Registry
        from deepfake_detect.report.text import safe_text

        for registered in Registry(not no_plugins).select(None):
            card = registered.create().card
            print(f"{card.id:<20} {card.version:<8} {safe_text(card.title)} ({registered.origin})")


@app.command()
def show(
    detector: Annotated[str, typer.Argument(help="An id from `detectors list`.")],
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Leave foreign detectors out.")] = False,
) -> None:
    """Show what is known of a detector: limits, licence, paper, weights, measured errors.

    Example:

      deepfake-detect detectors show face-manipulation
    """
    with exits.reported_errors():
        from deepfake_detect.checkpoints import ADDED, WeightStore
        from deepfake_detect.detect import Registry
        from deepfake_detect.report.text import safe_text

        (registered,) = Registry(not no_plugins).select((detector,))
        card = registered.create().card
        shown = [
            f"{card.id} {card.version}: {card.title}",
            f"origin: {registered.origin}",
            f"licence: {card.licence}",
            f"commercial use: {'allowed' if card.commercial_use else 'not allowed'}",
            f"method: {card.paper}",
            *(f"limit: {limit}" for limit in card.limits),
        ]
        store = WeightStore()
        for entry in map(store.entry, card.weights):
            shown.append(f"weights: {entry.id} {entry.version}, {entry.licence}, sha256 {entry.sha256}")
            if entry.origin == ADDED:
                shown += _measured(entry.id, store.calibration(entry))
        for line in shown:
            print(safe_text(line, 600))  # a card that was added holds the words of others
        for entry in map(store.entry, card.weights):
            if entry.card:
                print(f"\n{store.text(entry.card)}")


def _measured(id_: str, calibration: str | None) -> list[str]:
    """What the calibration of added weights says, by condition."""
    if calibration is None:
        return [f"not calibrated: it abstains until `deepfake-detect calibrate {id_} --data FOLDER`"]
    from deepfake_detect.report.terms import named

    raw = json.loads(calibration)
    shape = ("name", "applies", "knots", "llr_min", "llr_max", "method")
    return [
        f"measured, {condition['name']}: {named(name)} {value}"
        for condition in raw["conditions"]
        for name, value in condition.items()
        if name not in shape
    ] + [f"experimental: {raw['experimental_reason']}"]
