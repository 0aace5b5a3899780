"""Closing the worker: what the system offers is switched on, then tried out, and only what was found shut is told."""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from . import landlock, syscalls

NOTHING = "none: this system offers neither seccomp nor Landlock"
NO_SECCOMP, NO_LANDLOCK = "not active: seccomp", "not active: Landlock"
_OPEN_FILES = 64
_GIB = 2**30


def close(max_memory: int) -> tuple[str, ...]:
    """Shut this process off, for good. ``max_memory``: bytes beyond those in use now.

    Returns what is active, one short text each; ``NOTHING`` first where the system offers no sandbox.
    """
    limits = _limit(max_memory)
    filtered = _seccomp()  # first: finding libseccomp reads /etc and starts ldconfig
    read_only = _landlock()
    if not filtered and not read_only:
        return (NOTHING, *limits)
    return (*(filtered or (NO_SECCOMP,)), *(read_only or (NO_LANDLOCK,)), *limits)


def _limit(max_memory: int) -> tuple[str, ...]:
    """CPU time is limited by the scanner, from outside, file by file."""
    import resource

    def limited(what: int, value: int) -> bool:
        _, hard = resource.getrlimit(what)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (value, value))
        return resource.getrlimit(what) == (value, value)

    active = []
    if limited(resource.RLIMIT_AS, _address_space() + max_memory):
        active.append(f"memory limit {max_memory / _GIB:.1f} GiB")
    if limited(resource.RLIMIT_FSIZE, 0):
        active.append("written bytes limit 0")
    if limited(resource.RLIMIT_NOFILE, _OPEN_FILES):
        active.append(f"open files limit {_OPEN_FILES}")
    if limited(resource.RLIMIT_CORE, 0):
        active.append("no core dump")
    return tuple(active)


def _address_space() -> int:
    """Bytes mapped now; 0 where that is not told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _landlock() -> tuple[str, ...]:
    version = landlock.version()
    if not version or len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        return ()
    try:
        landlock.restrict(_readable())
    except OSError:
        return ()
    if not (_refused(lambda: os.listdir("/")) and _refused(lambda: os.open("/dev/null", os.O_WRONLY))):  # noqa: PTH208
        return ()
    return (f"Landlock {version}: reads only program folders, writes nowhere",)


def _readable() -> list[str]:
    """Folders of Python, of the packages and of the system's libraries, and what the C library asks of the system."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    paths += [str(Path(__file__).parents[2]), f"{sys.base_prefix}/lib"]
    return [*paths, "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/proc/self", "/sys/devices/system/cpu"]


def _seccomp() -> tuple[str, ...]:
    try:
        syscalls.refuse()
    except (ImportError, OSError, RuntimeError, ValueError, AttributeError):
        return ()
    trials: dict[str, tuple[Callable[[], object], ...]] = {
        "no network": (socket.socket, lambda: socket.socket(socket.AF_INET6), lambda: socket.socket(socket.AF_UNIX)),
        "no new process or program": (_fork, lambda: os.execv("/nonexistent", ("nonexistent",))),
        "no file opened for writing": (
            lambda: os.open("/dev/null", os.O_WRONLY), lambda: os.open("/dev/null", os.O_RDWR),
        ),
        "no signal to others": (lambda: os.kill(os.getppid(), 0),),
    }  # fmt: skip
    shut = [name for name, attempts in trials.items() if all(_refused(attempt) for attempt in attempts)]
    return (f"seccomp: {', '.join(shut)}",) if shut else ()


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _refused(act: Callable[[], object]) -> bool:
    """Whether the system says that this is not permitted; whatever was opened is left to the process's end."""
    try:
        act()
    except PermissionError:
        return True
    except OSError:
        return False
    return False
