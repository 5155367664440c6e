"""The gate: nobody sees a page, opens a socket or fetches a file who is neither this machine's user nor signed in.

In front of the server it is middleware with a sign-in page of its own, so that signing in survives a reload. Where the
file runs as a plain script there are no routes: then the pages ask, and signing in lasts for the tab.
"""

import asyncio
import time
from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import streamlit as st
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.access import COOKIE, SESSION_S, Door, Throttle, Visit, hash_password, is_of_other_user
from core.errors import InvalidInput
from pages.ui.settings import read_config

SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
_OPEN = {SIGN_IN, "/healthz", "/_stcore/health"}
_LONGEST_FORM = 10_000  # bytes
_FORM_S = 10.0
_throttle = Throttle()


@cache
def door() -> Door:
    """Return how the app is guarded: read once, a change takes a restart."""
    return read_config().door


class Gate:
    """ASGI middleware: refuses pages, sockets, media and every other route alike."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_open = scope["type"] == "http" and scope["path"] in _OPEN
        if is_open or scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if door().admits(_visit(connection), now_s=time.time()):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refusal(Request(scope))(scope, receive, send)


async def sign_in(request: Request) -> Response:
    """Show the form, and take the password."""
    target = _local(request.query_params.get("next", "/"))
    if not door().password_hash:
        return await _set_up(request)
    if request.method != "POST":
        return _page(_FORM.format(next=escape(quote(target)), problem=""))
    peer = request.client.host if request.client else ""
    password = await _field(request, "password")
    try:
        is_right = await asyncio.to_thread(
            _throttle.is_right, peer, password, door().password_hash or "", now_s=time.monotonic()
        )
    except InvalidInput as error:
        return _again(target, error.message, status=429)
    if not is_right:
        return _again(target, "That is not the password.", status=401)
    response = RedirectResponse(target, status_code=303)
    response.set_cookie(
        COOKIE,
        door().new_session(now_s=time.time()),
        max_age=SESSION_S,
        httponly=True,
        samesite="lax",
        secure=_is_https(request),
    )
    return response


async def sign_out(request: Request) -> Response:
    response = RedirectResponse(SIGN_IN, status_code=303)
    response.delete_cookie(COOKIE)
    return response


def ask_in_page() -> None:
    """Do the gate's work inside a page: sign in for this tab, or say how to set a password up. Stops the page."""
    st.title("Switchboard")
    if not (password_hash := door().password_hash):
        st.info(_HOW, title="No password is set up")
        with st.form("password"):
            typed = st.text_input("A new password", type="password")
            if st.form_submit_button("Make the line for Secrets"):
                try:
                    st.code(secrets_line(typed), language="toml")
                except InvalidInput as error:
                    st.error(error.message)
        st.stop()
    with st.form("sign-in"):
        typed = st.text_input("Password", type="password")
        is_sent = st.form_submit_button("Sign in", type="primary")
    st.caption("Signing in lasts for this tab, since this server cannot set a cookie.")
    if is_sent:
        try:
            if _throttle.is_right(st.context.ip_address or "page", typed, password_hash, now_s=time.monotonic()):
                return
            st.error("That is not the password.")
        except InvalidInput as error:
            st.error(error.message)
    st.stop()


def admits_tab() -> bool:
    """Whether the tab that runs this page gets in without a password."""
    return door().admits(_tab(), now_s=time.time())


def is_signed_in() -> bool:
    """Whether this tab is in because of its browser's cookie, and so can sign out."""
    visit = _tab()
    return visit.session is not None and not door().admits(replace(visit, session=None), now_s=time.time())


def _tab() -> Visit:
    peer = st.context.ip_address or "127.0.0.1"  # Streamlit says None for a browser on this machine
    headers = st.context.headers
    return Visit(
        listening=st.get_option("server.address"),
        peer=peer,
        headers={name.lower(): ", ".join(headers.get_all(name)) for name in headers},
        session=st.context.cookies.get(COOKIE),
        is_of_other_user=is_of_other_user(peer, port=st.get_option("server.port")),
    )


def secrets_line(password: str) -> str:
    """Return what to paste into the secrets. Raises InvalidInput."""
    return f'[app]\npassword_hash = "{hash_password(password)}"'


def _visit(connection: HTTPConnection) -> Visit:
    headers, client, server = connection.headers, connection.client, connection.scope.get("server")
    return Visit(
        listening=st.get_option("server.address"),
        peer=client.host if client else None,
        headers={name: ", ".join(headers.getlist(name)) for name in headers},
        session=connection.cookies.get(COOKIE),
        http_version=connection.scope.get("http_version", "1.1"),
        is_of_other_user=client is not None
        and server is not None
        and is_of_other_user(client.host, port=server[1], peer_port=client.port),
    )


def _refusal(request: Request) -> Response:
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        # Not request.url, which believes what the Host header says.
        query = request.scope["query_string"].decode("latin-1")
        target = request.scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"{SIGN_IN}?next={quote(target)}", status_code=303)
    return PlainTextResponse("Sign in first.", status_code=401)


async def _set_up(request: Request) -> Response:
    line = ""
    if request.method == "POST":
        try:
            password = await _field(request, "password")
            line = f"<pre>{escape(await asyncio.to_thread(secrets_line, password))}</pre>"
        except InvalidInput as error:
            line = f'<p class="problem">{escape(error.message)}</p>'
    return _page(_SET_UP.format(how=escape(_HOW), line=line))


def _again(target: str, problem: str, *, status: int) -> Response:
    words = f'<p class="problem">{escape(problem)}</p>'
    return _page(_FORM.format(next=escape(quote(target)), problem=words), status=status)


def _page(body: str, *, status: int = 200) -> Response:
    return HTMLResponse(_HTML.replace("{body}", body), status_code=status, headers={"Cache-Control": "no-store"})


async def _field(request: Request, name: str) -> str:
    """Return a field of the form; nothing if the form is too long, too slow or cut off."""
    body = b""
    try:
        async with asyncio.timeout(_FORM_S):
            async for part in request.stream():
                body += part
                if len(body) > _LONGEST_FORM:
                    return ""
    except (TimeoutError, ClientDisconnect):
        return ""
    return parse_qs(body.decode("utf-8", "replace")).get(name, [""])[0]


def _local(target: str) -> str:
    """Return the target if it is a page of this server, else the front page."""
    try:
        parts = urlsplit(target)  # without the tabs and newlines that a browser would drop
    except ValueError:
        return "/"
    is_ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return target if is_ours and parts.path not in (SIGN_IN, SIGN_OUT) else "/"


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").startswith("https")


_HOW = (
    "This app can be reached from other machines, so it needs a password before anybody gets in. "
    "Type one here, and paste the line you get into the app's Secrets (.streamlit/secrets.toml, or the settings of "
    "your host); then restart it. The password itself is not stored."
)
_HTML = Path(__file__).with_name("sign_in.html").read_text(encoding="utf-8")
_FORM = """<h1>Switchboard</h1>{problem}<form method="post" action="/sign-in?next={next}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" autofocus required>
<button>Sign in</button></form>"""
_SET_UP = """<h1>Switchboard</h1><p>{how}</p>{line}<form method="post" action="/sign-in">
<label for="password">A new password</label>
<input id="password" name="password" type="password" autocomplete="new-password" autofocus required minlength="8">
<button>Make the line for Secrets</button></form>"""
