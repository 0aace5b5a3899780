"""The addresses of the page: each shows a step, takes an answer, or hands out what was made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ..case.produce import Audience
from ..case.wipe import LIMITS
from ..errors import DeepfakeDetectError
from ..report.language import N_, Language, translator
from ..report.referrals import read_referrals
from . import bodies, countries, render
from .pace import Kind, time_left
from .place import Place
from .session import MOST_FILES, Item, Session, State, Step
from .work import Work

_ASKED = N_("Choose your language")
_STATES = {
    State.WAITING: N_("Waiting"),
    State.WORKING: N_("Being examined"),
    State.DONE: N_("Done"),
    State.STOPPED: N_("Stopped"),
}
_PROBLEMS = {
    404: N_("There is no such page."),
    405: N_("There is no such page."),
    408: N_("The file took too long to arrive. Copy it to this computer and choose it again."),
    413: N_("This is larger than what can be taken here."),
}
_UNFORESEEN = N_("Something went wrong in the program. What you gave is still there: go on, or close this window.")
_DOWNLOADS = {Audience.SURVIVOR: "report.pdf", Audience.COURT: "technical-report.pdf"}
_CLOSING = 60.0  # s from the closing of the page to the end of the program
_ABSENT = 900.0  # s without a sign of life of a page that was not closed: browsers put hidden pages to sleep

View = Callable[[Request], Awaitable[Response]]


class Views:
    """``room`` and the like are those of ``place``; ``referrals``: the list of who helps, None for the library's."""

    def __init__(self, place: Place, referrals: Path | None) -> None:
        self._place, self._referrals = place, referrals
        self._helpers = read_referrals(referrals)
        self._uploading = asyncio.Lock()
        self._fresh()
        self._until = time.monotonic() + _ABSENT

    def _fresh(self) -> None:
        self.session = Session()
        self.work = Work(self.session, self._place, self._referrals)

    @property
    def over(self) -> bool:
        """Whether the page was closed, or gave no sign of life for long."""
        return time.monotonic() > self._until

    def application(self) -> Starlette:
        """The application, without its guard."""
        shown: dict[str, View] = {
            "/": self._start, "/language": self._language, "/files": self._files, "/age": self._age,
            "/country": self._country, "/original": self._original, "/progress": self._progress,
            "/progress/now": self._now, "/result": self._result, "/technical": self._technical,
            "/report.pdf": self._pdf, "/case.zip": self._zip, "/forget": self._forget,
            "/page.css": _static(render.style(), "text/css"), "/page.js": _static(render.script(), "text/javascript"),
        }  # fmt: skip
        taken: dict[str, View] = {
            "/language": self._take_language, "/files": self._take_files, "/files/add": self._add,
            "/files/remove": self._remove, "/age": self._take_age, "/country": self._take_country,
            "/original": self._take_original, "/original/add": self._add, "/original/remove": self._remove,
            "/progress/stop": self._stop, "/forget": self._take_forget, "/alive": _nothing, "/closing": self._closing,
        }  # fmt: skip
        routes = [Route(path, self._alive(view), methods=["GET"]) for path, view in shown.items()]
        routes += [Route(path, self._alive(view), methods=["POST"]) for path, view in taken.items()]
        handlers = {HTTPException: self._refuse, DeepfakeDetectError: self._unforeseen, Exception: self._unforeseen}
        return Starlette(routes=routes, exception_handlers=handlers)

    def _alive(self, view: View) -> View:
        async def noted(request: Request) -> Response:
            self._until = time.monotonic() + _ABSENT
            return await view(request)

        return noted

    # What is shown

    async def _start(self, request: Request) -> Response:
        return _go(self.session.step)

    async def _language(self, request: Request) -> Response:
        asked = {language: translator(language)(_ASKED) for language in Language}
        return self._page("language", "language", asked=asked)

    async def _files(self, request: Request) -> Response:
        return self._step(Step.FILES, items=self.session.files, room=self._room, most=MOST_FILES)

    async def _age(self, request: Request) -> Response:
        return self._step(Step.AGE, minor=bool(self.session.minor))

    async def _country(self, request: Request) -> Response:
        return self._step(Step.COUNTRY, countries=countries.choices(self._helpers, self._say))

    async def _original(self, request: Request) -> Response:
        return self._step(Step.ORIGINAL, items=self.session.originals, room=self._room, most=MOST_FILES)

    async def _progress(self, request: Request) -> Response:
        states = {item.number: self._say(_STATES[_state(item)]) for item in self.session.files}
        still = {item.number for item in self.session.files if _open(item)}
        return self._step(
            Step.PROGRESS, items=self.session.files, states=states, open=still, now=self._doing(),
            left=time_left(self.work.left(), self._say),
        )  # fmt: skip

    async def _now(self, request: Request) -> Response:
        files = [
            {"number": item.number, "state": self._say(_STATES[_state(item)]), "open": _open(item)}
            for item in self.session.files
        ]
        left = time_left(self.work.left(), self._say)
        return JSONResponse({"finished": not self.session.busy, "now": self._doing(), "left": left, "files": files})

    async def _result(self, request: Request) -> Response:
        return await self._document(Audience.SURVIVOR, "result")

    async def _technical(self, request: Request) -> Response:
        return await self._document(Audience.COURT, "technical")

    async def _document(self, audience: Audience, step: str) -> Response:
        if not self.session.finished:
            return _go(self.session.step)
        document = await run_in_threadpool(self.work.document, audience, self._spoken)
        notices = [self._say(text) for text in (self.session.problem, self.work.notice) if text]
        return self._page(
            "result", step, document=document, audience=audience.value, notices=notices, kept=self.work.kept
        )

    async def _pdf(self, request: Request) -> Response:
        if not (self.session.finished and self.work.kept):
            return _go(self.session.step)
        audience = Audience.COURT if request.query_params.get("for") == "court" else Audience.SURVIVOR
        path = await run_in_threadpool(self.work.pdf, audience, self._spoken)
        return FileResponse(path, media_type="application/pdf", filename=_DOWNLOADS[audience])

    async def _zip(self, request: Request) -> Response:
        if not (self.session.finished and self.work.kept):
            return _go(self.session.step)
        path = await run_in_threadpool(self.work.archive)
        gone = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type="application/zip", filename="case.zip", background=gone)

    async def _forget(self, request: Request) -> Response:
        return self._page("forget", "forget")

    # What is taken

    async def _take_language(self, request: Request) -> Response:
        fields = await bodies.form(request)
        try:
            self.session.language = Language(fields.get("language", ""))
        except ValueError:
            return _go(Step.LANGUAGE)
        back = fields.get("back", "")
        return _go(back) if back in {"technical", "forget", *Step} - {Step.LANGUAGE} else _go(self.session.step)

    async def _add(self, request: Request) -> Response:
        """A file as the browser reads it: bytes and a media type, no name."""
        originals = request.url.path.startswith("/original/")
        into, folder = (self.session.originals, "originals") if originals else (self.session.files, "files")
        async with self._uploading:
            if self.session.started or not self.session.may_see(Step.ORIGINAL if originals else Step.FILES):
                raise HTTPException(405)
            if len(into) >= MOST_FILES:
                raise HTTPException(413)
            path = self._place.new_file(folder)
            size = await bodies.save(request, path, self._room)
            kind = Kind.of(request.headers.get("content-type", ""))
            self.session.add(into, path, size, kind)
        return PlainTextResponse("")

    async def _remove(self, request: Request) -> Response:
        step = Step.ORIGINAL if request.url.path.startswith("/original/") else Step.FILES
        into = self.session.originals if step is Step.ORIGINAL else self.session.files
        number = (await bodies.form(request)).get("number", "")
        if not self.session.started:
            for item in [item for item in into if str(item.number) == number]:
                item.path.unlink(missing_ok=True)
                into.remove(item)
        return _go(step)

    async def _take_files(self, request: Request) -> Response:
        self.session.files_given = bool(self.session.files)
        return _go(Step.AGE if self.session.files_given else Step.FILES)

    async def _take_age(self, request: Request) -> Response:
        answer = (await bodies.form(request)).get("minor")
        if self.session.started or answer not in ("yes", "no"):
            return _go(self.session.step)
        self.session.say_minor(answer == "yes")
        return _go(Step.COUNTRY)

    async def _take_country(self, request: Request) -> Response:
        answer = (await bodies.form(request)).get("country")
        if self.session.started or answer not in dict(countries.choices(self._helpers, self._say)):
            return _go(self.session.step)
        self.session.country = None if answer == countries.UNSAID else answer
        self.session.country_given = True
        return _go(Step.ORIGINAL)

    async def _take_original(self, request: Request) -> Response:
        async with self._uploading:
            if self.session.step is Step.ORIGINAL:
                self.work.start()
        return _go(self.session.step)

    async def _stop(self, request: Request) -> Response:
        number = (await bodies.form(request)).get("number", "")
        if number == "all":
            self.work.stop()
        elif number.isdecimal():
            self.work.stop(int(number))
        return _go(self.session.step)

    async def _take_forget(self, request: Request) -> Response:
        language = self._spoken
        async with self._uploading:
            removed = await run_in_threadpool(self._clear)
            self._fresh()
        self.session.language = language
        return self._page("forgotten", "forgotten", limits=LIMITS, in_memory=self._place.in_memory, removed=removed)

    def _clear(self) -> bool:
        self.work.end()
        try:
            self._place.clear()
        except DeepfakeDetectError:
            return False
        return True

    async def _closing(self, request: Request) -> Response:
        self._until = time.monotonic() + _CLOSING
        return Response(status_code=204)

    # What goes wrong

    async def _refuse(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        return self._problem(request, _PROBLEMS.get(status, _UNFORESEEN), status, headers)

    async def _unforeseen(self, request: Request, error: Exception) -> Response:
        return self._problem(request, _UNFORESEEN, 500)

    def _problem(self, request: Request, text: str, status: int, headers: object = None) -> Response:
        said = self._say(text)
        more = dict(headers) if isinstance(headers, dict) else None
        if request.url.path.endswith("/add"):
            return PlainTextResponse(said, status, more)
        return HTMLResponse(render.page("problem", self._spoken, step="problem", text=said), status, more)

    # What the rest is made of

    @property
    def _room(self) -> int:
        used = sum(item.size for item in (*self.session.files, *self.session.originals))
        return max(self._place.room - used, 0)

    @property
    def _spoken(self) -> Language:
        return self.session.language or Language.EN

    def _say(self, text: str) -> str:
        return translator(self._spoken)(text)

    def _page(self, template: str, step: str, **values: object) -> Response:
        return HTMLResponse(render.page(template, self._spoken, step=step, **values))

    def _step(self, step: Step, **values: object) -> Response:
        if not self.session.may_see(step):
            return _go(self.session.step)
        return self._page(step.value, step.value, **values)

    def _doing(self) -> str:
        """What is going on, in a sentence."""
        working = next((item.number for item in self.session.files if item.state is State.WORKING), None)
        if not self.work.loaded:
            return self._say(N_("The tests are being made ready."))
        if working is None:
            return self._say(N_("The result is being written."))
        sentence = self._say(N_("File {number} of {count} is being examined."))
        return sentence.format(number=working, count=len(self.session.files))


def _state(item: Item) -> State:
    """As it is shown: a file that is to be stopped counts as stopped at once."""
    return State.STOPPED if item.cancel.is_set() and item.state is not State.DONE else item.state


def _open(item: Item) -> bool:
    return _state(item) in (State.WAITING, State.WORKING)


def _go(step: str) -> Response:
    return RedirectResponse(f"/{step}", 303)


async def _nothing(request: Request) -> Response:
    return Response(status_code=204)


def _static(data: bytes, media_type: str) -> View:
    async def view(request: Request) -> Response:
        return Response(data, media_type=media_type)

    return view
