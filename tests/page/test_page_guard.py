"""Attacks on the page: each must fail, and leave what the person gave as it was."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from conftest import Running

FORM = {"Content_Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def page(served: Callable[[], Running]) -> Running:
    """A page that was entered, in English, with one file."""
    running = served()
    running.enter()
    assert running.ask("POST", "/language", b"language=en", **FORM).status == 303
    assert running.ask("POST", "/files/add", b"a picture", Content_Type="image/png").status == 200
    return running


def _unchanged(page: Running) -> bool:
    return [path.read_bytes() for path in page.files()] == [b"a picture"] and page.ask("GET", "/files").status == 200


def test_only_this_machine_is_listened_to(page: Running) -> None:
    with contextlib.closing(socket.socket()) as other:
        other.settimeout(2)
        address = socket.gethostbyname(socket.gethostname())
        if not address.startswith("127.0.0.1"):
            with pytest.raises(OSError):
                other.connect((address, page.port))
    with open("/proc/net/tcp") as table:  # noqa: PTH123
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert f"0100007F:{page.port:04X}" in listening and f"00000000:{page.port:04X}" not in listening


def test_the_secret_opens_once(served: Callable[[], Running]) -> None:
    page = served()
    path = "/enter/" + page.address.partition("/enter/")[2]
    for wrong in ("/enter/", "/enter/x", path[:-1], path + "x", path.upper()):
        assert page.ask("GET", wrong, Origin="").status == 403
    assert page.ask("POST", path, b"").status == 403
    page.enter()
    assert page.ask("GET", path, Origin="", Cookie="").status == 403
    assert page.ask("GET", path, Origin="").status == 403
    assert page.ask("GET", "/language").status == 200


def test_the_cookie_is_for_this_site_and_not_for_scripts(served: Callable[[], Running]) -> None:
    page = served()
    response = page.ask("GET", "/enter/" + page.address.partition("/enter/")[2], Origin="")
    said = str(response.getheader("Set-Cookie")).lower()
    assert "httponly" in said and "samesite=strict" in said and "domain" not in said
    page.cookie = str(response.getheader("Set-Cookie")).partition(";")[0]


@pytest.mark.parametrize("path", ["/", "/files", "/result", "/case.zip", "/page.css", "/nothing"])
def test_no_cookie_no_answer(page: Running, path: str) -> None:
    for cookie in ("", "a=b", page.cookie[:-1], page.cookie.partition("=")[0] + "="):
        assert page.ask("GET", path, Cookie=cookie).status == 403
    assert page.ask("POST", "/forget", b"", Cookie="").status == 403
    assert _unchanged(page)


@pytest.mark.parametrize("host", ["evil.example", "localhost", "localhost:{port}", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_host_is_refused(page: Running, host: str) -> None:
    said = host.format(port=page.port)
    expected = (400, 421) if not said else (421,)
    assert page.ask("GET", "/files", Host=said).status in expected
    assert page.ask("POST", "/forget", b"", Host=said).status in expected
    assert _unchanged(page)


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:{port}", "null", "http://127.0.0.1:1", ""])
def test_another_origin_is_refused(page: Running, origin: str) -> None:
    said = origin.format(port=page.port)
    for path in ("/forget", "/age", "/files/add", "/progress/stop", "/closing"):
        assert page.ask("POST", path, b"minor=no", Origin=said, **FORM).status == 403
    if said:
        assert page.ask("GET", "/files", Origin=said).status == 403
    assert _unchanged(page)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_of_another_site_is_refused(page: Running, site: str) -> None:
    assert page.ask("GET", "/files", Origin="", Sec_Fetch_Site=site).status == 403
    assert _unchanged(page)


def test_every_answer_forbids_what_is_not_needed(page: Running) -> None:
    for path in ("/files", "/nothing", "/page.js"):
        response = page.ask("GET", path)
        policy = str(response.getheader("Content-Security-Policy"))
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert response.getheader("Cache-Control") == "no-store"
        assert response.getheader("X-Content-Type-Options") == "nosniff"
        assert response.getheader("Access-Control-Allow-Origin") is None and response.getheader("Server") is None


TRICKS = ["/../../etc/passwd", "/page.css/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/lock"]


@pytest.mark.parametrize("path", TRICKS)
def test_a_path_leads_nowhere(page: Running, path: str) -> None:
    response = page.ask("GET", path)
    assert response.status == 404 and b"root:" not in response.read()


def test_a_name_decides_nothing(page: Running) -> None:
    name = "../../../evil.jpg"
    disposition = f'attachment; filename="{name}"'
    response = page.ask(
        "POST", f"/files/add?name={name}", b"x", Content_Disposition=disposition, Content_Type=f"image/{name}"
    )
    assert response.status == 200
    kept = page.files()
    assert len(kept) == 2 and all(path.parent.name == "files" and path.name.isalnum() for path in kept)
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept) and page.folder.stat().st_mode & 0o077 == 0
    assert b"evil" not in page.ask("GET", "/files").read()


def test_a_huge_body_is_refused_and_nothing_of_it_kept(page: Running) -> None:
    with contextlib.closing(_connection(page, "/files/add", "Content-Length: 99000000000")) as stream:
        assert b" 413 " in stream.recv(200)  # before a byte of it was sent
    with contextlib.closing(_connection(page, "/files/add", "Transfer-Encoding: chunked")) as stream:
        answer = b""
        for _ in range(40):
            try:
                stream.sendall(b"19000\r\n" + bytes(0x19000) + b"\r\n")
            except OSError:
                break
        with contextlib.suppress(OSError):
            answer = stream.recv(200)
        assert b" 413 " in answer or answer == b""  # the answer can be lost when the connection is cut
    assert page.ask("POST", "/age", b"minor=" + bytes(10_000), **FORM).status == 413
    assert _unchanged(page)


def test_not_more_than_some_files(page: Running) -> None:
    statuses = [page.ask("POST", "/files/add", b"x").status for _ in range(25)]
    assert statuses == [200] * 19 + [413] * 6


@pytest.mark.parametrize("path", ["/files/add", "/age"])
def test_a_slow_body_is_given_up(page: Running, path: str) -> None:
    with contextlib.closing(_connection(page, path, "Content-Length: 1000")) as stream:
        stream.sendall(b"x")
        assert b" 408 " in stream.recv(200)
    assert _unchanged(page)


def test_a_connection_that_says_nothing_is_closed(page: Running) -> None:
    for said in (b"", b"GET / HTTP/1.1\r\nHost: "):
        with contextlib.closing(socket.create_connection(("127.0.0.1", page.port), timeout=10)) as stream:
            stream.sendall(said)
            assert stream.recv(100) == b""
    assert _unchanged(page)


def _connection(page: Running, path: str, header: str) -> socket.socket:
    """A request whose body is still to come."""
    stream = socket.create_connection(("127.0.0.1", page.port), timeout=10)
    host = f"127.0.0.1:{page.port}"
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Origin: http://{host}", f"Cookie: {page.cookie}", header]
    stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return stream


@contextlib.contextmanager
def _foreign(html: str) -> Iterator[int]:
    """A page of somebody else on this machine; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_form_of_a_foreign_page_in_the_same_browser_is_refused(
    browser: Any, served: Callable[[], Running], host: str
) -> None:
    page = served()
    context = browser.new_context()
    own = context.new_page()
    own.goto(page.address)
    with own.expect_navigation():
        own.click("main button[value=en]")
    own.set_input_files("#choose", [{"name": "../../x.png", "mimeType": "image/png", "buffer": b"a picture"}])
    own.wait_for_selector(".given")
    (cookie,) = context.cookies(page.origin)
    page.cookie = f"{cookie['name']}={cookie['value']}"
    form = f'<form method="post" action="{page.origin}/forget"><button>x</button></form>'
    picture = f'<img src="{page.origin}/page.css"><iframe src="{page.origin}/files"></iframe>'
    with _foreign(form + picture) as port:
        tab = context.new_page()
        statuses: list[int] = []
        tab.on("response", lambda r: statuses.append(r.status) if r.url.startswith(page.origin) else None)
        tab.goto(f"http://{host}:{port}/")
        with tab.expect_navigation():
            tab.click("button")
    assert statuses and set(statuses) == {403}
    assert _unchanged(page)
    context.close()


def test_a_second_browser_is_refused(browser: Any, served: Callable[[], Running]) -> None:
    page = served()
    first, second = browser.new_context(), browser.new_context()
    mine, other = first.new_page(), second.new_page()
    assert mine.goto(page.address).status == 200
    assert other.goto(page.address).status == 403
    assert other.goto(page.origin + "/files").status == 403
    assert "This page belongs to another window" in other.inner_text("main")
    mine.click("main button[value=fr]")
    mine.wait_for_url("**/files")
    (cookie,) = first.cookies(page.origin)
    page.cookie = f"{cookie['name']}={cookie['value']}"
    first.close()
    second.close()
