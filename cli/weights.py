"""``deepfake-detect weights``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import exits

app = typer.Typer(
    help="The models' files: which are pinned, whether they are intact, and adding the field's own.\n\n"
    "Examples:\n\n  deepfake-detect weights verify\n\n  deepfake-detect weights add AASIST.pth",
    no_args_is_help=True,
)
Folder = Annotated[Path | None, typer.Option("--weights", help="Folder searched first for weights.")]


@app.command("list")
def list_(weights: Folder = None) -> None:
    """List the pinned weights with licence and size, and those that you added.

    Example:

      deepfake-detect weights list
    """
    with exits.reported_errors():
        from deepfake_detect.checkpoints import ADDED, WeightStore
        from deepfake_detect.report.text import safe_text

        for entry in WeightStore(weights).entries():
            use = "commercial use allowed" if entry.commercial_use else "no commercial use"
            state = "" if entry.calibration else ", not calibrated"
            origin = f" ({ADDED}{state})" if entry.origin == ADDED else ""
            licence = safe_text(entry.licence)
            print(f"{entry.id:<20} {entry.version:<8} {entry.bytes / 1e6:6.1f} MB  {licence}, {use}{origin}")


@app.command()
def verify(weights: Folder = None) -> None:
    """Hash every weights file and compare it with the manifests. Exits with 1 if one is missing or changed.

    Example:

      deepfake-detect weights verify
    """
    with exits.reported_errors():
        from deepfake_detect.checkpoints import WeightStore

        states = list(WeightStore(weights).verify())
        for found in states:
            print(f"{found.state:<8} {found.entry.id}: {found.file.path}")
        if any(found.state != "ok" for found in states):
            raise typer.Exit(exits.FAILED)


@app.command()
def add(
    source: Annotated[Path, typer.Argument(help="A file (.pth, .safetensors, .onnx) or a folder of Hugging Face.")],
    card: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="TOML card; default: card.toml in the folder.")
    ] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Name of the detector; instead of the card's.")] = None,
    synthetic: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="Which label means synthetic; instead of the card's.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Such as 1.0.0; an update needs a higher one.")] = None,
) -> None:
    """Add somebody else's weights as a detector of your own; it abstains until `calibrate` has made its calibration.

    Examples:

      deepfake-detect weights add AASIST.pth

      deepfake-detect weights add hugging-face-folder/ --id their-model --synthetic fake

      deepfake-detect weights add model.onnx --card card.toml

    A card says how to feed the network and read it:

      id = "their-model"
      version = "1.0.0"
      kind = "onnx"              # or timm, torchvision, huggingface, aasist
      looks_at = "picture"       # or pieces (of a picture, native resolution), face, voice
      labels = ["real", "fake"]  # one for each output
      synthetic = ["fake"]
      side = 224                 # picture: square RGB, (value / 255 - mean) / std
      mean = [0.485, 0.456, 0.406]
      std = [0.229, 0.224, 0.225]

    and, if need be, architecture (of timm or torchvision), output = "probabilities", samples (of sound, 16 kHz), title,
    licence, commercial_use, source, paper, limits, file (name in the folder). A .pth is converted once, without running
    code of it; pickles that hold more than tensors are refused.
    """
    with exits.reported_errors():
        from deepfake_detect.adding import add_weights

        entry = add_weights(source, card=card, id_=id_, synthetic=synthetic or (), version=version)
        print(f"added {entry.id} {entry.version}, SHA-256 {entry.sha256}")
        print(f"It abstains until it is calibrated: deepfake-detect calibrate {entry.id} --data FOLDER")


@app.command()
def remove(id_: Annotated[str, typer.Argument(metavar="ID", help="An id from `weights list`.")]) -> None:
    """Take away weights that you added, with their calibration. Shipped ones stay.

    Example:

      deepfake-detect weights remove their-model
    """
    with exits.reported_errors():
        from deepfake_detect.adding import remove_weights

        remove_weights(id_)
        print(f"removed {id_}")
