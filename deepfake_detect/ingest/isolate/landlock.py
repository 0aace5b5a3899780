"""Landlock (Linux 5.13): from now on this process reads only the folders named, writes nowhere, opens no TCP port.

Structures and constants: linux/landlock.h, https://docs.kernel.org/userspace-api/landlock.html. The system calls have
the same numbers on every architecture.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_ALL_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # by version of the interface
_TCP = 0b11  # bind, connect; version 4
_SCOPES = 0b11  # abstract UNIX sockets, signals; version 6
_PR_SET_NO_NEW_PRIVS = 38


def version() -> int:
    """Version of the kernel's interface; 0 where there is none."""
    import ctypes

    try:
        return max(int(ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)), 0)
    except (OSError, AttributeError):
        return 0


def restrict(readable: Iterable[str]) -> None:
    """Only for a process of one thread: others stay free. Raises ``OSError`` where the kernel refuses."""
    import ctypes

    class Ruleset(ctypes.Structure):
        _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))

    class PathBeneath(ctypes.Structure):
        _pack_ = 1
        _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))

    libc = ctypes.CDLL(None, use_errno=True)

    def call(*arguments: object) -> int:
        result = int(libc.syscall(*arguments))
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    has = version()
    files = next((bits for since, bits in sorted(_ALL_FILES.items(), reverse=True) if has >= since), 0)
    rules = Ruleset(files, _TCP if has >= 4 else 0, _SCOPES if has >= 6 else 0)
    size = 24 if has >= 6 else 16 if has >= 4 else 8
    ruleset = call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    try:
        for path in readable:
            try:
                folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue  # not on this system
            try:
                rule = PathBeneath(_READ_FILE | (_READ_DIR if os.path.isdir(path) else 0), folder)  # noqa: PTH112
                call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
            finally:
                os.close(folder)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "no_new_privs was refused")
        call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
