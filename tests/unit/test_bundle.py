"""Bundles: what is resolved, what an installer refuses, and an installation without any network."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from deepfake_detect.bundle import make as making
from deepfake_detect.bundle import wheels
from deepfake_detect.bundle.platforms import PLATFORMS, this_platform
from deepfake_detect.errors import UsageError

ROOT = Path(__file__).parents[2]


def _installer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("installer", ROOT / "deepfake_detect" / "bundle" / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle whose only wheel is not one."""
    folder = tmp_path / "a bundle"
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels" / "x-1-py3-none-any.whl").write_bytes(b"x")
    for platform in PLATFORMS.values():
        making._add_installer(folder, platform)
    making.write_sums(folder)
    return folder


def test_an_untouched_bundle_is_accepted(folder: Path) -> None:
    assert _installer().wrong_files(folder) == []
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    assert {"install.cmd", "install.command", "install.sh", "install.py"} < {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["wheels/x-1-py3-none-any.whl", "install.py", "wheels/new.whl", "gone"])
def test_a_changed_added_or_missing_file_stops_the_installation(folder: Path, tmp_path: Path, name: str) -> None:
    if name == "gone":
        name = "wheels/x-1-py3-none-any.whl"
        (folder / name).unlink()
    else:
        with (folder / name).open("ab") as stream:
            stream.write(b"\n")
    assert _installer().wrong_files(folder) == [name]
    target = tmp_path / "target"
    done = subprocess.run(
        [sys.executable, str(folder / "install.py"), "--to", str(target)], capture_output=True, text=True
    )
    assert done.returncode == 1 and name in done.stdout and not target.exists()


def test_a_starter_runs_what_was_installed(tmp_path: Path) -> None:
    """The line of a .desktop file, unquoted as the freedesktop specification says."""
    program = tmp_path / 'a "strange" $folder 100%' / "deepfake-detect"
    (starter,) = _installer().write_starters(program, [tmp_path, tmp_path / "missing"])
    assert os.access(starter, os.X_OK)
    (line,) = [line for line in starter.read_text().splitlines() if line.startswith("Exec=")]
    unescaped = line.removeprefix("Exec=").replace("\\\\", "\\").replace("%%", "%")
    assert shlex.split(unescaped) == [str(program), "open"]


def test_only_known_platforms_and_new_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="amiga"):
        making.make("amiga", tmp_path / "new", ROOT)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="not empty"):
        making.make("windows-x86_64", tmp_path, ROOT)
    with pytest.raises(UsageError, match="no checkout"):
        making.make("windows-x86_64", tmp_path / "new", tmp_path)


def test_what_has_no_wheel_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], environment: object = None) -> str:
        if command[-1].startswith("pdqhash"):
            raise wheels.BundleError("no wheel")
        return ""

    monkeypatch.setattr(wheels, "_run", run)
    other = next(name for name in PLATFORMS if name != this_platform())
    with pytest.raises(wheels.BundleError, match=r"pdqhash==0\.2\.8 is published for .* as source only"):
        wheels.fetch(["av==18", "pdqhash==0.2.8"], PLATFORMS[other], tmp_path, False)


@pytest.mark.slow
def test_a_bundle_installs_and_runs_without_a_network(tmp_path: Path) -> None:
    """Needs root, the extra `bundle`, and some 10 GB: the build with CUDA, since PyTorch's own index may be out of
    reach. What is installed sees loopback alone. On a busy machine give `-o faulthandler_timeout=3600`.
    """
    name = this_platform()
    assert name is not None and shutil.which("unshare") and shutil.which("ip")
    bounds = tmp_path / "bounds.txt"
    bounds.write_text("torch<=2.14.1\ntorchvision<=0.29.1\n")
    folder, target, home = tmp_path / "bundle", tmp_path / "installed", tmp_path / "home"
    (home / "Desktop").mkdir(parents=True)
    making.make(name, folder, ROOT, bounds, cpu=False)
    alone = ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "OMP_WAIT_POLICY": "PASSIVE"}
    interfaces = subprocess.run([*alone, "ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert len(interfaces.splitlines()) == 1 and " lo:" in interfaces
    install = [sys.executable, str(folder / "install.py"), "--to", str(target)]
    subprocess.run([*alone, *install], check=True, env=environment, cwd="/")
    scan = [str(target / "bin" / "deepfake-detect"), "scan", str(ROOT / "samples" / "clip.mp4")]
    done = subprocess.run([*alone, *scan], env=environment, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0 and "clip.mp4" in done.stdout, done.stderr
    assert (home / "Desktop" / "Deepfake Detect.desktop").is_file()
    code = (
        "import subprocess, sys, urllib.request as u\n"
        "p = subprocess.Popen([sys.argv[1], 'open', '--no-browser'], stdout=subprocess.PIPE, text=True)\n"
        "o = u.build_opener(u.HTTPCookieProcessor())\n"
        "print(o.open(p.stdout.readline().strip()).read().decode())\n"
        "p.terminate(); p.wait(30)"
    )
    opened = [sys.executable, "-c", code, str(target / "bin" / "deepfake-detect")]
    done = subprocess.run([*alone, *opened], env=environment, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0 and "Choisissez votre langue" in done.stdout, done.stderr
