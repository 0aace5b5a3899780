"""What the options of the record mean for a run: what heads its reports, and whose pictures and names are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepfake_detect.case.private import Handling

LONGEST = 200


def handling(
    profile: str | None, survivor: bool, minor: bool,
    case_id: str | None, exhibit: str | None, examiner: str | None, organisation: str | None,
) -> Handling:  # fmt: skip
    """The handling that the options ask for. Raises ``UsageError``."""
    from deepfake_detect.case.private import Handling
    from deepfake_detect.case.profile import choose_profile
    from deepfake_detect.errors import UsageError
    from deepfake_detect.findings import CaseRecord

    if survivor and profile not in (None, "survivor"):
        raise UsageError(f"--survivor and --profile {profile} contradict each other", "Give one of them.")
    typed = {"--case-id": case_id, "--exhibit": exhibit, "--examiner": examiner, "--organisation": organisation}
    for option, text in typed.items():
        if text is not None and (not text.strip() or len(text) > LONGEST or not text.isprintable()):
            raise UsageError(f"{option} takes 1 to {LONGEST} printable characters", "Shorten or correct it.")
    record = CaseRecord(case_id, exhibit, examiner, organisation, minor)
    return Handling(record, choose_profile("survivor" if survivor else profile))


def keeps_pictures(asked: bool | None, handled: Handling) -> bool:
    """Whether crops and maps are kept: as asked; otherwise not of a survivor; of a child never.

    Raises ``UsageError``.
    """
    from deepfake_detect.errors import UsageError

    if handled.minor:
        if asked:
            raise UsageError("a child is or may be shown: no picture is kept", "Leave --pictures out.")
        return False
    return not handled.survivor if asked is None else asked


def of_installation() -> Handling:
    """The handling of a command that has no such options: that of the installation. Raises ``UsageError``."""
    return handling(None, False, False, None, None, None, None)


@contextmanager
def nameless_errors(handled: Handling) -> Iterator[None]:
    """An error about a file that cannot be read tells its name only if it may be told."""
    from deepfake_detect.errors import UnreadableError

    try:
        yield
    except UnreadableError as error:
        raise UnreadableError("a file cannot be read", error.hint) if handled.survivor else error from None
