"""Nobody gets in who should not: pages, sockets and every other route, as a stranger and as one who signed in."""

import http.client
import socket
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from core.access import COOKIE, SESSION_S, Door, hash_password
from core.config import load_config
from core.projects import DEFAULT_PROJECT_ID
from core.types import Choice
from core.workbench import Workbench
from tests.browser.test_start import PAGES
from tests.conftest import wait_until
from tests.running_app import RunningApp

PASSWORD = "correct horse"
HASH = hash_password(PASSWORD)
SECRET = "Secret plans of the owner"
ALL = "0.0.0.0"
SIGN_IN = "/sign-in"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
A_BROWSER = {"Accept": "text/html,application/xhtml+xml"}


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: str


@pytest.fixture(scope="module")
def stranger() -> str:
    """This machine's address as other machines see it: who comes from there is a stranger."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing, but chooses the way there
            address = str(probe.getsockname()[0])
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """Open to all addresses, with a password."""
    yield from _started(tmp_path_factory, SWITCHBOARD_PASSWORD_HASH=HASH)


@pytest.fixture(scope="module")
def not_set_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """Open to all addresses, as plain `streamlit run` starts it."""
    yield from _started(tmp_path_factory)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """Open to all addresses, with a password, started by a launcher that knows nothing of routes."""
    yield from _started(tmp_path_factory, is_plain_script=True, SWITCHBOARD_PASSWORD_HASH=HASH)


def _started(
    factory: pytest.TempPathFactory, *, is_plain_script: bool = False, **variables: str
) -> Iterator[RunningApp]:
    data_dir = factory.mktemp("gate") / "data"
    workbench = Workbench(load_config({"SWITCHBOARD_DATA_DIR": str(data_dir)}, {}))
    try:
        found = workbench.turns.send(
            SECRET, Choice("demo", "demo-guide"), conversation_id=None, project_id=DEFAULT_PROJECT_ID
        )
        wait_until(lambda: not workbench.engine.live(found), deadline_s=30)
    finally:
        workbench.close()
    with RunningApp(data_dir, is_plain_script=is_plain_script, address=ALL, **variables) as app:
        yield app
    assert app.complaints() == []


def ask(
    app: RunningApp,
    path: str,
    *,
    at: str = "127.0.0.1",
    method: str = "GET",
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
    host: str | None = None,
) -> Answer:
    """Send one request to this address, with exactly this Host."""
    connection = http.client.HTTPConnection(at, app.port, timeout=30)
    try:
        connection.request(method, path, body, {"Host": host or f"{at}:{app.port}", **(headers or {})})
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, response.read().decode("utf-8", "replace"))
    finally:
        connection.close()


def ask_raw(app: RunningApp, request: str, *, at: str) -> str:
    """Send these very bytes, and return all that comes back."""
    with socket.create_connection((at, app.port), 30) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(65_536), b"")).decode("utf-8", "replace")


def shake_hands(app: RunningApp, path: str = "/_stcore/stream", *, at: str, host: str = "", **headers: str) -> int:
    """Ask for a websocket, and return the status of the answer: 101 is a way in."""
    named = {name.replace("_", "-"): value for name, value in headers.items()} | {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    return ask(app, path, at=at, host=host or None, headers=named).status


def sign_in(app: RunningApp, password: str = PASSWORD, *, at: str, next_path: str = "/") -> Answer:
    path = f"{SIGN_IN}?next={quote(next_path, safe='')}"
    return ask(app, path, at=at, method="POST", body=f"password={quote(password)}", headers=FORM)


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def new_cookie(*, now_s: float | None = None, name: str = COOKIE) -> dict[str, str]:
    return {"Cookie": f"{name}={Door(HASH).new_session(now_s=now_s or time.time())}"}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


def type_password(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def expect_only_the_sign_in_page(page: Page) -> None:
    expect(page.get_by_role("heading", name="Switchboard", exact=True)).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Providers")).to_have_count(0)
    expect(page.get_by_role("link", name="Usage")).to_have_count(0)
    assert SECRET not in page.content()


@pytest.mark.parametrize("path", PAGES)
def test_a_deep_link_asks_for_the_password_and_then_shows_the_page_that_was_asked_for(
    context: BrowserContext, guarded: RunningApp, stranger: str, path: str
) -> None:
    page = context.new_page()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"http://{stranger}:{guarded.port}/{path}")
    expect_only_the_sign_in_page(page)
    assert sockets == []
    if not path:
        type_password(page, "wrong horse")
        expect(page.get_by_text("That is not the password.")).to_be_visible()
    type_password(page)
    expect(page.get_by_role("heading", name=PAGES[path], exact=True)).to_be_visible()
    assert urlsplit(page.url).path == f"/{path}"
    page.reload()
    expect(page.get_by_role("heading", name=PAGES[path], exact=True)).to_be_visible()
    page.goto("about:blank")


def test_signing_out_ends_it_for_this_browser(context: BrowserContext, guarded: RunningApp, stranger: str) -> None:
    page = context.new_page()
    base = f"http://{stranger}:{guarded.port}"
    page.goto(f"{base}/usage")
    type_password(page)
    expect(page.get_by_role("heading", name="Usage", exact=True)).to_be_visible()
    [cookie] = [found for found in context.cookies() if found["name"] == COOKIE]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert COOKIE not in page.evaluate("document.cookie")
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("link", name="Sign out of this browser").click()
    expect_only_the_sign_in_page(page)
    assert len(context.pages) == 1
    page.goto(f"{base}/usage")
    expect_only_the_sign_in_page(page)
    # A stranger sent to /sign-out is not signed out by signing in.
    page.goto(f"{base}/sign-out")
    type_password(page)
    expect(page.get_by_role("heading", name=PAGES[""], exact=True)).to_be_visible()
    page.goto("about:blank")


@pytest.mark.parametrize("path", PAGES)
def test_as_a_plain_script_each_page_asks_and_signing_in_lasts_for_the_tab(
    context: BrowserContext, plain: RunningApp, stranger: str, path: str
) -> None:
    page = context.new_page()
    received: list[bytes] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(_bytes(data))))
    page.goto(f"http://{stranger}:{plain.port}/{path}")
    expect_only_the_sign_in_page(page)
    assert received and SECRET.encode() not in b"".join(received)
    if not path:
        type_password(page, "wrong horse")
        expect(page.get_by_text("That is not the password.")).to_be_visible()
    type_password(page)
    expect(page.get_by_role("heading", name=PAGES[path], exact=True)).to_be_visible()
    if not path:
        expect(page.get_by_text(SECRET).first).to_be_visible()
        page.reload()
        expect_only_the_sign_in_page(page)
    page.goto("about:blank")


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


@pytest.mark.parametrize("path", PAGES)
def test_as_a_plain_script_a_socket_tells_a_stranger_nothing(plain: RunningApp, stranger: str, path: str) -> None:
    assert SECRET.encode() not in _told(plain, stranger, path)


def test_as_a_plain_script_tricks_with_headers_open_no_page(plain: RunningApp, not_set_up: RunningApp) -> None:
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Via": "1.1 x"}, {"Cookie": f"{COOKIE}=9999999999.x"}):
        assert SECRET.encode() not in _told(plain, "127.0.0.1", "", **headers)
    assert SECRET.encode() in _told(not_set_up, "127.0.0.1", "")  # what is told to this machine's own user


def _told(app: RunningApp, at: str, page_name: str, **headers: str) -> bytes:
    """Open a socket, run the page, and return everything that comes until the run ends."""
    message = BackMsg()
    message.rerun_script.page_name = page_name
    received: list[bytes] = []
    with connect(
        f"ws://{at}:{app.port}/_stcore/stream",
        additional_headers=headers,
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
    ) as opened:
        opened.send(message.SerializeToString())
        while True:
            data = _bytes(opened.recv(timeout=30))
            received.append(data)
            if ForwardMsg.FromString(data).HasField("script_finished"):
                return b"".join(received)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/index.html"),
        ("GET", "/_stcore/host-config"),
        ("GET", "/_stcore/metrics"),
        ("GET", "/_stcore/script-health-check"),
        ("GET", "/_stcore/agent/openapi.json"),
        ("POST", "/_stcore/agent/interact"),
        ("POST", "/_stcore/agent/mcp"),
        ("PUT", "/_stcore/upload_file/session/file"),
        ("DELETE", "/_stcore/upload_file/session/file"),
        ("OPTIONS", "/_stcore/upload_file/session/file"),
        ("GET", "/_stcore/bidi-components/switchboard/index.js"),
        ("GET", "/_stcore/stream"),
        ("GET", "/component/a.b/index.html"),
        ("GET", "/media/0123456789abcdef.txt"),
        ("GET", "/app/static/a.png"),
        ("GET", "/static/js/index.js"),
        ("GET", "/auth/login"),
        ("GET", "/oauth2callback"),
        ("GET", "/sign-out"),
        ("OPTIONS", "/"),
        ("PUT", "/providers"),
        ("POST", "/"),
        ("GET", "/sign-in/"),
        ("GET", "/sign-in/../providers"),
        ("GET", "/sign-in%2f..%2fproviders"),
        ("GET", "/SIGN-IN"),
        ("GET", "/healthz/"),
        ("GET", "/healthz/../providers"),
        ("GET", "/healthz%2f..%2fproviders"),
        ("GET", "//healthz/.."),
        ("GET", "//healthz"),
        ("GET", "/HEALTHZ"),
        ("GET", "/healthz;x=/providers"),
        ("GET", "/healthz%00"),
        ("GET", "/_stcore/health/../host-config"),
        ("GET", "http://localhost/healthz"),
        ("GET", "http://localhost/providers"),
    ],
)
def test_every_route_refuses_a_stranger(guarded: RunningApp, stranger: str, method: str, path: str) -> None:
    for headers in ({}, A_BROWSER):
        answer = ask(guarded, path, at=stranger, method=method, headers=headers)
        assert answer.status in (303, 401)
        assert answer.body in ("", "Sign in first.")
        assert answer.headers.get("location", SIGN_IN).startswith(SIGN_IN)


def test_what_refuses_a_stranger_is_there_for_one_who_signed_in(guarded: RunningApp, stranger: str) -> None:
    cookie = {"Cookie": cookie_of(sign_in(guarded, at=stranger))}
    for path in ("/", "/providers", "/_stcore/host-config", "/index.html"):
        assert ask(guarded, path, at=stranger, headers=cookie).status == 200
    assert shake_hands(guarded, at=stranger, **cookie) == 101


def test_a_file_of_a_page_is_only_for_those_who_signed_in(
    context: BrowserContext, guarded: RunningApp, stranger: str
) -> None:
    page = context.new_page()
    page.goto(f"http://{stranger}:{guarded.port}/")
    type_password(page)
    page.get_by_role("link", name=SECRET).click()
    page.locator(".st-key-conversation-menu").get_by_role("button").click()
    page.get_by_role("option", name="Export").or_(page.get_by_role("menuitem", name="Export")).press("Enter")
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Markdown").click()
    path = urlsplit(download.value.url).path
    assert path.startswith("/media/")
    assert SECRET in ask(guarded, path, at=stranger, headers=new_cookie()).body
    assert ask(guarded, path, at=stranger).status == 401
    page.goto("about:blank")


@pytest.mark.parametrize("path", ["/healthz", "/_stcore/health", "/healthz?x", "/%68ealthz"])
def test_health_is_open_and_says_nothing_else(guarded: RunningApp, stranger: str, path: str) -> None:
    assert ask(guarded, path, at=stranger).body == "ok"


@pytest.mark.parametrize("path", ["/_stcore/stream", "/healthz", "/_stcore/health", "/sign-in", "/", "/providers"])
def test_no_socket_opens_for_a_stranger(guarded: RunningApp, not_set_up: RunningApp, stranger: str, path: str) -> None:
    for app in (guarded, not_set_up):
        assert shake_hands(app, path, at=stranger) == 403
        assert shake_hands(app, path, at=stranger, Origin=f"http://{stranger}:{app.port}") == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost"},
        {"Host": "127.0.0.1", "Origin": "http://127.0.0.1"},
        {"Host": "localhost", "X-Forwarded-For": "127.0.0.1"},
        {"Host": "localhost", "Forwarded": "for=127.0.0.1;host=localhost"},
        {"Host": "localhost", "X-Real-IP": "127.0.0.1", "X-Forwarded-Host": "localhost"},
        {"Host": "localhost", "X-Original-URL": "/healthz", "X-Rewrite-URL": "/healthz"},
    ],
)
def test_a_strangers_headers_let_nobody_in(
    guarded: RunningApp, not_set_up: RunningApp, stranger: str, headers: dict[str, str]
) -> None:
    for app in (guarded, not_set_up):
        named = {name.replace("-", "_"): value for name, value in headers.items() if name != "Host"}
        assert ask(app, "/", at=stranger, headers=headers).status == 401
        assert shake_hands(app, at=stranger, host=headers["Host"], **named) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "localhost@evil.example"},
        {"Host": "x/healthz?"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
    ],
)
def test_on_this_machine_a_foreign_page_or_a_proxy_does_not_get_in(
    not_set_up: RunningApp, headers: dict[str, str]
) -> None:
    named = {name.replace("-", "_"): value for name, value in headers.items() if name != "Host"}
    assert ask(not_set_up, "/", headers=headers).status == 401
    assert shake_hands(not_set_up, at="127.0.0.1", host=headers.get("Host", ""), **named) == 403


def test_on_this_machine_its_user_needs_no_password_until_one_is_set_up(
    not_set_up: RunningApp, guarded: RunningApp
) -> None:
    own = {"Origin": f"http://localhost:{not_set_up.port}"}
    assert ask(not_set_up, "/").status == 200
    assert shake_hands(not_set_up, at="127.0.0.1", host=f"localhost:{not_set_up.port}", **own) == 101
    assert ask(guarded, "/").status == 401


def test_requests_that_no_browser_sends_are_refused(guarded: RunningApp, not_set_up: RunningApp, stranger: str) -> None:
    for app in (guarded, not_set_up):
        for request in (
            "GET / HTTP/1.0\n\n",
            "GET / HTTP/1.0\nHost: localhost\n\n",
            "GET / HTTP/1.1\nHost: localhost\nHost: evil.example\nConnection: close\n\n",
            "GET / HTTP/1.1\nConnection: close\n\n",
            f"GET http://localhost:{app.port}/ HTTP/1.1\nHost: evil.example\nConnection: close\n\n",
            "OPTIONS * HTTP/1.1\nHost: evil.example\nConnection: close\n\n",
        ):
            for at in (stranger, "127.0.0.1"):
                status = ask_raw(app, request, at=at).split(" ", 2)[1]
                assert status in ("400", "401"), (request, at)


@pytest.mark.parametrize(
    "cookie",
    [
        f"{COOKIE}=",
        f"{COOKIE}=9999999999.",
        f"{COOKIE}=9999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        f"{COOKIE}={Door().new_session(now_s=2_000_000_000)}",
        f"{COOKIE}={Door(hash_password('another horse')).new_session(now_s=2_000_000_000)}",
        f"{COOKIE}={Door(HASH).new_session(now_s=1_700_000_000 - SESSION_S)}",
        f"session={Door(HASH).new_session(now_s=2_000_000_000)}",
        f"x{COOKIE}={Door(HASH).new_session(now_s=2_000_000_000)}",
    ],
    ids=["empty", "unsigned", "forged", "another server's", "another password's", "expired", "misnamed", "prefixed"],
)
def test_a_forged_expired_or_misnamed_cookie_is_refused(guarded: RunningApp, stranger: str, cookie: str) -> None:
    assert ask(guarded, "/", at=stranger, headers={"Cookie": cookie}).status == 401
    assert shake_hands(guarded, at=stranger, Cookie=cookie) == 403


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "https:evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "%2f%2fevil.example",
        "/%2fevil.example",
        "/%5cevil.example",
        "/.//evil.example",
        "@evil.example",
        ".evil.example",
        "//[",
        "http://[",
        "/\r\nSet-Cookie: a=b",
        "/\r\n\r\n<script>",
        "/sign-out",
        "",
    ],
)
def test_signing_in_never_leads_to_another_server(
    context: BrowserContext, guarded: RunningApp, stranger: str, target: str
) -> None:
    answer = sign_in(guarded, at=stranger, next_path=target)
    assert answer.status == 303
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=")
    location = answer.headers["location"]
    assert location.startswith("/") and not location.startswith(("//", "/\\", "/sign-out"))
    page = context.new_page()
    base = f"http://{stranger}:{guarded.port}"
    where = page.evaluate("([place, base]) => new URL(place, base).origin", [location, f"{base}/sign-in"])
    assert where == base
    form = ask(guarded, f"{SIGN_IN}?next={quote(target, safe='')}", at=stranger)
    assert form.status == 200 and "<script" not in form.body


def test_what_is_put_into_the_sign_in_page_stays_text(guarded: RunningApp, stranger: str) -> None:
    target = quote('/"><script>alert(1)</script>', safe="")
    form = ask(guarded, f"{SIGN_IN}?next={target}", at=stranger).body
    assert "<script" not in form and '/">' not in form


def test_wrong_passwords_cost_time_also_when_they_come_at_once(guarded: RunningApp) -> None:
    # From 127.0.0.1: the stranger of the other tests is another address, and is not made to wait.
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(sign_in(guarded, "wrong horse", at="127.0.0.1").status))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * 3 + [429] * 5
    forged = {"X-Forwarded-For": "192.0.2.99", **FORM}
    answers: list[int] = []

    def is_let_in() -> bool:
        answers.append(sign_in(guarded, at="127.0.0.1").status)
        return answers[-1] == 303

    wait_until(is_let_in)
    assert set(answers) <= {429, 303}
    assert ask(guarded, SIGN_IN, method="POST", body="password=x", headers=forged).status == 401


def test_looking_at_the_sign_in_page_is_no_wrong_password(guarded: RunningApp, stranger: str) -> None:
    for _ in range(5):
        assert ask(guarded, SIGN_IN, at=stranger, method="HEAD").status == 200
    for method in ("PUT", "OPTIONS", "DELETE", "PATCH"):
        assert ask(guarded, SIGN_IN, at=stranger, method=method).status == 405
    assert sign_in(guarded, at=stranger).status == 303


def test_a_huge_or_broken_form_is_a_wrong_password_and_nothing_worse(guarded: RunningApp, stranger: str) -> None:
    for body in ("password=" + "x" * 50_000, "a&" * 4_000 + "\x00", f"password=%ED%A0%80&password[]={PASSWORD}"):
        assert ask(guarded, SIGN_IN, at=stranger, method="POST", body=body, headers=FORM).status == 401
    assert sign_in(guarded, at=stranger).status in (303, 429)
    wait_until(lambda: sign_in(guarded, at=stranger).status == 303)  # which also forgives
    with socket.create_connection((stranger, guarded.port), 30) as connection:
        head = f"POST {SIGN_IN} HTTP/1.1\r\nHost: {stranger}\r\nContent-Length: 5000\r\n\r\npassword="
        connection.sendall(head.encode())  # and hang up in the middle
    assert sign_in(guarded, at=stranger).status == 303


def test_without_a_password_a_stranger_gets_a_page_that_makes_a_line_which_works(
    context: BrowserContext, not_set_up: RunningApp, stranger: str, tmp_path: Path
) -> None:
    page = context.new_page()
    page.goto(f"http://{stranger}:{not_set_up.port}/providers")
    expect(page.get_by_text("it needs a password before anybody gets in")).to_be_visible()
    assert SECRET not in page.content()
    page.get_by_label("A new password").fill("battery staple")
    page.get_by_role("button", name="Make the line for Secrets").click()
    made = tomllib.loads(page.locator("pre").inner_text())
    assert "battery staple" not in page.content()
    page.goto(f"http://{stranger}:{not_set_up.port}/providers")
    expect(page.get_by_text("it needs a password before anybody gets in")).to_be_visible()
    line = made["app"]["password_hash"]
    with RunningApp(tmp_path / "data", address=ALL, SWITCHBOARD_PASSWORD_HASH=line) as app:
        assert sign_in(app, PASSWORD, at=stranger).status == 401
        cookie = {"Cookie": cookie_of(sign_in(app, "battery staple", at=stranger))}
        assert ask(app, "/", at=stranger, headers=cookie).status == 200
    assert app.complaints() == []


def test_the_exception_for_this_machine_can_be_turned_off_and_knows_both_kinds_of_addresses(tmp_path: Path) -> None:
    with RunningApp(tmp_path / "data", address="::") as app:
        assert ask(app, "/").status == 200
        assert ask(app, "/", at="::1", host=f"[::1]:{app.port}").status == 200
        assert ask(app, "/", at="::1", host=f"[::2]:{app.port}").status == 401
    with RunningApp(tmp_path / "data", address=ALL, SWITCHBOARD_OPEN_ON_LOOPBACK="false") as app:
        assert ask(app, "/").status == 401
