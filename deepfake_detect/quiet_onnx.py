"""onnxruntime, told before it starts that nothing leaves this machine.

Unless it is told so, it keeps a device id and a queue in the user's cache folder and uploads which models were run on
what machine (https://github.com/microsoft/onnxruntime/pull/27379: from 1.29 on also on Linux and macOS). It looks at
the environment only once, while it is imported.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OPT_OUT = ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED")  # the name of the releases, and of a later source
_lock = threading.Lock()


def load_onnxruntime() -> Any:
    """The module ``onnxruntime``. A host program that imported it before us keeps what it began; from now on even
    that one's events are off.
    """
    with _lock, _opted_out():
        import onnxruntime

        onnxruntime.disable_telemetry_events()
    return onnxruntime


@contextmanager
def _opted_out() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _OPT_OUT}
    os.environ.update(dict.fromkeys(_OPT_OUT, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
