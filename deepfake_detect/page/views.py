"""The addresses of the page, and what is said when something goes wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..errors import DeepfakeDetectError
from ..report.language import N_
from . import render
from .desk import Desk
from .shown import Shown
from .taken import Taken

_PROBLEMS = {
    404: N_("There is no such page."),
    405: N_("There is no such page."),
    408: N_("The file took too long to arrive. Copy it to this computer and choose it again."),
    413: N_("This is larger than what can be taken here."),
}
_UNFORESEEN = N_("Something went wrong in the program. What you gave is still there: go on, or close this window.")

View = Callable[[Request], Awaitable[Response]]


def application(desk: Desk) -> Starlette:
    """The application, without its guard."""
    shown, taken = Shown(desk), Taken(desk)
    opened: Mapping[str, View] = {
        "/": shown.start, "/language": shown.language, "/files": shown.files, "/age": shown.age,
        "/country": shown.country, "/original": shown.original, "/progress": shown.progress,
        "/progress/now": shown.now, "/result": shown.result, "/technical": shown.technical, "/report.pdf": shown.pdf,
        "/case.zip": shown.archive, "/forget": shown.forget,
        "/page.css": _static(render.style(), "text/css"), "/page.js": _static(render.script(), "text/javascript"),
    }  # fmt: skip
    sent: Mapping[str, View] = {
        "/language": taken.language, "/files": taken.files, "/files/add": taken.add, "/files/remove": taken.remove,
        "/age": taken.age, "/country": taken.country, "/original": taken.original, "/original/add": taken.add,
        "/original/remove": taken.remove, "/progress/stop": taken.stop, "/forget": taken.forget,
        "/alive": taken.alive, "/closing": taken.closing,
    }  # fmt: skip
    routes = [Route(path, _noted(view, desk), methods=["GET"]) for path, view in opened.items()]
    routes += [Route(path, _noted(view, desk), methods=["POST"]) for path, view in sent.items()]
    handlers = dict.fromkeys((HTTPException, DeepfakeDetectError, Exception), _problems(desk))
    return Starlette(routes=routes, exception_handlers=handlers)


def _noted(view: View, desk: Desk) -> View:
    async def noted(request: Request) -> Response:
        desk.alive()
        return await view(request)

    return noted


def _problems(desk: Desk) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Says in the chosen language what went wrong: as a page, or to the script that sends files as plain text."""

    async def problem(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        text = desk.say(_PROBLEMS.get(status, _UNFORESEEN))
        if request.url.path.endswith("/add"):
            answer: Response = PlainTextResponse(text, status)
        else:
            answer = desk.page("problem", "problem", status, text=text)
        if isinstance(error, HTTPException):
            answer.headers.update(error.headers or {})
        return answer

    return problem


def _static(data: bytes, media_type: str) -> View:
    async def view(request: Request) -> Response:
        return Response(data, media_type=media_type)

    return view
