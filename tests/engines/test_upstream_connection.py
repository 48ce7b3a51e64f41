"""How the upstream engine uses connections: reuse, repeats, timeouts, and going away in time."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest
from tests.upstreams.http_server import Call, Reply
from tests.upstreams.scripted import (
    ScriptedUpstream,
    answer,
    break_off,
    drop,
    hang,
    raw,
    reset,
    stall,
)

from understudy import errors
from understudy.engines.probe import ProbeState
from understudy.engines.transport import proxy_for
from understudy.engines.upstream import ConnectionSettings, UpstreamEngine
from understudy.settings import TimeoutSettings
from understudy.settings.providers import ProviderSettings
from understudy.wire.chat import ChatRequest

pytestmark = pytest.mark.anyio

HELLO: ChatRequest = {"model": "echo", "messages": [{"role": "user", "content": "hello"}]}
FIRST = b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'
MakeEngine = Callable[..., UpstreamEngine]
NO_HANG_S = 20
"""For tests that would wait for ever if a time limit did not work."""


@pytest.fixture
async def make(upstream: ScriptedUpstream) -> AsyncIterator[MakeEngine]:
    """Make engines with the connection settings given; closes them."""
    engines: list[UpstreamEngine] = []

    def new(
        base_url: str = "", retries: int = 0, connections: int = 10, **timeouts: float
    ) -> UpstreamEngine:
        settings = ConnectionSettings(TimeoutSettings(**timeouts), retries, connections)
        provider = ProviderSettings(base_url=base_url or upstream.base_url)
        engines.append(UpstreamEngine("acme", provider, settings))
        return engines[-1]

    yield new
    for engine in engines:
        await engine.aclose()


async def read(engine: UpstreamEngine, request: ChatRequest = HELLO) -> None:
    async for _ in engine.stream(request):
        pass


async def assert_disconnected(upstream: ScriptedUpstream) -> None:
    assert await anyio.to_thread.run_sync(upstream.calls[-1].disconnected.wait, 5)


async def test_one_connection_serves_many_answers(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    engine = make()
    for _ in range(3):
        await engine.complete(HELLO)
        await read(engine)
        await engine.embed({"model": "echo", "input": ["a"]})
    upstream.play(answer({"error": {"message": "no"}}, 400))
    with pytest.raises(errors.ProviderRefused):
        await read(engine)
    await engine.complete(HELLO)
    assert upstream.connections == 1


@pytest.mark.parametrize("death", [drop, reset])
async def test_a_dead_reused_connection_is_repeated_at_once(
    make: MakeEngine, upstream: ScriptedUpstream, death: Any
) -> None:
    engine = make(retries=0)
    await engine.complete(HELLO)
    upstream.play(death())
    made = await engine.complete(HELLO)
    assert made.choices[0].message.content == "You said: hello"
    assert [call.connection for call in upstream.calls] == [0, 0, 1]


async def test_every_repeat_has_a_connection_of_its_own(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    engine = make(retries=0)
    for _ in range(2):
        await engine.complete(HELLO)
        upstream.play(drop())
        await engine.complete(HELLO)
    assert [call.connection for call in upstream.calls] == [0, 0, 1, 2, 2, 3]


async def test_a_stream_on_a_dead_reused_connection_is_repeated(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    engine = make(retries=0)
    await read(engine)
    upstream.play(drop())
    await read(engine)
    assert len(upstream.calls) == 3


async def test_several_dead_connections_cost_one_repeat(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    engine = make(retries=0)
    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(engine.complete, HELLO)
    upstream.play(drop())
    before = len(upstream.calls)
    await engine.complete(HELLO)
    assert len(upstream.calls) - before == 2


async def test_a_connection_that_the_server_closed_while_idle_is_not_used(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    engine = make(retries=0)
    await engine.complete(HELLO)
    upstream.close_idle()
    await engine.complete(HELLO)
    await read(engine)
    assert len(upstream.calls) == 3


async def test_a_fresh_connection_that_dies_is_an_error(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(drop())
    with pytest.raises(errors.ProviderUnreachable):
        await make(retries=0).complete(HELLO)
    assert len(upstream.calls) == 1


async def test_the_repeat_is_not_repeated(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    engine = make(retries=0)
    await engine.complete(HELLO)
    upstream.play(drop(), drop())
    with pytest.raises(errors.ProviderUnreachable):
        await engine.complete(HELLO)
    assert len(upstream.calls) == 3


async def partial_head(_: Call, reply: Reply) -> None:
    await reply.send(b"HTTP/1.1 200 OK\r\ncontent-type: app")
    reply.close()


async def no_http(_: Call, reply: Reply) -> None:
    await reply.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    reply.close()


@pytest.mark.parametrize("step", [no_http, break_off([]), break_off([FIRST]), raw(b"{", 200)])
async def test_nothing_is_repeated_after_a_response_byte(
    make: MakeEngine, upstream: ScriptedUpstream, step: Any
) -> None:
    engine = make(retries=2)
    await engine.complete(HELLO)
    upstream.play(step)
    with pytest.raises(errors.ProviderError):
        await read(engine)
    assert len(upstream.calls) == 2


async def test_half_a_response_head_is_not_repeated(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    engine = make(retries=2)
    await engine.complete(HELLO)
    upstream.play(partial_head)
    with pytest.raises(errors.StreamBroken):
        await engine.complete(HELLO)
    assert len(upstream.calls) == 2


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_pass_is_repeated(
    make: MakeEngine, upstream: ScriptedUpstream, status: int
) -> None:
    soon = {"retry-after-ms": "1"}
    upstream.play(*[answer({"error": {"message": "no"}}, status, soon)] * 2)
    made = await make(retries=2).complete(HELLO)
    assert made.choices[0].message.content == "You said: hello"
    assert len(upstream.calls) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_cannot_pass_is_not_repeated(
    make: MakeEngine, upstream: ScriptedUpstream, status: int
) -> None:
    upstream.play(answer({"error": {"message": "no"}}, status))
    with pytest.raises(errors.UnderstudyError):
        await make(retries=2).complete(HELLO)
    assert len(upstream.calls) == 1


async def test_leaving_before_the_first_byte_closes_the_connection(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    engine = make()
    upstream.play(hang(), hang())
    for ask in (engine.complete, lambda request: read(engine, request)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, HELLO)
            await anyio.to_thread.run_sync(upstream.wait_for_calls, len(upstream.calls) + 1)
            tasks.cancel_scope.cancel()
        await assert_disconnected(upstream)


async def test_leaving_amid_a_stream_closes_the_connection(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(stall([FIRST]))
    chunks = make().stream(HELLO)
    await anext(chunks)
    await chunks.aclose()
    await assert_disconnected(upstream)


async def test_cancelling_a_reader_amid_a_stream_closes_the_connection(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(stall([FIRST]))
    engine = make()
    seen = asyncio.Event()

    async def follow() -> None:
        async for _ in engine.stream(HELLO):
            seen.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        await seen.wait()
        tasks.cancel_scope.cancel()
    await assert_disconnected(upstream)


async def test_silence_before_an_answer_times_out(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    with anyio.fail_after(NO_HANG_S):
        upstream.play(hang(), hang())
        engine = make(read_s=0.05)
        with pytest.raises(errors.ProviderTimeout, match=r"timeouts\.read_s"):
            await engine.complete(HELLO)
        with pytest.raises(errors.ProviderTimeout, match=r"timeouts\.read_s"):
            await read(engine)


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_repeated_silence_is_told_with_its_total(
    make: MakeEngine, upstream: ScriptedUpstream, is_streamed: bool
) -> None:
    upstream.play(hang(), hang())
    engine = make(retries=1, read_s=0.05)
    with anyio.fail_after(NO_HANG_S), pytest.raises(errors.ProviderTimeout) as silent:
        await (read(engine) if is_streamed else engine.complete(HELLO))
    assert len(upstream.calls) == 2
    assert "longer than 0.05 s. It was tried 2 times: up to 0.1 s" in silent.value.message


async def test_silence_amid_an_answer_times_out(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    with anyio.fail_after(NO_HANG_S):
        upstream.play(stall([FIRST]))
        with pytest.raises(errors.ProviderTimeout, match=r"timeouts\.read_s"):
            await read(make(read_s=0.05))


async def test_waiting_for_a_connection_times_out(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    with anyio.fail_after(NO_HANG_S):
        upstream.play(stall([FIRST]))
        engine = make(connections=1, pool_s=0.05)
        holder = engine.stream(HELLO)
        await anext(holder)
        with pytest.raises(errors.ProviderTimeout, match=r"timeouts\.pool_s"):
            await engine.complete(HELLO)
        await holder.aclose()
        await engine.complete(HELLO)


@pytest.fixture
def deaf_address() -> Iterator[str]:
    """An address that takes no connection: its queue of pending ones is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield f"http://127.0.0.1:{port}/v1"
        for client in waiting:
            client.close()


async def test_connecting_times_out(make: MakeEngine, deaf_address: str) -> None:
    with anyio.fail_after(NO_HANG_S):
        with pytest.raises(errors.ProviderTimeout, match=r"timeouts\.connect_s"):
            await make(deaf_address, connect_s=0.05).complete(HELLO)


async def test_listing_models_times_out(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    with anyio.fail_after(NO_HANG_S):
        upstream.play(hang(), hang())
        engine = make(list_models_s=0.05)
        probe = await engine.probe()
        assert probe.state is ProbeState.TIMEOUT
        assert "timeouts.list_models_s" in probe.detail
        assert await engine.models() == []


async def test_an_address_where_nobody_listens(make: MakeEngine) -> None:
    with pytest.raises(errors.ProviderUnreachable, match="Is it running") as caught:
        await make("http://127.0.0.1:9/v1").complete(HELLO)
    assert "http://127.0.0.1:9/v1" in caught.value.message


async def test_a_name_that_does_not_resolve(make: MakeEngine) -> None:
    with pytest.raises(errors.ProviderUnreachable):
        await make("http://nowhere.invalid/v1").complete(HELLO)


async def test_a_server_without_tls(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    with pytest.raises(errors.ProviderUnreachable):
        await make(upstream.base_url.replace("http:", "https:")).complete(HELLO)


@pytest.mark.parametrize(
    ("base_url", "proxy"),
    [
        ("https://api.example/v1", "http://proxy.example:3128"),
        ("http://api.example/v1", "http://plain.example:3128"),
        ("https://inside.example/v1", None),
        ("http://127.0.0.1:8000/v1", None),
        ("http://127.8.8.8:8000/v1", None),
        ("http://localhost:8000/v1", None),
        ("http://[::1]:8000/v1", None),
    ],
)
def test_proxies_serve_remote_hosts_only(
    monkeypatch: pytest.MonkeyPatch, base_url: str, proxy: str | None
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://plain.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for(base_url) == proxy


async def test_requests_go_through_the_proxy(
    make: MakeEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", upstream.base_url.removesuffix("/v1"))
    monkeypatch.delenv("no_proxy", raising=False)
    upstream.play(answer({"choices": [{"message": {"content": "via proxy"}}]}))
    made = await make("http://api.example/v1").complete(HELLO)
    assert made.choices[0].message.content == "via proxy"
    assert upstream.calls[0].path == "http://api.example/v1/chat/completions"
