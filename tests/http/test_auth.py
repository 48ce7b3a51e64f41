"""Who may use the server: anyone on loopback until a key exists, then whoever has one."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.http.serving import (
    HELLO,
    WAIT_S,
    LogLines,
    Served,
    error_of,
    serve,
    settings_for,
)

from understudy.store.db import open_store
from understudy.store.keys import CreatedKey, create_key, revoke_key

ROUTES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/chat/completions", {"messages": HELLO}),
    ("POST", "/v1/completions", {"prompt": "hello"}),
    ("POST", "/v1/embeddings", {"input": "hello"}),
    ("POST", "/v1/engines/gpt-4/chat/completions", {"messages": HELLO}),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/understudy-extractive", None),
    ("GET", "/v1/engines", None),
]


def with_store(data_dir: Path, work: Any) -> Any:
    async def run() -> Any:
        async with open_store(None, data_dir) as store:
            return await work(store)

    return asyncio.run(run())


def make_key(data_dir: Path, **fields: Any) -> CreatedKey:
    return with_store(data_dir, lambda store: create_key(store, **fields))


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def key(keys_dir: Path) -> str:
    return make_key(keys_dir).secret


@pytest.fixture(scope="module")
def guarded(keys_dir: Path, key: str) -> Iterator[Served]:
    """A server on loopback whose store has keys."""
    with serve(settings_for(keys_dir)) as served:
        yield served


def ask(served: Served, route: tuple[str, str, Any], **headers: str) -> httpx2.Response:
    method, path, body = route
    return served.client.request(method, path, json=body, headers=headers)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer whatever"}, {"authorization": "nonsense"}]
)
def test_on_loopback_without_keys_any_key_will_do(
    server: Served, route: tuple[str, str, Any], headers: dict[str, str]
) -> None:
    assert ask(server, route, **headers).status_code == 200


WRONG_KEYS: dict[str, dict[str, str]] = {
    "none": {},
    "empty": {"authorization": "Bearer"},
    "no scheme": {"authorization": "{key}"},
    "basic": {"authorization": "Basic {key}"},
    "unknown": {"authorization": "Bearer sk-wrong-wrong-wrong-wrong"},
    "one character less": {"authorization": "Bearer {less}"},
    "upper case": {"authorization": "Bearer {upper}"},
    "twice": {"authorization": "Bearer {key},{key}"},
    "another header": {"x-api-key": "{key}"},
}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
@pytest.mark.parametrize("wrong", WRONG_KEYS)
def test_with_keys_the_wrong_one_is_a_401(
    guarded: Served, key: str, logs: LogLines, route: tuple[str, str, Any], wrong: str
) -> None:
    headers = {
        name: value.format(key=key, less=key[:-1], upper=key.upper())
        for name, value in WRONG_KEYS[wrong].items()
    }
    response = ask(guarded, route, **headers)
    error = error_of(response, 401)
    assert error["code"] == "invalid_api_key"
    assert error["type"] == "invalid_request_error"
    assert "understudy keys create" in error["message"]
    assert response.headers["x-should-retry"] == "false"
    for secret in (key, key[:-1], key.upper(), "sk-wrong-wrong-wrong-wrong"):
        assert secret not in response.text
        assert secret not in str(logs.lines)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
def test_with_keys_the_right_one_passes(
    guarded: Served, key: str, route: tuple[str, str, Any]
) -> None:
    for headers in (
        {"authorization": f"Bearer {key}"},
        {"authorization": f"bearer  {key}"},
        {"api-key": key},
    ):
        assert ask(guarded, route, **headers).status_code == 200


def test_a_401_comes_before_anything_is_read(guarded: Served) -> None:
    """The body is never asked for: the answer comes although none of it was sent."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
    head += b"content-type: application/json\r\ncontent-length: 1000000\r\n\r\n"
    with guarded.connect() as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")


def test_unknown_routes_under_v1_want_a_key_too(guarded: Served, key: str) -> None:
    assert guarded.client.get("/v1/nothing").status_code == 401
    headers = {"authorization": f"Bearer {key}"}
    assert guarded.client.get("/v1/nothing", headers=headers).status_code == 404


@pytest.mark.parametrize("path", ["/health", "/ready", "/docs", "/openapi.json"])
def test_what_shows_no_data_needs_no_key(guarded: Served, path: str) -> None:
    assert guarded.client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1//models",
        "//v1/models",
        "/V1/models",
        "/v1/../v1/models",
        "/./v1/models",
        "/%76%31/models",
    ],
)
def test_no_spelling_of_a_path_gets_around_the_key(guarded: Served, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    answer = guarded.exchange_raw(request.encode())
    assert answer.split(b" ")[1] in (b"401", b"404")
    assert b"understudy-extractive" not in answer


def test_keys_of_any_project_and_revoked_ones(tmp_path: Path) -> None:
    first = make_key(tmp_path, project="first")
    second = make_key(tmp_path, project="second", value="sk-" + "a" * 48)
    revoked = make_key(tmp_path, project="first", name="old")
    with_store(tmp_path, lambda store: revoke_key(store, revoked.id))
    with serve(settings_for(tmp_path)) as served:
        statuses = [
            ask(served, ROUTES[0], authorization=f"Bearer {key.secret}").status_code
            for key in (first, second, revoked)
        ]
    assert statuses == [200, 200, 401]


def test_when_every_key_is_revoked_none_will_do(tmp_path: Path) -> None:
    only = make_key(tmp_path)
    with_store(tmp_path, lambda store: revoke_key(store, only.id))
    with serve(settings_for(tmp_path)) as served:
        for headers in ({}, {"authorization": f"Bearer {only.secret}"}):
            assert ask(served, ROUTES[0], **headers).status_code == 401


def test_open_asks_for_no_key_although_there_are_some(keys_dir: Path, key: str) -> None:
    with serve(settings_for(keys_dir, open=True)) as served:
        for headers in ({}, {"authorization": "Bearer whatever"}):
            assert all(ask(served, route, **headers).status_code == 200 for route in ROUTES)


def test_a_public_address_without_keys_lets_nobody_in(tmp_path: Path) -> None:
    """As when the last row of the keys table was deleted by hand: closed rather than open."""
    with serve(settings_for(tmp_path, host="0.0.0.0")) as served:
        assert ask(served, ROUTES[0]).status_code == 401
        assert ask(served, ROUTES[0], authorization="Bearer whatever").status_code == 401


# --- the real command ---------------------------------------------------------------------------


@dataclass
class Command:
    """`understudy serve` as a process: where it answers and what it printed."""

    root: str
    printed: str


@contextmanager
def command(tmp_path: Path, *arguments: str) -> Iterator[Command]:
    """Run `understudy serve` on a free port; the rest of what it prints is there at the end."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UNDERSTUDY_", "DASHSCOPE_", "OPENAI_"))
    }
    line = [sys.executable, "-m", "understudy", "serve", "--port", "0"]
    line += ["--data-dir", str(tmp_path / "data"), *arguments]
    with subprocess.Popen(
        line, stderr=subprocess.PIPE, env=environment, cwd=tmp_path, text=True
    ) as process:
        assert process.stderr is not None
        running = Command("", "")
        try:
            while "api_key =" not in running.printed:
                said = process.stderr.readline()
                assert said, running.printed
                running.printed += said
            (port,) = re.findall(r'base_url = "http://\S+:(\d+)/v1"', running.printed)
            running.root = f"http://127.0.0.1:{port}"
            yield running
        finally:
            process.send_signal(signal.SIGINT)
            running.printed += process.stderr.read()  # with what readline has taken and kept
            process.wait(WAIT_S * 2)


def models_at(root: str, **headers: str) -> int:
    url = f"{root}/v1/models"
    return httpx2.get(url, headers=headers, timeout=WAIT_S, trust_env=False).status_code


PUBLIC = "127.1"
"""Loopback in a spelling that the settings do not know, and so treat as an address of others."""
KEY_LIKE = re.compile(r"\bsk-[A-Za-z0-9]{20,}")


def test_serve_on_a_public_address_makes_one_key_and_demands_it(tmp_path: Path) -> None:
    with command(tmp_path, "--host", PUBLIC) as first:
        (key,) = KEY_LIKE.findall(first.printed)
        assert models_at(first.root) == 401
        assert models_at(first.root, authorization="Bearer sk-wrong") == 401
        assert models_at(first.root, authorization=f"Bearer {key}") == 200
    assert first.printed.count(key) == 1
    assert "shown once" in first.printed
    with command(tmp_path, "--host", PUBLIC) as second:
        assert models_at(second.root, authorization=f"Bearer {key}") == 200
    assert not KEY_LIKE.search(second.printed)
    files = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files and all(key.encode() not in content for content in files)


def test_serve_open_on_a_public_address_warns_and_asks_for_none(tmp_path: Path) -> None:
    with command(tmp_path, "--host", PUBLIC, "--open") as running:
        assert models_at(running.root) == 200
    assert "Warning" in running.printed and "without a key" in running.printed


def test_serve_on_loopback_takes_any_key(tmp_path: Path) -> None:
    with command(tmp_path) as running:
        assert models_at(running.root) == 200
        assert models_at(running.root, authorization="Bearer any") == 200
    assert not KEY_LIKE.search(running.printed)
