"""onnxruntime, told before it starts that nothing leaves this machine.

Unless it is told so, it keeps a device id and a queue in the user's cache folder and uploads which models were run on
what machine (https://github.com/microsoft/onnxruntime/pull/27379: from 1.29 on also on Linux and macOS). It looks at
the environment only once, while it is imported.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
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


def cpu_session(graph: bytes, external: Mapping[str, bytes] | None = None, **settings: Any) -> Any:
    """An ``InferenceSession`` of an ONNX graph on the CPU; its threads sleep while they wait.

    ``external``: tensors that the graph keeps in other files, by the name it gives these. ``settings``: attributes of
    ``SessionOptions``. Raises what onnxruntime raises, whose errors share no base class.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for name, value in settings.items():
        setattr(options, name, value)
    if external:
        options.add_external_initializers_from_files_in_memory(
            list(external), list(external.values()), [len(data) for data in external.values()]
        )
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


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
