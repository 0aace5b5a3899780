"""Who may talk to the page: one browser, at this address, from the page itself.

Cookies know no ports, so the cookie alone does not keep out another server on this machine: every request must name
the page as its host, and must come from the page itself as far as the browser tells (``Origin``, ``Sec-Fetch-Site``).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from html import escape

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..report.language import N_, Language, translator
from ..report.policy import hash_source

ENTER = "/enter/"
# Who is refused gets no style sheet either.
_STYLE = "body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; font: 1.1rem/1.55 system-ui, sans-serif; }"
_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'self' {hash_source(_STYLE)}; script-src 'self'; connect-src 'self';"
        " img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send "Origin: null" with a form
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",  # a link to who helps asks nobody for its address before it is opened
    "X-Frame-Options": "DENY",
}
_CLOSED = N_("This page belongs to another window, or was closed. Open the program again.")


class Guard:
    """ASGI middleware in front of ``app``, for the page on ``port``."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._host = f"127.0.0.1:{port}"
        self._secret: str | None = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        self._name = f"deepfake-detect-{port}"

    @property
    def address(self) -> str:
        """What the browser is opened on; it lets in once."""
        return f"http://{self._host}{ENTER}{self._secret}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through to the page, or refuse it."""
        if scope["type"] != "http":
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        answer = self._answer(scope["method"], scope["path"], Headers(scope=scope))
        await (answer or self._app)(scope, receive, headed)

    def _answer(self, method: str, path: str, headers: Headers) -> Response | None:
        """What the guard itself says; None where the page may."""
        if headers.getlist("host") != [self._host]:
            return _refused(421)
        if not self._from_here(method, headers):
            return _refused(403)
        if path.startswith(ENTER):
            return self._enter(method, path.removeprefix(ENTER))
        cookies = cookie_parser(headers.get("cookie", ""))
        if not hmac.compare_digest(cookies.get(self._name, "").encode(), self._cookie.encode()):
            return _refused(403)
        return None

    def _from_here(self, method: str, headers: Headers) -> bool:
        origins = headers.getlist("origin")
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return False
        return origins == [f"http://{self._host}"] or (not origins and method in ("GET", "HEAD"))

    def _enter(self, method: str, secret: str) -> Response:
        if method != "GET" or self._secret is None or not hmac.compare_digest(secret.encode(), self._secret.encode()):
            return _refused(403)
        self._secret = None
        response = RedirectResponse("/", 303)
        response.set_cookie(self._name, self._cookie, httponly=True, samesite="strict")
        return response


def _refused(status: int) -> Response:
    """In every language, since none was chosen."""
    said = "".join(f'<p lang="{language}">{escape(translator(language)(_CLOSED))}</p>' for language in Language)
    page = (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>deepfake-detect</title><style>{_STYLE}</style><main>{said}</main></html>"
    )
    return HTMLResponse(page, status, {"Connection": "close"})
