"""Pages of other origins, proxies and rebound names do not reach a server that asks for no key.

One suite for hot routes and FastAPI's routes alike; `tests/browser` tries the same from real pages.
"""

import base64
import socket
from typing import Any

import httpx2
import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import HELLO, LogLines, Served, error_of
from tests.upstreams.scripted import ScriptedUpstream

from understudy.api.http.browser import BrowserRules
from understudy.errors import Forbidden

ROUTES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/chat/completions", {"messages": HELLO}),
    ("POST", "/v1/chat/completions", {"messages": HELLO, "stream": True}),
    ("POST", "/v1/completions", {"prompt": "hello"}),
    ("POST", "/v1/embeddings", {"input": "hello", "model": "up/echo-embedding"}),
    ("POST", "/v1/engines/up%2Fecho/chat/completions", {"messages": HELLO}),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/up%2Fecho", None),
    ("GET", "/v1/engines", None),
    ("GET", "/docs", None),
    ("GET", "/docs/static/swagger-ui.css", None),
    ("GET", "/openapi.json", None),
    ("GET", "/health", None),
]
PAGE = "https://evil.example"
REFUSED: dict[str, dict[str, str]] = {
    "a page elsewhere": {"origin": PAGE, "sec-fetch-site": "cross-site"},
    "a page elsewhere, old browser": {"origin": PAGE},
    "a page on another port": {"origin": "http://127.0.0.1:1", "sec-fetch-site": "same-site"},
    "a page of another scheme": {"origin": "https://{host}", "sec-fetch-site": "cross-site"},
    "a file or a sandboxed frame": {"origin": "null", "sec-fetch-site": "cross-site"},
    "an extension": {"origin": "chrome-extension://abcdef"},
    "an image, script, or no-cors GET": {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "no-cors",
    },
    "the same from another port": {"sec-fetch-site": "same-site"},
    "a rebound name": {"host": "evil.example:8000", "origin": "http://evil.example:8000"},
    "a rebound name without an origin": {"host": "evil.example"},
    "a name that begins like ours": {"host": "localhost.evil.example"},
    "a name that holds an address": {"host": "127.0.0.1.evil.example"},
    "no host": {"host": ""},
    "a proxy": {"x-forwarded-for": "203.0.113.9"},
    "a modern proxy": {"forwarded": "for=203.0.113.9"},
    "a proxy that names the host": {"x-forwarded-host": "evil.example"},
    "a tunnel": {"x-real-ip": "203.0.113.9"},
}
ALLOWED: dict[str, dict[str, str]] = {
    "a program": {},
    "our own page": {"origin": "http://{host}", "sec-fetch-site": "same-origin"},
    "our own page's GET": {"sec-fetch-site": "same-origin"},
    "our own page behind a proxy with TLS": {
        "origin": "https://{host}",
        "sec-fetch-site": "same-origin",
    },
    "the address bar": {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    "by name": {"host": "localhost:1234"},
    "by the machine's name": {"host": socket.gethostname()},
    "by an address of the network": {"host": "192.168.1.7:8000"},
    "by IPv6": {"host": "[::1]:8000"},
}


def ask(served: Served, route: tuple[str, str, Any], headers: dict[str, str]) -> httpx2.Response:
    method, path, body = route
    host = f"127.0.0.1:{served.port}"
    filled = {name: value.format(host=host) for name, value in headers.items()}
    return served.client.request(method, path, json=body, headers=filled)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
@pytest.mark.parametrize("who", REFUSED)
def test_refused(
    server: Served, upstream: ScriptedUpstream, route: tuple[str, str, Any], who: str
) -> None:
    response = ask(server, route, REFUSED[who])
    error = error_of(response, 403)
    assert error["code"] == "forbidden"
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["x-should-retry"] == "false"
    assert upstream.calls == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
@pytest.mark.parametrize("who", ALLOWED)
def test_allowed(server: Served, route: tuple[str, str, Any], who: str) -> None:
    assert ask(server, route, ALLOWED[who]).status_code == 200


@pytest.mark.parametrize("who", REFUSED)
def test_routes_that_do_not_exist_tell_a_page_nothing_else(server: Served, who: str) -> None:
    assert ask(server, ("GET", "/v1/nothing", None), REFUSED[who]).status_code == 403
    assert ask(server, ("DELETE", "/v1/models/up/echo", None), REFUSED[who]).status_code == 403


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
def test_a_preflight_of_another_origin_gets_no_leave(
    server: Served, route: tuple[str, str, Any]
) -> None:
    method, path, _ = route
    headers = {"origin": PAGE, "access-control-request-method": method}
    headers["access-control-request-headers"] = "content-type,authorization"
    response = ask(server, ("OPTIONS", path, None), headers)
    assert response.status_code == 403
    assert not any(name.startswith("access-control-") for name in response.headers)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_types_that_need_no_preflight_are_not_read(
    server: Served, upstream: ScriptedUpstream, kind: str
) -> None:
    """Even without the headers of a browser: an old one, or an extension that strips them."""
    response = server.client.post(
        "/v1/chat/completions",
        content=b'{"messages": [{"role": "user", "content": "hello"}]}',
        headers={"content-type": kind},
    )
    assert error_of(response, 400)["code"] == "unsupported_content_type"
    assert upstream.calls == []


FRIEND = "https://app.example"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
def test_a_configured_origin_may_use_the_api(
    serve_with: ServeWith, route: tuple[str, str, Any]
) -> None:
    method, path, _ = route
    preflight = {"origin": FRIEND, "access-control-request-method": method}
    preflight["access-control-request-headers"] = "content-type,authorization,x-stainless-os"
    with serve_with(cors_origins=(FRIEND,)) as server:
        leave = ask(server, ("OPTIONS", path, None), preflight)
        assert leave.status_code == 200
        assert leave.headers["access-control-allow-origin"] == FRIEND
        allowed = leave.headers["access-control-allow-headers"].lower()
        assert all(name in allowed for name in ("content-type", "authorization", "x-stainless-os"))
        made = ask(server, route, {"origin": FRIEND, "sec-fetch-site": "cross-site"})
        assert made.status_code in (200, 404)
        assert made.headers["access-control-allow-origin"] == FRIEND
        assert "x-request-id" in made.headers["access-control-expose-headers"].lower()
        refused = ask(server, route, {"origin": PAGE, "sec-fetch-site": "cross-site"})
        error_of(refused, 403)
        assert refused.headers.get("access-control-allow-origin") != PAGE


def test_a_friend_that_errs_can_read_the_error(serve_with: ServeWith) -> None:
    with serve_with(cors_origins=(FRIEND,)) as server:
        response = ask(server, ("POST", "/v1/chat/completions", {}), {"origin": FRIEND})
        assert error_of(response, 400)["param"] == "messages"
        assert response.headers["access-control-allow-origin"] == FRIEND


def test_a_configured_host_is_ours(serve_with: ServeWith) -> None:
    with serve_with(allowed_hosts=("llm.example",)) as server:
        assert ask(server, ROUTES[0], {"host": "llm.example:8000"}).status_code == 200
        assert ask(server, ROUTES[0], {"host": "x.llm.example"}).status_code == 403


def test_open_servers_stand_behind_proxies_and_keep_pages_out(serve_with: ServeWith) -> None:
    with serve_with(open=True) as server:
        assert ask(server, ROUTES[0], REFUSED["a proxy"]).status_code == 200
        for who in ("a page elsewhere", "an image, script, or no-cors GET", "a rebound name"):
            assert ask(server, ROUTES[0], REFUSED[who]).status_code == 403


def upgrade(server: Served, path: str, **headers: str) -> bytes:
    """Try to open a WebSocket and return the whole answer."""
    lines = [f"GET {path} HTTP/1.1", f"host: 127.0.0.1:{server.port}", "upgrade: websocket"]
    nonce = base64.b64encode(b"0123456789abcdef").decode()
    lines += ["connection: Upgrade", "sec-websocket-version: 13", f"sec-websocket-key: {nonce}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return server.exchange_raw("\r\n".join([*lines, "", ""]).encode(), closes_early=True)


@pytest.mark.parametrize("path", ["/", "/v1/chat/completions", "/v1/models", "/v1/realtime"])
@pytest.mark.parametrize("origin", [PAGE, "http://127.0.0.1:1", None])
def test_no_websocket_opens(server: Served, logs: LogLines, path: str, origin: str | None) -> None:
    got = upgrade(server, path, **({} if origin is None else {"origin": origin}))
    assert not got.startswith(b"HTTP/1.1 101")
    assert logs.failures() == []


# --- the rules alone ----------------------------------------------------------------------------

OWN = "127.0.0.1:8000"
TABLE: list[tuple[dict[str, str], bool]] = [
    ({"host": OWN}, True),
    ({"host": "LOCALHOST:8000"}, True),
    ({"host": "localhost."}, False),
    ({"host": "[::1]:8000"}, True),
    ({"host": "[::1"}, False),
    ({"host": "user@localhost"}, False),
    ({"host": "localhost:notaport"}, False),
    ({"host": "localhost:"}, True),
    ({"host": "evil.example#localhost"}, False),
    ({"host": "evil.example/@localhost"}, False),
    ({"host": "2130706433"}, False),
    ({"host": "0x7f.1"}, False),
    ({}, False),
    ({"host": OWN, "origin": f"http://{OWN}"}, True),
    ({"host": OWN, "origin": f"https://{OWN}"}, True),
    ({"host": OWN, "origin": f"https://{OWN}", "sec-fetch-site": "cross-site"}, False),
    ({"host": OWN, "origin": "http://[::1"}, False),
    ({"host": OWN, "origin": "http://127.0.0.1:8001"}, False),
    ({"host": OWN, "origin": "http://127.0.0.1"}, False),
    ({"host": OWN, "origin": "http://localhost:8000"}, False),
    ({"host": OWN, "origin": "null"}, False),
    ({"host": OWN, "origin": ""}, False),
    ({"host": OWN, "origin": FRIEND}, True),
    ({"host": OWN, "origin": f"{FRIEND}.evil.example"}, False),
    ({"host": OWN, "origin": FRIEND, "sec-fetch-site": "cross-site"}, True),
    ({"host": OWN, "sec-fetch-site": "cross-site"}, False),
    ({"host": OWN, "sec-fetch-site": "same-site"}, False),
    ({"host": OWN, "sec-fetch-site": "same-origin"}, True),
    ({"host": OWN, "sec-fetch-site": "none"}, True),
    ({"host": OWN, "x-forwarded-for": ""}, False),
]


@pytest.mark.parametrize(("headers", "is_allowed"), TABLE)
def test_the_rules(headers: dict[str, str], is_allowed: bool) -> None:
    rules = BrowserRules((FRIEND,), (), is_behind_proxy=False)
    try:
        rules.check(headers)
    except Forbidden:
        assert not is_allowed
    else:
        assert is_allowed


def test_a_star_allows_every_origin_but_no_rebound_name() -> None:
    rules = BrowserRules(("*",), (), is_behind_proxy=False)
    rules.check({"host": OWN, "origin": PAGE, "sec-fetch-site": "cross-site"})
    with pytest.raises(Forbidden, match="allowed_hosts"):
        rules.check({"host": "evil.example"})


def test_allowed_hosts_are_compared_as_names_are() -> None:
    rules = BrowserRules((), ("MyBox.lan",), is_behind_proxy=False)
    rules.check({"host": "mybox.LAN:8000"})
    with pytest.raises(Forbidden):
        rules.check({"host": "otherbox.lan:8000"})
