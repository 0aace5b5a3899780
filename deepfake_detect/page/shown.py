"""What the page shows and hands out."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from ..case.produce import Audience
from . import countries
from .desk import Desk, can_be_stopped, go
from .session import MOST_FILES, Step

_DOWNLOADS = {Audience.SURVIVOR: "report.pdf", Audience.COURT: "technical-report.pdf"}


class Shown:
    """A method for each address that is opened."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def start(self, request: Request) -> Response:
        """The step that is open."""
        return go(self._desk.session.step)

    async def language(self, request: Request) -> Response:
        """The first question, in every language."""
        return self._desk.page("language", "language")

    async def files(self, request: Request) -> Response:
        """What is to be examined."""
        return self._drop(Step.FILES)

    async def age(self, request: Request) -> Response:
        """Whether a child may be shown."""
        return self._desk.step(Step.AGE, minor=bool(self._desk.session.minor))

    async def country(self, request: Request) -> Response:
        """Where help is needed."""
        return self._desk.step(Step.COUNTRY, countries=countries.choices(self._desk.helpers, self._desk.say))

    async def original(self, request: Request) -> Response:
        """What to compare with."""
        return self._drop(Step.ORIGINAL)

    def _drop(self, step: Step) -> Response:
        session = self._desk.session
        items = session.originals if step is Step.ORIGINAL else session.files
        return self._desk.step(step, items=items, room=self._desk.room, most=MOST_FILES)

    async def progress(self, request: Request) -> Response:
        """What is going on."""
        desk = self._desk
        states = {item.number: desk.state_of(item) for item in desk.session.files}
        still = {item.number for item in desk.session.files if can_be_stopped(item)}
        return desk.step(
            Step.PROGRESS, items=desk.session.files, states=states, open=still, now=desk.doing(),
            left=desk.left(),
        )  # fmt: skip

    async def now(self, request: Request) -> Response:
        """What is going on, for the script of that page."""
        desk = self._desk
        files = [
            {"number": item.number, "state": desk.state_of(item), "open": can_be_stopped(item)}
            for item in desk.session.files
        ]
        finished = not desk.session.busy
        return JSONResponse({"finished": finished, "now": desk.doing(), "left": desk.left(), "files": files})

    async def result(self, request: Request) -> Response:
        """The survivor's page."""
        return await self._document(Audience.SURVIVOR, "result")

    async def technical(self, request: Request) -> Response:
        """The report for a court."""
        return await self._document(Audience.COURT, "technical")

    async def _document(self, audience: Audience, step: str) -> Response:
        desk = self._desk
        if not desk.session.finished:
            return go(desk.session.step)
        document = await run_in_threadpool(desk.work.document, audience, desk.language)
        notices = [desk.say(text) for text in (desk.session.problem, desk.work.notice) if text]
        kept = desk.work.kept
        return desk.page("result", step, document=document, audience=audience.value, notices=notices, kept=kept)

    async def pdf(self, request: Request) -> Response:
        """A report as a file."""
        if not (self._desk.session.finished and self._desk.work.kept):
            return go(self._desk.session.step)
        audience = Audience.COURT if request.query_params.get("for") == "court" else Audience.SURVIVOR
        path = await run_in_threadpool(self._desk.work.pdf, audience, self._desk.language)
        return FileResponse(path, media_type="application/pdf", filename=_DOWNLOADS[audience])

    async def archive(self, request: Request) -> Response:
        """The case folder as a file."""
        if not (self._desk.session.finished and self._desk.work.kept):
            return go(self._desk.session.step)
        path = await run_in_threadpool(self._desk.work.archive)
        gone = BackgroundTask(path.unlink, missing_ok=True)
        return FileResponse(path, media_type="application/zip", filename="case.zip", background=gone)

    async def forget(self, request: Request) -> Response:
        """Whether all is to be removed."""
        return self._desk.page("forget", "forget")
