"""The DashScope engine against a server that behaves as DashScope does. Letters as in the docs."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from tests.upstreams.dashscope import KEYS
from tests.upstreams.scripted import ScriptedUpstream, answer

from understudy import errors
from understudy.engines.dashscope import DashScopeEngine
from understudy.engines.probe import ProbeState
from understudy.engines.upstream import ConnectionSettings
from understudy.settings import TimeoutSettings
from understudy.settings.providers import DASHSCOPE_HOSTS, ProviderSettings
from understudy.wire.chat import ChatChunk, ChatRequest

pytestmark = pytest.mark.anyio

CONNECTION = ConnectionSettings(TimeoutSettings(list_models_s=1), retries=0, max_connections=10)
MakeEngine = Callable[..., DashScopeEngine]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture
async def make(dashscope_intl: ScriptedUpstream) -> AsyncIterator[MakeEngine]:
    """Make engines of the international host; closes them."""
    engines: list[DashScopeEngine] = []

    def new(
        key: str | None = KEYS["intl"], siblings: Mapping[str, str] | None = None
    ) -> DashScopeEngine:
        provider = ProviderSettings(
            base_url=dashscope_intl.base_url,
            key_variable="DASHSCOPE_API_KEY",
            key=key,
            requires_key=True,
            adapter="dashscope",
        )
        engines.append(DashScopeEngine("dashscope", provider, CONNECTION, siblings))
        return engines[-1]

    yield new
    for engine in engines:
        await engine.aclose()


def ask(model: str, text: str = "hello", **fields: Any) -> ChatRequest:
    request: Any = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
    return request


async def collect(engine: DashScopeEngine, request: ChatRequest) -> list[ChatChunk]:
    return [chunk async for chunk in engine.stream(request)]


def content(chunks: list[ChatChunk], field: str) -> str:
    parts = [getattr(c.delta, field) for chunk in chunks for c in chunk.choices]
    return "".join(part for part in parts if isinstance(part, str))


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("qwen-plus", {"enable_thinking": True}),
        ("qwen3-8b", {}),
        ("qwen3.5-plus", {}),
        ("qwq-plus", {}),
        ("qvq-max", {}),
    ],
)
async def test_a_thinking_models_answer_plain_calls(
    make: MakeEngine, dashscope_intl: ScriptedUpstream, model: str, fields: Any
) -> None:
    made = await make().complete(ask(model, **fields))
    (choice,) = made.choices
    assert choice.message.content == "You said: hello"
    assert choice.message.reasoning_content == "Let me think."
    assert choice.finish_reason == "stop"
    assert made.usage.completion_tokens == 6
    assert dashscope_intl.calls[0].json["stream"] is True


@pytest.mark.parametrize("model", ["qwen-omni-turbo", "qwen3-omni-flash", "qwq-plus", "qvq-max"])
async def test_b_stream_only_models_answer_plain_calls(make: MakeEngine, model: str) -> None:
    made = await make().complete(ask(model))
    assert made.choices[0].message.content == "You said: hello"


async def test_a_an_unknown_model_is_called_in_the_way_that_always_works(
    make: MakeEngine, dashscope_intl: ScriptedUpstream
) -> None:
    dashscope_intl.play(answer({"error": {"message": "no", "code": "model_not_found"}}, 404))
    with pytest.raises(errors.ModelNotFound):
        await make().complete(ask("qwen99-ultra"))
    assert dashscope_intl.calls[0].json["stream"] is True


async def test_models_that_do_not_think_are_called_plainly(
    make: MakeEngine, dashscope_intl: ScriptedUpstream
) -> None:
    made = await make().complete(ask("qwen-plus"))
    assert made.choices[0].message.content == "You said: hello"
    assert "stream" not in dashscope_intl.calls[0].json


@pytest.mark.parametrize("model", ["qwen-plus", "qwen3-8b"])
@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_weather"}}]
)
async def test_c_thinking_gives_way_to_a_forced_tool(
    make: MakeEngine, model: str, choice: Any
) -> None:
    request = ask(model, "in Paris", tools=[TOOL], tool_choice=choice, enable_thinking=True)
    engine = make()
    (plain,) = (await engine.complete(request)).choices
    assert plain.finish_reason == "tool_calls"
    streamed = [c for chunk in await collect(engine, request) for c in chunk.choices]
    assert streamed[-1].finish_reason == "tool_calls"


@pytest.mark.parametrize("model", ["qwen-plus", "qwen3-8b"])
async def test_d_thinking_gives_way_to_json_mode(make: MakeEngine, model: str) -> None:
    request = ask(model, "as json", response_format={"type": "json_object"}, enable_thinking=True)
    engine = make()
    assert (await engine.complete(request)).choices[0].message.content == '{"answer": "as json"}'
    assert content(await collect(engine, request), "content") == '{"answer": "as json"}'


async def test_e_json_mode_works_without_the_word(make: MakeEngine) -> None:
    engine = make()
    request = ask("qwen-max", response_format={"type": "json_object"})
    assert (await engine.complete(request)).choices[0].message.content == '{"answer": "hello"}'
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    made = await engine.complete(ask("qwen-plus", "7 of them", response_format=wanted))
    assert made.choices[0].message.content == '{"n": 7}'


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (10, 1), (11, 2), (25, 3)])
async def test_f_many_inputs_are_split_and_stay_in_order(
    make: MakeEngine, dashscope_intl: ScriptedUpstream, count: int, calls: int
) -> None:
    texts = [f"text {number}" for number in range(count)]
    engine = make()
    made = await engine.embed({"model": "text-embedding-v4", "input": texts})
    assert len(made.vectors) == count
    assert made.prompt_tokens == 2 * count
    assert len(dashscope_intl.calls) == calls
    last = await engine.embed({"model": "text-embedding-v4", "input": [texts[-1]]})
    assert made.vectors[-1] == last.vectors[0]


async def test_g_token_ids_are_refused_by_name(
    make: MakeEngine, dashscope_intl: ScriptedUpstream
) -> None:
    engine = make()
    assert engine.capabilities("text-embedding-v4").token_ids is False
    with pytest.raises(errors.UnsupportedParameter) as caught:
        await engine.embed({"model": "text-embedding-v4", "input": [[1, 2]]})
    assert caught.value.param == "input"
    assert dashscope_intl.calls == []


async def test_h_a_key_of_another_region_is_told_apart(
    make: MakeEngine, dashscope_intl: ScriptedUpstream, dashscope_cn: ScriptedUpstream
) -> None:
    engine = make(KEYS["cn"], {"dashscope-cn": dashscope_cn.base_url})
    for call in (engine.complete(ask("qwen-plus")), collect(engine, ask("qwen-plus"))):
        with pytest.raises(errors.ProviderRegionMismatch) as caught:
            await call
        assert "'dashscope-cn'" in caught.value.message
        assert dashscope_cn.base_url in caught.value.message
        assert KEYS["cn"] not in caught.value.message
    assert len(dashscope_intl.calls) == 2
    assert [call.json["messages"] for call in dashscope_cn.calls] == [[], []]


async def test_h_a_key_that_no_region_accepts_is_wrong(
    make: MakeEngine, dashscope_intl: ScriptedUpstream, dashscope_cn: ScriptedUpstream
) -> None:
    siblings = {"dashscope-cn": dashscope_cn.base_url, "dashscope-us": "http://127.0.0.1:9/v1"}
    with pytest.raises(errors.ProviderKeyRejected, match="DASHSCOPE_API_KEY"):
        await make("sk-wrong", siblings).complete(ask("qwen-plus"))
    assert len(dashscope_intl.calls) == len(dashscope_cn.calls) == 1


async def test_h_an_accepted_key_asks_nobody_else(
    make: MakeEngine, dashscope_cn: ScriptedUpstream
) -> None:
    engine = make(siblings={"dashscope-cn": dashscope_cn.base_url})
    await engine.complete(ask("qwen-plus"))
    assert dashscope_cn.calls == []


@pytest.mark.parametrize("name", DASHSCOPE_HOSTS)
def test_h_dashscope_s_own_hosts_know_each_other(name: str) -> None:
    provider = ProviderSettings(base_url=DASHSCOPE_HOSTS[name], requires_key=True)
    engine = DashScopeEngine(name, provider, CONNECTION)
    assert set(engine.siblings) == set(DASHSCOPE_HOSTS) - {name}


def test_h_a_key_is_not_sent_beyond_a_host_of_one_s_own() -> None:
    provider = ProviderSettings(base_url="https://qwen.example/v1", requires_key=True)
    assert DashScopeEngine("qwen", provider, CONNECTION).siblings == {}


async def test_i_refused_content_keeps_its_code(make: MakeEngine) -> None:
    engine = make()
    for request in (ask("qwen-plus", "FORBIDDEN"), ask("qwq-plus", "FORBIDDEN-LATE")):
        with pytest.raises(errors.ContentRefused, match="data_inspection_failed") as caught:
            await engine.complete(request)
        assert caught.value.code == "content_filter"
        with pytest.raises(errors.ContentRefused, match="data_inspection_failed"):
            await collect(engine, request)
    made = await engine.complete(ask("qwen-plus"))
    assert made.choices[0].message.content == "You said: hello"


@pytest.mark.parametrize(
    ("request_", "kind", "code"),
    [
        (ask("qwen-plus", n=9), errors.ProviderRefused, "invalid_parameter_error"),
        (ask("qwen-plus", "ARREARS"), errors.ProviderRefused, "Arrearage"),
        (ask("qwen-plus", "THROTTLE"), errors.ProviderRateLimited, "rate_limit_exceeded"),
        (ask("qwen-none"), errors.ModelNotFound, "model_not_found"),
    ],
)
async def test_j_refusals_are_put_in_the_envelope_with_their_id(
    make: MakeEngine, request_: ChatRequest, kind: type[errors.UnderstudyError], code: str
) -> None:
    with pytest.raises(kind, match=r"request id [0-9a-f]{32}") as caught:
        await make().complete(request_)
    assert caught.value.code == code


async def test_k_developer_messages_are_taken(make: MakeEngine) -> None:
    request: Any = ask("qwen-plus")
    request["messages"].insert(0, {"role": "developer", "content": "Be brief."})
    assert (await make().complete(request)).choices


async def test_l_empty_ids_and_names_do_not_come_through(make: MakeEngine) -> None:
    request = ask("qwen-plus", "the weather in Paris", tools=[TOOL])
    chunks = await collect(make(), request)
    pieces = [p for chunk in chunks for c in chunk.choices for p in c.delta.tool_calls or ()]
    assert len(pieces) > 1
    assert pieces[0].function.name == "get_weather"  # type: ignore[union-attr]
    assert all(not isinstance(p.id, str) for p in pieces[1:])
    assert all(not isinstance(p.function.name, str) for p in pieces[1:] if p.function)
    roles = [c.delta.role for chunk in chunks for c in chunk.choices]
    assert [role for role in roles if isinstance(role, str)] == ["assistant"]


async def test_m_its_own_parameters_arrive(
    make: MakeEngine, dashscope_intl: ScriptedUpstream
) -> None:
    own = {"enable_search": True, "top_k": 20, "repetition_penalty": 1.05, "thinking_budget": 9}
    await make().complete(ask("qwen-plus", enable_thinking=True, **own))
    sent = dashscope_intl.calls[0].json
    assert {name: sent[name] for name in (*own, "enable_thinking")} == {
        **own,
        "enable_thinking": True,
    }


async def test_n_max_completion_tokens_limits_the_answer(make: MakeEngine) -> None:
    made = await make().complete(ask("qwen-plus", max_completion_tokens=2))
    assert made.choices[0].message.content == "You said:"
    assert made.choices[0].finish_reason == "length"


async def test_o_a_missing_key_names_the_variable(
    make: MakeEngine, dashscope_intl: ScriptedUpstream
) -> None:
    engine = make(None)
    with pytest.raises(errors.ProviderKeyMissing) as caught:
        await engine.complete(ask("qwen-plus"))
    assert caught.value.message == (
        "No key for provider 'dashscope': set DASHSCOPE_API_KEY. "
        "Works without a key: model 'understudy-extractive'."
    )
    assert await engine.models() == []
    assert dashscope_intl.calls == []


async def test_o_a_rejected_key_is_neither_shown_nor_logged(
    make: MakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.ProviderKeyRejected, match="DASHSCOPE_API_KEY") as caught:
        await make("sk-rejected-99").complete(ask("qwen-plus"))
    assert caught.value.status == 401
    assert "sk-rejected-99" not in caught.value.message + caplog.text


async def test_models_are_the_table_and_cost_no_call(
    make: MakeEngine, dashscope_intl: ScriptedUpstream
) -> None:
    listed = {model.id: model.kind for model in await make().models()}
    assert listed["qwen-plus"] == "chat"
    assert listed["text-embedding-v4"] == "embedding"
    assert dashscope_intl.calls == []


async def test_a_probe_tells_region_key_and_absence_apart(
    make: MakeEngine, dashscope_cn: ScriptedUpstream
) -> None:
    siblings = {"dashscope-cn": dashscope_cn.base_url}
    states = {
        KEYS["intl"]: ProbeState.READY,
        KEYS["cn"]: ProbeState.WRONG_REGION,
        "sk-wrong": ProbeState.KEY_REJECTED,
        None: ProbeState.KEY_MISSING,
    }
    for key, state in states.items():
        assert (await make(key, siblings).probe()).state is state
