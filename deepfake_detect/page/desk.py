"""The one session that the page has, and how long the page lives."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from ..errors import DeepfakeDetectError
from ..report.language import N_, Language, translator
from ..report.referrals import read_referrals
from . import render
from .pace import time_left
from .place import Place
from .session import Item, Session, State, Step, previous
from .work import Work

_STATES = {
    State.WAITING: N_("Waiting"),
    State.WORKING: N_("Being examined"),
    State.DONE: N_("Done"),
    State.STOPPED: N_("Stopped"),
}
_CLOSING = 60.0  # s from the closing of the page to the end of the program
_ABSENT = 900.0  # s without a sign of life of a page that was not closed: browsers put hidden pages to sleep


class Desk:
    """``place``: where files are kept; ``referrals``: the list of who helps, None for the library's own; ``uploading``:
    held while files come in or go. Raises ``UsageError`` for a list that cannot be read.
    """

    def __init__(self, place: Place, referrals: Path | None) -> None:
        self.place, self._referrals = place, referrals
        self.helpers = read_referrals(referrals)
        self.uploading = asyncio.Lock()
        self.begin()
        self.alive()

    def begin(self) -> None:
        """A session in which nothing was said yet."""
        self.session = Session()
        self.work = Work(self.session, self.place, self._referrals)

    def forget(self) -> bool:
        """Stop what is at work and remove what is kept; returns whether all of it went. Takes as long as it takes."""
        self.work.end()
        try:
            self.place.clear()
        except DeepfakeDetectError:
            return False
        return True

    @property
    def over(self) -> bool:
        """Whether the page was closed, or gave no sign of life for long."""
        return time.monotonic() > self._until

    def alive(self) -> None:
        """The page gave a sign of life."""
        self._until = time.monotonic() + _ABSENT

    def closing(self) -> None:
        """The page is left: for another, which then gives a sign of life, or for good."""
        self._until = time.monotonic() + _CLOSING

    @property
    def room(self) -> int:
        """Bytes that can still be given."""
        used = sum(item.size for item in (*self.session.files, *self.session.originals))
        return max(self.place.room - used, 0)

    @property
    def language(self) -> Language:
        """The one that was chosen, or English."""
        return self.session.language or Language.EN

    def say(self, text: str) -> str:
        """A text of the catalogues in the chosen language."""
        return translator(self.language)(text)

    def page(self, template: str, step: str, status: int = 200, **values: Any) -> Response:
        """A page. ``step``: where the person is, for the choice of another language."""
        return HTMLResponse(render.page(template, self.language, step=step, **values), status)

    def step(self, step: Step, **values: Any) -> Response:
        """The page of a step, or the way to the one that comes first."""
        if not self.session.may_see(step):
            return go(self.session.step)
        return self.page(step.value, step.value, previous=previous(step), **values)

    def doing(self) -> str:
        """What is going on, in a sentence."""
        working = next((item.number for item in self.session.files if item.state is State.WORKING), None)
        unfinished = any(item.state in (State.WAITING, State.WORKING) for item in self.session.files)
        if unfinished and not any(map(can_be_stopped, self.session.files)):
            return self.say(N_("The examination is being stopped."))
        if not self.work.loaded:
            return self.say(N_("The tests are being made ready."))
        if working is None:
            return self.say(N_("The result is being written."))
        sentence = self.say(N_("File {number} of {count} is being examined."))
        return sentence.format(number=working, count=len(self.session.files))

    def left(self) -> str:
        """How long it may still take, in words; nothing where no file is left to wait for."""
        if not any(map(can_be_stopped, self.session.files)):
            return ""
        return time_left(self.work.left(), self.say)

    def state_of(self, item: Item) -> str:
        """Of a file, in words; one that is to be stopped counts as stopped at once."""
        stopped = item.cancel.is_set() and item.state is not State.DONE
        return self.say(_STATES[State.STOPPED if stopped else item.state])


def can_be_stopped(item: Item) -> bool:
    """Whether a file is not done and was not stopped."""
    return item.state in (State.WAITING, State.WORKING) and not item.cancel.is_set()


def go(step: str) -> Response:
    """On to a page."""
    return RedirectResponse(f"/{step}", 303)
