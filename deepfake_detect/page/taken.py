"""What the page takes: answers, files, and what is to be stopped or forgotten."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..case.wipe import LIMITS
from ..report.language import Language
from . import bodies, countries
from .desk import Desk, go
from .pace import Kind
from .session import MOST_FILES, Item, Step

_ALSO = frozenset({"technical", "forget"})  # pages beside the steps, on which another language can be chosen


class Taken:
    """A method for each address that something is sent to."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def language(self, request: Request) -> Response:
        """The language, and back to where it was chosen."""
        fields = await bodies.form(request)
        try:
            self._desk.session.language = Language(fields.get("language", ""))
        except ValueError:
            return go(Step.LANGUAGE)
        back = fields.get("back", "")
        return go(back if back in {*_ALSO, *Step} - {Step.LANGUAGE} else self._desk.session.step)

    async def add(self, request: Request) -> Response:
        """A file as the browser reads it: bytes and a media type, no name."""
        desk = self._desk
        step, into = self._aimed(request)
        async with desk.uploading:
            if desk.session.started or not desk.session.may_see(step):
                raise HTTPException(405)
            if len(into) >= MOST_FILES:
                raise HTTPException(413)
            path = desk.place.new_file(step.value)
            size = await bodies.save(request, path, desk.room)
            desk.session.add(into, path, size, Kind.of(request.headers.get("content-type", "")))
        return PlainTextResponse("")

    async def remove(self, request: Request) -> Response:
        """A file that was given by mistake."""
        step, into = self._aimed(request)
        number = (await bodies.form(request)).get("number", "")
        if not self._desk.session.started:
            for item in [item for item in into if str(item.number) == number]:
                item.path.unlink(missing_ok=True)
                into.remove(item)
        return go(step)

    def _aimed(self, request: Request) -> tuple[Step, list[Item]]:
        session = self._desk.session
        if request.url.path.startswith("/original/"):
            return Step.ORIGINAL, session.originals
        return Step.FILES, session.files

    async def files(self, request: Request) -> Response:
        """All files were given."""
        session = self._desk.session
        session.files_given = bool(session.files)
        return go(Step.AGE if session.files_given else Step.FILES)

    async def age(self, request: Request) -> Response:
        """Whether a child may be shown."""
        answer = (await bodies.form(request)).get("minor")
        if self._desk.session.started or answer not in ("yes", "no"):
            return go(self._desk.session.step)
        self._desk.session.say_minor(answer == "yes")
        return go(Step.COUNTRY)

    async def country(self, request: Request) -> Response:
        """Where help is needed."""
        session = self._desk.session
        answer = (await bodies.form(request)).get("country")
        if session.started or answer not in dict(countries.choices(self._desk.helpers, self._desk.say)):
            return go(session.step)
        session.country = None if answer == countries.UNSAID else answer
        session.country_given = True
        return go(Step.ORIGINAL)

    async def original(self, request: Request) -> Response:
        """The originals were given, or there are none: begin."""
        async with self._desk.uploading:
            if self._desk.session.step is Step.ORIGINAL:
                self._desk.work.start()
        return go(self._desk.session.step)

    async def stop(self, request: Request) -> Response:
        """One file or all."""
        number = (await bodies.form(request)).get("number", "")
        if number == "all":
            self._desk.work.stop()
        elif number.isdecimal():
            self._desk.work.stop(int(number))
        return go(self._desk.session.step)

    async def forget(self, request: Request) -> Response:
        """Remove everything; only the language stays."""
        desk, language = self._desk, self._desk.language
        async with desk.uploading:
            removed = await run_in_threadpool(desk.forget)
            desk.begin()
        desk.session.language = language
        return desk.page("forgotten", "forgotten", limits=LIMITS, in_memory=desk.place.in_memory, removed=removed)

    async def alive(self, request: Request) -> Response:
        """A sign of life, which every request is."""
        return Response(status_code=204)

    async def closing(self, request: Request) -> Response:
        """The page is left."""
        self._desk.closing()
        return Response(status_code=204)
