"""``deepfake-detect detectors``."""

from __future__ import annotations

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

        for registered in Registry(not no_plugins).select(None):
            card = registered.create().card
            print(f"{card.id:<20} {card.version:<8} {card.title} ({registered.origin})")


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
        from deepfake_detect.checkpoints import WeightStore
        from deepfake_detect.detect import Registry

        (registered,) = Registry(not no_plugins).select((detector,))
        card = registered.create().card
        print(f"{card.id} {card.version}: {card.title}")
        print(f"origin: {registered.origin}\nlicence: {card.licence}")
        print(f"commercial use: {'allowed' if card.commercial_use else 'not allowed'}\nmethod: {card.paper}")
        for limit in card.limits:
            print(f"limit: {limit}")
        store = WeightStore()
        for id_ in card.weights:
            entry = store.entry(id_)
            print(f"weights: {entry.id} {entry.version}, {entry.licence}, sha256 {entry.sha256}")
            if entry.card:
                print(f"\n{store.text(entry.card)}")
