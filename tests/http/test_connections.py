"""Connections that end, die or stall, on the client's side and on the provider's."""

import asyncio
import json
import os
import re
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import (
    HELLO,
    WAIT_S,
    LogLines,
    Served,
    error_of,
    events_of,
    provider_at,
)
from tests.upstreams.http_server import Behaviour, Call, Reply
from tests.upstreams.scripted import ScriptedUpstream, answer, drop, hang, reset, stall

SAYS_HI = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"}}]}\n\n'


def request_bytes(path: str = "/v1/chat/completions", **fields: Any) -> bytes:
    """Return a POST as a client writes it."""
    body = json.dumps({"messages": HELLO, **fields}).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


def read_until(connection: socket.socket, text: bytes) -> bytes:
    got = b""
    while text not in got:
        piece = connection.recv(65536)
        assert piece, f"closed after {got!r}"
        got += piece
    return got


WAITING: dict[str, tuple[Behaviour, bytes]] = {
    "stream, before the first byte": (hang(), request_bytes(stream=True)),
    "stream, head without events": (stall(), request_bytes(stream=True)),
    "plain": (hang(), request_bytes()),
    "plain with functions": (hang(), request_bytes(functions=[{"name": "f"}])),
    "fan-out": (hang(), request_bytes(model="no-n/echo", n=2)),
    "text completion": (hang(), request_bytes("/v1/completions", prompt="hello")),
    "native text stream": (
        hang(),
        request_bytes("/v1/completions", model="native/echo", prompt="hello", stream=True),
    ),
    "embeddings": (
        hang(),
        request_bytes("/v1/embeddings", model="up/echo-embedding", input="hello"),
    ),
}


@pytest.mark.parametrize("what", WAITING)
def test_rule_10_a_client_that_leaves_cancels_the_provider(
    server: Served, upstream: ScriptedUpstream, what: str
) -> None:
    behaviour, request = WAITING[what]
    calls = 2 if what == "fan-out" else 1
    upstream.play(*[behaviour] * calls)
    with server.connect() as connection:
        connection.sendall(request)
        upstream.wait_for_calls(calls)
        assert not any(call.disconnected.is_set() for call in upstream.calls)
    for call in upstream.calls:
        assert call.disconnected.wait(WAIT_S)


@pytest.mark.parametrize("fields", [{}, {"model": "no-n/echo", "n": 2}], ids=["one", "fan-out"])
def test_rule_10_in_the_middle_of_a_stream(
    server: Served, upstream: ScriptedUpstream, fields: dict[str, Any]
) -> None:
    calls = fields.get("n", 1)
    upstream.play(*[stall([SAYS_HI])] * calls)
    with server.connect() as connection:
        connection.sendall(request_bytes(stream=True, **fields))
        read_until(connection, b'"content":"Hi"')
        upstream.wait_for_calls(calls)
    for call in upstream.calls:
        assert call.disconnected.wait(WAIT_S)


def test_rule_10_half_a_body_reaches_no_provider(
    server: Served, upstream: ScriptedUpstream, logs: LogLines
) -> None:
    with server.connect() as connection:
        connection.sendall(request_bytes()[:-20])
    assert logs.wait_for(status=499)["request_id"].startswith("req")
    assert upstream.calls == []
    assert logs.failures() == []


def test_rule_11_a_dead_reused_connection_is_tried_once_more(
    server: Served, upstream: ScriptedUpstream
) -> None:
    for is_streamed in (False, True):
        assert server.chat().status_code == 200
        before = len(upstream.calls)
        upstream.play(drop())
        assert server.chat(stream=is_streamed).status_code == 200
        assert len(upstream.calls) == before + 2


def test_rule_11_but_only_once_and_only_if_reused(serve_with: ServeWith) -> None:
    with (
        ScriptedUpstream() as upstream,
        serve_with(
            providers={"up": provider_at(upstream)}, default_model="up/echo", upstream_retries=0
        ) as server,
    ):
        upstream.play(reset())
        assert error_of(server.chat(), 502)["code"] == "provider_unreachable"
        assert len(upstream.calls) == 1


def test_rule_12_event_streams_are_never_compressed(server: Served) -> None:
    response = server.client.post(
        "/v1/chat/completions",
        json={"messages": HELLO, "stream": True},
        headers={"accept-encoding": "gzip, deflate, br"},
    )
    assert "content-encoding" not in response.headers
    assert "no-transform" in response.headers["cache-control"]
    assert events_of(response)


def resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1])


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads memory from /proc")
def test_rule_12_a_client_that_does_not_read_stops_the_provider(
    server: Served, upstream: ScriptedUpstream
) -> None:
    """The provider offers 200 MB; what it gets rid of fits the sockets' and a few buffers."""
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (b"x" * 16_000)
    taken: list[int] = []
    is_stuck = threading.Event()

    async def pour(_: Call, reply: Reply) -> None:
        await reply.start()
        for number in range(12_500):
            taken.append(number)
            try:
                await asyncio.wait_for(reply.send(event), 1.0)
            except TimeoutError:
                break
        is_stuck.set()
        await asyncio.Event().wait()

    upstream.play(pour)
    before = resident_kib()
    with server.connect(receive_buffer_bytes=4096) as connection:
        connection.sendall(request_bytes(stream=True))
        (call,) = upstream.wait_for_calls(1)
        assert is_stuck.wait(60)
        assert len(taken) < 2_000, "the server read on although its client did not"
        assert resident_kib() - before < 32_000
    assert call.disconnected.wait(WAIT_S)


def test_one_slow_client_does_not_hold_up_another(
    server: Served, upstream: ScriptedUpstream
) -> None:
    upstream.play(stall([SAYS_HI]))
    with server.connect() as connection:
        connection.sendall(request_bytes(stream=True))
        read_until(connection, b'"content":"Hi"')
        assert server.chat().json()["choices"][0]["message"]["content"] == "You said: hello world"


def test_retries_are_those_of_the_settings(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    busy = answer({"error": {"message": "busy"}}, 503, {"retry-after-ms": "1"})
    fields = {"providers": {"up": provider_at(upstream)}, "default_model": "up/echo"}
    with serve_with(**fields, upstream_retries=1) as server:
        upstream.play(busy)
        assert server.chat().status_code == 200
        assert len(upstream.calls) == 2
        upstream.play(busy, busy)
        assert error_of(server.chat(), 502)["code"] == "provider_error"
        assert len(upstream.calls) == 4
