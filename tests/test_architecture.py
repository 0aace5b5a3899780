"""The arrows between the parts of the library point one way, and each kind of work is done in one place only."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "deepfake_detect"

# Which parts a part may import. Shared: the types, which import nothing of the library but each other.
TYPES = {"media", "findings", "errors"}
ALLOWED: dict[str, set[str]] = {
    "media": set(),
    "findings": {"media", "report"},  # report: lazily, for Report.to_json and Report.from_json
    "errors": {"findings"},
    "ingest": TYPES,
    "quiet_onnx": set(),
    "checkpoints": TYPES | {"weights"},
    "extract": TYPES | {"checkpoints", "quiet_onnx"},
    "reship": TYPES | {"ingest"},
    "explain": TYPES,
    "detect": TYPES | {"checkpoints", "extract", "explain", "quiet_onnx"},
    "fuse": TYPES,
    "originals": TYPES | {"checkpoints", "deadline", "explain", "fuse", "ingest"},
    "report": TYPES | {"explain"},
    "nudity": TYPES | {"checkpoints", "quiet_onnx"},
    "case": TYPES | {"checkpoints", "explain", "ingest", "nudity", "options", "originals", "pipeline", "report"},
    "bundle": TYPES,
    "page": TYPES | {"case", "ingest", "options", "originals", "pipeline", "report"},
    "hashing": TYPES | {"ingest"},
    "progress": TYPES,
    "deadline": set(),
    "plan": {"options"},
    "ordering": TYPES | {"ingest", "ledger", "plan", "progress"},
    "overlap": {"ordering"},
    "executors": TYPES | {"ledger", "ordering", "pipeline", "plan"},
    "devices": {"errors"},
    "ledger": TYPES | {"ingest"},
    "known": TYPES | {"ingest"},
    "manifest": TYPES,
    "options": TYPES | {"ingest"},
    "adding": TYPES | {"checkpoints", "detect"},
    "batching": {"detect"},
    "calibrating": TYPES | {"adding", "checkpoints", "deadline", "detect", "fuse", "gather", "ingest", "options"},
    "loading": TYPES | {"batching", "checkpoints", "detect", "devices", "fuse"},
    "gather": TYPES | {"checkpoints", "deadline", "extract", "ingest"},
    "judge": TYPES | {"deadline", "detect", "explain", "fuse", "gather", "loading"},
    "robustness": TYPES | {"deadline", "detect", "gather", "judge", "loading", "reship"},
    "record": TYPES,
    "pipeline": TYPES
    | {
        "checkpoints",
        "deadline",
        "detect",
        "fuse",
        "gather",
        "ingest",
        "judge",
        "ledger",
        "loading",
        "options",
        "ordering",
        "originals",
        "overlap",
        "plan",
        "progress",
        "record",
        "robustness",
    },
    "estimate": TYPES | {"ingest"},
    "vectors": set(),
    "selftest": TYPES | {"checkpoints", "detect", "extract", "ingest", "loading", "options", "pipeline", "record"},
    "__init__": {"errors", "findings", "options", "pipeline"},
}
# Calls that decode; outside ingest nobody may make them. Names are matched as `module.function`.
DECODING = {
    "av.open", "Image.open", "cv2.imread", "cv2.imdecode", "cv2.VideoCapture", "soundfile.read", "librosa.load",
    "pillow_heif.open_heif", "pillow_heif.read_heif",
}  # fmt: skip
DECODING_MODULES = {"c2pa", "exifread", "piexif", "pillow_heif"}
POSIX_ONLY = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"}
RICH = {"rich", "typer"}
HEAVY = {"torch", "torchvision", "cv2", "rich", "typer", "librosa", "onnxruntime", "facenet_pytorch"}


def modules() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def part_of(path: Path) -> str:
    """``ingest`` for ``deepfake_detect/ingest/video.py``, ``media`` for ``deepfake_detect/media.py``."""
    relative = path.relative_to(LIBRARY)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """The full name of what a ``from`` import names."""
    if not node.level:
        return node.module or ""
    package = ("deepfake_detect", *path.relative_to(LIBRARY).parts[:-1])
    base = package[: len(package) - node.level + 1]
    return ".".join((*base, *((node.module or "").split(".") if node.module else ())))


def imported(path: Path, tree: ast.AST) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, by full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = absolute(path, node)
            yield from ([f"{name}.{alias.name}" for alias in node.names] if name == "deepfake_detect" else [name])


def violations(path: Path, source: str) -> list[str]:
    """What a file of the library does that its part may not."""
    part, tree, found = part_of(path), ast.parse(source), []
    for name in imported(path, tree):
        top, _, rest = name.partition(".")
        if top == "deepfake_detect":
            target = rest.partition(".")[0]
            if target == "cli" or (target != part and target not in ALLOWED.get(part, set())):
                found.append(f"{part} -> {target or 'deepfake_detect'}")
        if top in RICH:
            found.append(f"{part} imports {top}")
        if top == "onnxruntime" and part != "quiet_onnx":
            found.append(f"{part} imports onnxruntime with its telemetry")
        if part == "ingest" and top in {"torch", "torchvision"}:
            found.append("ingest imports torch")
        if part != "ingest" and top in DECODING_MODULES:
            found.append(f"{part} parses with {top}")
    if part != "ingest":
        found += [f"{part} calls {call}" for call in decoding_calls(tree)]
    found += [
        f"imports {name} at import time" for name in import_time(path, tree) if name.partition(".")[0] in POSIX_ONLY
    ]
    return found


def decoding_calls(tree: ast.AST) -> Iterator[str]:
    """Decoding calls; ``av.open`` with a mode of "w" encodes and is fine."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = node.func.value
        name = f"{owner.id if isinstance(owner, ast.Name) else getattr(owner, 'attr', '')}.{node.func.attr}"
        modes = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "mode")]
        writes = name == "av.open" and any(isinstance(m, ast.Constant) and m.value == "w" for m in modes)
        if name in DECODING and not writes:
            yield name


def import_time(path: Path, tree: ast.Module) -> Iterator[str]:
    """Modules imported when the file is, i.e. outside functions and ``if TYPE_CHECKING``."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield absolute(path, node)
        waiting.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(LIBRARY)))
def test_arrows(path: Path) -> None:
    assert violations(path, path.read_text(encoding="utf-8")) == []


def test_every_part_is_known() -> None:
    assert {part_of(path) for path in modules()} <= ALLOWED.keys()


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("ingest/x.py", "import torch", "ingest imports torch"),
        ("ingest/x.py", "from ..extract import faces", "ingest -> extract"),
        ("media.py", "from .pipeline import scan", "media -> pipeline"),
        ("detect/x.py", "def f():\n    from ..executors import local", "detect -> executors"),
        ("report/x.py", "import deepfake_detect.cli.scan", "report -> cli"),
        ("report/x.py", "from rich.table import Table", "report imports rich"),
        ("detect/x.py", "from PIL import Image\nImage.open('a')", "detect calls Image.open"),
        ("reship/x.py", "import av\nav.open(b, 'r')", "reship calls av.open"),
        ("detect/x.py", "import c2pa", "detect parses with c2pa"),
        ("detect/x.py", "def f():\n    import onnxruntime", "detect imports onnxruntime with its telemetry"),
        ("ingest/x.py", "import resource", "imports resource at import time"),
    ],
)  # fmt: skip
def test_a_wrong_arrow_is_found(file: str, source: str, expected: str) -> None:
    assert expected in violations(LIBRARY / file, source)


def test_allowed_work_is_not_flagged() -> None:
    assert violations(LIBRARY / "reship/x.py", "import av\nav.open(b, 'w')\nav.open(b, mode='w')") == []
    assert violations(LIBRARY / "ingest/x.py", "def f():\n    import resource") == []


@pytest.mark.parametrize("path", sorted((ROOT / "cli").glob("*.py")), ids=lambda p: p.name)
def test_rich_and_typer_live_only_in_the_command_line(path: Path) -> None:
    """The command line may use everything of the library but decodes nothing itself."""
    assert list(decoding_calls(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_importing_the_package_is_cheap() -> None:
    code = f"import sys, deepfake_detect; print(sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_datasets_is_no_package() -> None:
    """From the repository root it would shadow Hugging Face's ``datasets``."""
    assert not (ROOT / "datasets" / "__init__.py").exists()
