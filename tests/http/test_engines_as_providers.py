"""Engines on other machines, by configuration alone: what is peculiar to each, as a client sees it.

Each is played from its documentation: how it answers, and what it would not notice.
"""

from typing import Any

import pytest
from tests.http.fixtures import ServeWith
from tests.http.serving import Served, error_of, serve, settings_for
from tests.upstreams.scripted import ScriptedUpstream, answer, stream

from understudy.settings.providers import KNOWN_PROVIDERS, ProviderSettings

TOOL = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}
NAMED = {"type": "function", "function": {"name": "get_time"}}
ENGINES = ("vllm", "sglang", "ray", "ollama", "llamacpp")


@pytest.fixture(scope="module")
def engine() -> Any:
    """The machine on which all of them run."""
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(scope="module")
def shared(engine: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server with the defaults of every known engine, but for the address."""
    providers = {
        name: ProviderSettings.model_validate(
            {**KNOWN_PROVIDERS[name], "base_url": engine.base_url, "enabled": True}
        )
        for name in ENGINES
    }
    folder = tmp_path_factory.mktemp("engines")
    with serve(settings_for(folder, providers=providers, upstream_retries=0)) as served:
        yield served


@pytest.fixture
def ask(shared: Served, engine: ScriptedUpstream) -> Served:
    engine.calls.clear()
    return shared


def chunk(delta: dict[str, Any], finish: str | None = None, **extra: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **extra}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "choices": [choice]}


def call(index: int, name: str | None, arguments: str, **more: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"index": index, "type": "function", "function": function, **more}]}


def deltas(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice["delta"] for event in events for choice in event["choices"]]


def finish_of(events: list[dict[str, Any]]) -> str | None:
    reasons = [choice["finish_reason"] for event in events for choice in event["choices"]]
    return next(reason for reason in reversed(reasons) if reason)


@pytest.mark.parametrize("choice", ["required", NAMED, "auto", "none"])
@pytest.mark.parametrize("name", ["vllm", "sglang", "ray"])
def test_every_tool_choice_reaches_those_that_obey(
    ask: Served, engine: ScriptedUpstream, name: str, choice: Any
) -> None:
    fields = {"tools": [TOOL], "parallel_tool_calls": False, "n": 2, "logit_bias": {"5": 1.0}}
    assert ask.chat(model=f"{name}/m", tool_choice=choice, **fields).status_code == 200
    (sent,) = engine.calls
    assert sent.json["tool_choice"] == choice
    assert sent.json.items() >= fields.items()


class TestVllm:
    def test_without_its_parser_the_flags_are_named(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        words = (
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
        )
        said = {"message": words, "type": "BadRequestError", "param": None, "code": 400}
        for body in ({"error": said}, {"object": "error", **said}):
            engine.play(answer(body, 400))
            refused = error_of(ask.chat(model="vllm/m", tools=[TOOL]), 400)
            assert words in refused["message"]
            assert isinstance(refused["code"], str | None)

    def test_a_named_call_ends_with_stop_there_and_with_tool_calls_here(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        engine.play(
            stream(
                [
                    chunk({"role": "assistant", "content": ""}),
                    chunk({"reasoning": "The time is wanted."}),
                    chunk(call(0, "get_time", "", id="chatcmpl-tool-1")),
                    chunk(call(0, None, "{}")),
                    chunk({"content": ""}, "stop", stop_reason=None),
                ]
            )
        )
        events = ask.events(model="vllm/m", tools=[TOOL], tool_choice=NAMED)
        assert finish_of(events) == "tool_calls"
        assert [d["reasoning_content"] for d in deltas(events) if "reasoning_content" in d] == [
            "The time is wanted."
        ]
        assert not any("reasoning" in delta for delta in deltas(events))


class TestSglang:
    def test_reasoning_and_parallel_calls_arrive_apart(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        engine.play(
            stream(
                [
                    chunk({"role": "assistant", "content": "", "reasoning_content": None}),
                    chunk({"reasoning_content": "Twice.", "content": None, "tool_calls": None}),
                    chunk({"content": None, **call(0, "get_time", "", id="call_a")}),
                    chunk(call(0, None, '{"zone": 1}')),
                    chunk(call(1, "get_time", "", id="call_b")),
                    chunk(call(1, None, '{"zone": 2}')),
                    chunk({"content": None}, "tool_calls", matched_stop=None),
                ]
            )
        )
        events = ask.events(model="sglang/m", tools=[TOOL])
        calls = [one for delta in deltas(events) for one in delta.get("tool_calls", ())]
        assert [one["id"] for one in calls if "id" in one] == ["call_a", "call_b"]
        assert {one["index"] for one in calls} == {0, 1}
        assert finish_of(events) == "tool_calls"
        assert {"reasoning_content": "Twice."}.items() <= deltas(events)[1].items()

    def test_its_switch_of_thinking_is_passed_on(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        switch = {"chat_template_kwargs": {"enable_thinking": False}, "separate_reasoning": True}
        assert ask.chat(model="sglang/m", **switch).status_code == 200
        assert engine.calls[0].json.items() >= switch.items()


class TestRay:
    def test_its_own_errors_keep_their_words(self, ask: Served, engine: ScriptedUpstream) -> None:
        words = "Internal Server Error (Request ID: 1c36), Internal exception: no replica"
        said = {"message": words, "type": "InternalServerError", "param": None, "code": 500}
        engine.play(answer({"error": said}, 500))
        failed = error_of(ask.chat(model="ray/m"), 502)
        assert failed["code"] == "provider_error"
        assert words in failed["message"]

    def test_a_model_is_always_named_there(self, ask: Served, engine: ScriptedUpstream) -> None:
        ask.chat(model="ray/my-qwen")
        assert engine.calls[0].json["model"] == "my-qwen"


class TestOllama:
    """It would answer all of these with 200, as if they had not been asked for."""

    @pytest.mark.parametrize(
        ("param", "fields"),
        [
            ("tool_choice", {"tools": [TOOL], "tool_choice": "required"}),
            ("tool_choice", {"tools": [TOOL], "tool_choice": NAMED}),
            ("parallel_tool_calls", {"tools": [TOOL], "parallel_tool_calls": False}),
            ("logit_bias", {"logit_bias": {"5": -100}}),
        ],
    )
    def test_what_it_would_ignore_is_refused_by_name(
        self, ask: Served, engine: ScriptedUpstream, param: str, fields: dict[str, Any]
    ) -> None:
        refused = ask.chat(model="ollama/qwen3:8b", **fields)
        assert error_of(refused, 400)["param"] == param
        assert engine.calls == []

    def test_no_tools_are_shown_where_none_may_be_called(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        ask.chat(model="ollama/m", tools=[TOOL], tool_choice="none", parallel_tool_calls=True)
        assert not engine.calls[0].json.keys() & {"tools", "tool_choice", "parallel_tool_calls"}

    def test_the_limit_of_an_answer_has_the_name_that_it_knows(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        cut = ask.chat(model="ollama/m", max_completion_tokens=1).json()
        assert cut["choices"][0]["finish_reason"] == "length"
        ask.chat(model="ollama/m", max_completion_tokens=9, max_tokens=5)
        assert [sent.json["max_tokens"] for sent in engine.calls] == [1, 5]
        assert not any("max_completion_tokens" in sent.json for sent in engine.calls)

    def test_several_choices_are_several_calls(self, ask: Served, engine: ScriptedUpstream) -> None:
        made = ask.chat(model="ollama/m", n=3).json()
        assert [choice["index"] for choice in made["choices"]] == [0, 1, 2]
        assert [sent.json.get("n") for sent in engine.calls] == [None] * 3

    def test_its_calls_that_share_an_index_become_two(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        two = [call(0, "get_time", "{}", id=f"call_{n}")["tool_calls"][0] for n in (1, 2)]
        thinking = {"role": "assistant", "content": "", "reasoning": "Hm."}
        engine.play(
            stream(
                [
                    chunk(thinking),
                    chunk({"role": "assistant", "content": "", "tool_calls": two}),
                    chunk({"role": "assistant", "content": ""}, "tool_calls"),
                ]
            )
        )
        events = ask.events(model="ollama/m", tools=[TOOL])
        calls = [one for delta in deltas(events) for one in delta.get("tool_calls", ())]
        assert [one["index"] for one in calls if one.get("id")] == [0, 1]
        assert [d["role"] for d in deltas(events) if "role" in d] == ["assistant"]
        assert deltas(events)[0]["reasoning_content"] == "Hm."


class TestLlamaServer:
    def test_a_named_function_is_refused_since_it_counts_as_auto_there(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        refused = ask.chat(model="llamacpp/m", tools=[TOOL], tool_choice=NAMED)
        assert error_of(refused, 400)["param"] == "tool_choice"
        assert engine.calls == []

    def test_older_builds_get_choices_one_by_one_and_the_older_limit(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        assert (
            len(ask.chat(model="llamacpp/m", n=2, max_completion_tokens=3).json()["choices"]) == 2
        )
        assert [sent.json.get("max_tokens") for sent in engine.calls] == [3, 3]

    def test_too_long_a_prompt_is_openais_error(
        self, ask: Served, engine: ScriptedUpstream
    ) -> None:
        said = {
            "code": 400,
            "message": "request (9000 tokens) exceeds the available context size (4096 tokens)",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 9000,
            "n_ctx": 4096,
        }
        engine.play(answer({"error": said}, 400))
        refused = error_of(ask.chat(model="llamacpp/m"), 400)
        assert refused["code"] == "context_length_exceeded"
        assert "4096" in refused["message"]


def test_settings_overrule_what_is_known_of_an_engine(
    serve_with: ServeWith, upstream: ScriptedUpstream
) -> None:
    known = {**KNOWN_PROVIDERS["ollama"], "base_url": upstream.base_url, "enabled": True}
    known["capabilities"] = {"forced_tool_choice": True}
    with serve_with(providers={"ollama": ProviderSettings.model_validate(known)}) as server:
        made = server.chat(model="ollama/m", tools=[TOOL], tool_choice="required")
    assert made.json()["choices"][0]["finish_reason"] == "tool_calls"
