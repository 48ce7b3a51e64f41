"""The upstream engine against a real HTTP server: what it sends, what it makes of the answer."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr
from tests.upstreams.scripted import (
    ScriptedUpstream,
    answer,
    break_off,
    raw,
    stream,
    stream_bytes,
    truncate,
)

from understudy import errors
from understudy.engines.base import Engine, ModerationEngine, TextEngine
from understudy.engines.probe import ProbeState
from understudy.engines.upstream import ConnectionSettings, UpstreamEngine
from understudy.settings import TimeoutSettings
from understudy.settings.providers import CapabilitySettings, ProviderSettings
from understudy.wire.chat import ChatChunk, ChatRequest

pytestmark = pytest.mark.anyio

KEY = "sk-secret-4711"
CONNECTION = ConnectionSettings(TimeoutSettings(), retries=0, max_connections=10)
HELLO: ChatRequest = {"model": "echo", "messages": [{"role": "user", "content": "hello world"}]}
CHUNK = {"id": "c", "created": 1, "model": "m"}
MakeEngine = Callable[..., UpstreamEngine]


@pytest.fixture
async def make(upstream: ScriptedUpstream) -> AsyncIterator[MakeEngine]:
    """Make engines of provider `acme` at the scripted upstream; closes them."""
    engines: list[UpstreamEngine] = []

    def new(**settings: Any) -> UpstreamEngine:
        given = {"base_url": upstream.base_url, "key_variable": "ACME_API_KEY", "key": KEY}
        provider = ProviderSettings(**{**given, **settings})
        engines.append(UpstreamEngine("acme", provider, CONNECTION))
        return engines[-1]

    yield new
    for engine in engines:
        await engine.aclose()


def says(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {**CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


async def collect(engine: UpstreamEngine, request: ChatRequest = HELLO) -> list[ChatChunk]:
    return [chunk async for chunk in engine.stream(request)]


def text_of(chunks: list[ChatChunk]) -> str:
    parts = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    return "".join(part for part in parts if isinstance(part, str))


async def test_it_is_every_kind_of_engine(make: MakeEngine) -> None:
    engine: Engine = make()
    assert isinstance(engine, TextEngine)
    assert isinstance(engine, ModerationEngine)


async def test_a_plain_answer(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    made = await make().complete(HELLO)
    assert made.choices[0].message.content == "You said: hello world"
    assert made.usage.total_tokens == 6
    (call,) = upstream.calls
    assert (call.method, call.path, call.json) == ("POST", "/chat/completions", HELLO)


async def test_a_streamed_answer(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    chunks = await collect(make())
    assert text_of(chunks) == "You said: hello world"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert isinstance(chunks[-1].usage, msgspec.Struct)
    assert upstream.calls[0].json["stream"] is True


async def test_usage_is_always_asked_for(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    await collect(make(), {**HELLO, "stream_options": {"include_usage": False}})
    assert upstream.calls[0].json["stream_options"] == {"include_usage": True}


async def test_unknown_fields_arrive_and_nulls_do_not(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    request: Any = {**HELLO, "top_k": 3, "temperature": None, "stream": None, "seed": 0}
    await make().complete(request)
    assert upstream.calls[0].json == {**HELLO, "top_k": 3, "seed": 0}


async def test_only_the_headers_of_the_api_are_sent(
    make: MakeEngine, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "from-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-custom: from-the-environment")
    await make().complete(HELLO)
    headers = upstream.calls[0].headers
    assert headers.pop("authorization") == f"Bearer {KEY}"
    assert "from-the-environment" not in str(headers)
    assert set(headers) == {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    }


async def test_without_a_key_no_authorization_is_sent(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    await make(key=None).complete(HELLO)
    await collect(make(key=SecretStr(" \n")))
    assert ["authorization" in call.headers for call in upstream.calls] == [False, False]


async def test_a_key_is_sent_without_the_line_end_of_its_file(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    await make(key=f"{KEY}\n").complete(HELLO)
    assert upstream.calls[0].key == KEY


async def test_a_missing_key_is_noticed_before_any_call(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    engine = make(key=None, requires_key=True)
    with pytest.raises(errors.ProviderKeyMissing, match="set ACME_API_KEY"):
        await engine.complete(HELLO)
    with pytest.raises(errors.ProviderKeyMissing, match="understudy-extractive"):
        await collect(engine)
    assert await engine.models() == []
    assert upstream.calls == []


async def test_a_key_that_cannot_be_sent_is_rejected(make: MakeEngine) -> None:
    with pytest.raises(errors.ProviderKeyRejected, match="copy it again"):
        await make(key="“sk-quoted”").complete(HELLO)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.ProviderKeyRejected),
        (429, errors.ProviderRateLimited),
        (400, errors.ProviderRefused),
        (500, errors.ProviderFailed),
        (307, errors.ProviderFailed),
    ],
)
async def test_refusals_reach_the_caller(
    make: MakeEngine, upstream: ScriptedUpstream, status: int, kind: type[Exception]
) -> None:
    refusal = answer({"error": {"message": "no"}}, status, {"retry-after": "7", "location": "/x"})
    upstream.play(refusal, refusal, refusal)
    engine = make()
    with pytest.raises(kind):
        await engine.complete(HELLO)
    with pytest.raises(kind):
        await collect(engine)
    with pytest.raises(kind):
        await engine.embed({"model": "echo", "input": ["a"]})


async def test_retry_after_is_kept(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    upstream.play(answer({"error": {"message": "no"}}, 429, {"retry-after": "7"}))
    with pytest.raises(errors.ProviderRateLimited) as caught:
        await make().complete(HELLO)
    assert caught.value.headers == {"retry-after": "7"}


@pytest.mark.parametrize(
    "body", [b"<html>hi</html>", b"", b"{}", b"[]", b'{"choices": []}', b'{"choices": 3}', b"\xff"]
)
async def test_a_success_that_is_no_answer(
    make: MakeEngine, upstream: ScriptedUpstream, body: bytes
) -> None:
    upstream.play(raw(body), raw(body), raw(body))
    engine = make()
    with pytest.raises(errors.ProviderFailed, match="no answer"):
        await engine.complete(HELLO)
    with pytest.raises(errors.ProviderFailed, match="no answer"):
        await engine.complete_text({"model": "echo", "prompt": "a"})
    with pytest.raises(errors.ProviderFailed, match="no answer"):
        await engine.embed({"model": "echo", "input": ["a"]})


async def test_an_error_in_a_success_is_an_error(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(answer({"error": {"message": "out of memory"}}))
    with pytest.raises(errors.ProviderFailed, match="out of memory"):
        await make().complete(HELLO)


async def test_a_truncated_answer_is_broken_and_not_repeated(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(truncate(b'{"choices": [', 500))
    with pytest.raises(errors.StreamBroken):
        await make().complete(HELLO)
    assert len(upstream.calls) == 1


async def test_a_stream_without_done_is_fine_once_it_finished(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(stream([says("a"), says(None, "stop")], is_done=False))
    assert text_of(await collect(make())) == "a"


async def test_a_last_event_without_its_blank_line_counts(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(stream_bytes([event(says("a")), event(says("b", "stop")).rstrip()]))
    assert text_of(await collect(make())) == "ab"


async def test_a_lost_end_after_the_finish_reason_is_fine(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    events = b"".join(b"data: " + json.dumps(c).encode() + b"\n\n" for c in (says("a", "stop"),))
    upstream.play(break_off([events]))
    assert text_of(await collect(make())) == "a"


def event(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


BROKEN = {
    "closed": break_off([event(says("a"))]),
    "reset": break_off([event(says("a"))], with_reset=True),
    "closed before an event": break_off([]),
    "ends without a finish reason": stream([says("a")], is_done=False),
    "done without a finish reason": stream([says("a")]),
    "done at once": stream([]),
    "empty": stream_bytes([]),
    "invalid JSON": stream_bytes([event(says("a")), b"data: {oops\n\n"]),
    "another shape": stream_bytes([event(says("a")), b"data: [1]\n\n"]),
    "cut amid an event": stream_bytes([event(says("a")), event(says("b", "stop"))[:-20]]),
    "error key": stream([says("a"), {"error": {"message": "oops"}}]),
    "error event": stream_bytes([event(says("a")), b"event: error\ndata: oops\n\n"]),
    "error event with JSON": stream_bytes(
        [event(says("a")), b'event: error\ndata: {"message": "oops"}\n\n']
    ),
}


@pytest.mark.parametrize("step", BROKEN.values(), ids=BROKEN.keys())
async def test_a_stream_that_breaks_is_never_a_false_stop(
    make: MakeEngine, upstream: ScriptedUpstream, step: Any
) -> None:
    upstream.play(step)
    with pytest.raises(errors.StreamBroken):
        async for chunk in make().stream(HELLO):
            assert all(choice.finish_reason is None for choice in chunk.choices)
    assert len(upstream.calls) == 1


async def test_nothing_is_read_past_done(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    late = event(says("late"))
    upstream.play(stream_bytes([event(says("a", "stop")) + b"data: [DONE]\n\n" + late, late]))
    assert text_of(await collect(make())) == "a"


async def test_a_whole_answer_in_place_of_a_stream_is_taken(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(answer({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}))
    assert text_of(await collect(make())) == "a"


async def test_html_in_place_of_a_stream_is_no_answer(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(raw(b"<html>hi</html>", content_type="text/html"))
    with pytest.raises(errors.ProviderFailed, match="no answer"):
        await collect(make())


@pytest.mark.parametrize("size", [1, 2, 7, 64])
async def test_a_stream_may_be_cut_anywhere(
    make: MakeEngine, upstream: ScriptedUpstream, size: int
) -> None:
    whole = event(says("Olá 👋")) + event(says("中文")) + event(says(None, "stop"))
    whole += b"data: [DONE]\n\n"
    upstream.play(stream_bytes(whole[at : at + size] for at in range(0, len(whole), size)))
    assert text_of(await collect(make())) == "Olá 👋中文"


async def test_tools_come_out_the_same_plain_and_streamed(make: MakeEngine) -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    request: ChatRequest = {
        "model": "echo",
        "messages": [{"role": "user", "content": "the weather in Paris"}],
        "tools": [tool],
    }
    engine = make()
    plain = (await engine.complete(request)).choices[0]
    assert plain.finish_reason == "tool_calls"
    assert isinstance(plain.message.tool_calls, list)
    streamed = [c for chunk in await collect(engine, request) for c in chunk.choices]
    assert streamed[-1].finish_reason == "tool_calls"
    pieces = [piece for c in streamed for piece in c.delta.tool_calls or ()]
    arguments = "".join(p.function.arguments or "" for p in pieces if p.function)
    assert pieces[0].id == plain.message.tool_calls[0].id
    assert arguments == plain.message.tool_calls[0].function.arguments == '{"city": "Paris"}'


async def test_embeddings(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    made = await make().embed({"model": "echo", "input": ["a", "b"], "dimensions": 4})
    assert [len(vector) for vector in made.vectors] == [4, 4]
    assert made.vectors[0] != made.vectors[1]
    assert made.prompt_tokens == 2
    assert upstream.calls[0].json == {
        "model": "echo",
        "input": ["a", "b"],
        "dimensions": 4,
        "encoding_format": "float",
    }


async def test_text_completions(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    engine = make()
    request = {"model": "echo", "prompt": "hi", "echo": None, "suffix": "!"}
    whole: Any = await engine.complete_text(request)
    assert whole["choices"][0]["text"] == " You said: hi"
    assert whole["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0
    chunks: list[Any] = [chunk async for chunk in engine.stream_text(request)]
    assert "".join(c["text"] for chunk in chunks for c in chunk["choices"]) == " You said: hi"
    assert [("usage" in chunk) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert upstream.calls[0].json == {"model": "echo", "prompt": "hi", "suffix": "!"}


async def test_a_text_stream_that_breaks_is_an_error(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    half = {**CHUNK, "choices": [{"index": 0, "text": "a", "finish_reason": None}]}
    upstream.play(
        stream([half], is_done=False), break_off([event(half)]), stream([half, {"error": 1}])
    )
    engine = make()
    for _ in range(3):
        with pytest.raises(errors.StreamBroken):
            async for _chunk in engine.stream_text({"model": "echo", "prompt": "a"}):
                pass


async def test_moderations(make: MakeEngine) -> None:
    made: Any = await make().moderate({"input": "violence"})
    assert made["results"][0]["flagged"] is True


async def test_models_are_listed_once_a_minute(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    engine = make()
    listed = [(model.id, model.owned_by, model.kind) for model in await engine.models()]
    assert listed == [("echo", "echo", "chat"), ("echo-embedding", "echo", "embedding")]
    await engine.models()
    assert len(upstream.calls) == 1


async def test_no_models_when_the_provider_is_away(
    make: MakeEngine, upstream: ScriptedUpstream
) -> None:
    upstream.play(answer({"error": "no"}, 503))
    assert await make().models() == []
    assert await make(base_url="http://127.0.0.1:9/v1").models() == []


async def test_a_model_map_is_the_list(make: MakeEngine, upstream: ScriptedUpstream) -> None:
    engine = make(models={"fast": "echo-embedding", "gpt-4": "echo"})
    assert [(m.id, m.kind) for m in await engine.models()] == [
        ("fast", "embedding"),
        ("gpt-4", "chat"),
    ]
    assert upstream.calls == []


async def test_capabilities_are_the_settings_word(make: MakeEngine) -> None:
    engine = make(capabilities=CapabilitySettings(tools=False, context_length=4096))
    capabilities = engine.capabilities("any")
    assert (capabilities.tools, capabilities.context_length) == (False, 4096)
    assert (capabilities.json_schema, capabilities.kind) == (True, None)
    assert engine.capabilities("text-embedding-3-small").kind == "embedding"


PROBES = [
    (answer({"data": []}), ProbeState.READY),
    (answer({"error": {"message": "no"}}, 401), ProbeState.KEY_REJECTED),
    (answer({"error": {"message": "no"}}, 500), ProbeState.FAILED),
    (raw(b"<html>", 404, "text/html"), ProbeState.FAILED),
    (answer({"error": {"message": "no such model", "code": "x"}}, 404), ProbeState.FAILED),
    (raw(b"<html>", 200, "text/html"), ProbeState.FAILED),
]


@pytest.mark.parametrize(("step", "state"), PROBES)
async def test_a_probe_says_what_is_wrong(
    make: MakeEngine, upstream: ScriptedUpstream, step: Any, state: ProbeState
) -> None:
    upstream.play(step)
    assert (await make().probe()).state is state


async def test_a_probe_without_key_or_server(make: MakeEngine) -> None:
    missing = await make(key=None, requires_key=True).probe()
    assert missing.state is ProbeState.KEY_MISSING
    assert "ACME_API_KEY" in missing.detail
    refused = await make(base_url="http://127.0.0.1:9/v1").probe()
    assert refused.state is ProbeState.REFUSED
    assert "Is it running" in refused.detail
