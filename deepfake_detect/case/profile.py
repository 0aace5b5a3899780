"""Which profile an installation works with: an option, the environment, or a line of the configuration file.

profile = "survivor"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ..errors import UsageError
from .layout import Profile

VARIABLE = "DEEPFAKE_DETECT_PROFILE"


def config_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the configuration of this person's installation lies."""
    base = environment.get("XDG_CONFIG_HOME") or environment.get("APPDATA")
    return (Path(base) if base else Path.home() / ".config") / "deepfake-detect" / "config.toml"


def choose_profile(option: str | None, environment: Mapping[str, str] = os.environ) -> Profile:
    """``option`` comes before the environment, that before the file.

    Raises ``UsageError`` for a profile that does not exist or a file that cannot be read: an installation that means to
    protect people must not fall back to one that does not.
    """
    path = config_file(environment)
    sources = (
        (option, "--profile"),
        (environment.get(VARIABLE) or None, VARIABLE),
        (None if option or environment.get(VARIABLE) else _from_file(path), str(path)),
    )
    for value, where in sources:
        if value is not None:
            try:
                return Profile(value)
            except ValueError:
                raise UsageError(f"{where}: no profile {value!r}", f"Known: {', '.join(Profile)}.") from None
    return Profile.STANDARD


def _from_file(path: Path) -> str | None:
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8")).get("profile")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "Correct it, or name a profile with --profile.") from error
    return None if value is None else str(value)
