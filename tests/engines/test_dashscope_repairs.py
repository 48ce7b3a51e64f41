"""The pure repairs of requests, and the table of Qwen models."""

from typing import Any

import pytest

from understudy.engines.dashscope_repairs import must_stream, repaired
from understudy.engines.qwen import LISTED, is_known_qwen, qwen_model

USER = {"role": "user", "content": "hi"}
FORCED = {"type": "function", "function": {"name": "f"}}
JSON_OBJECT = {"type": "json_object"}


def repair(model: str = "qwen-plus", **fields: Any) -> dict[str, Any]:
    request: Any = {"model": model, "messages": [USER], **fields}
    return dict(repaired(request, qwen_model(model)))


def is_streamed(model: str, **fields: Any) -> bool:
    request: Any = repair(model, **fields)
    return must_stream(request, qwen_model(model))


def test_a_plain_request_is_left_alone() -> None:
    request: Any = {"model": "qwen-plus", "messages": [USER], "temperature": 0.5, "stop": ["x"]}
    assert repaired(request, qwen_model("qwen-plus")) == request


def test_the_caller_s_request_is_not_changed() -> None:
    request: Any = {
        "model": "qwen3-8b",
        "messages": [{"role": "developer", "content": "hi"}],
        "max_completion_tokens": 5,
        "response_format": JSON_OBJECT,
    }
    repaired(request, qwen_model("qwen3-8b"))
    assert request["messages"] == [{"role": "developer", "content": "hi"}]
    assert request["max_completion_tokens"] == 5
    assert "enable_thinking" not in request


@pytest.mark.parametrize(
    ("model", "fields", "streamed"),
    [
        ("qwen-max", {}, False),
        ("qwen-plus", {}, False),
        ("qwen-plus", {"enable_thinking": True}, True),
        ("qwen-plus-2025-07-28", {"enable_thinking": True}, True),
        ("qwen3-8b", {}, True),
        ("qwen3-8b", {"enable_thinking": False}, False),
        ("qwen3-235b-a22b-instruct-2507", {}, False),
        ("qwen3-235b-a22b-thinking-2507", {"enable_thinking": False}, True),
        ("qwen3.5-plus", {}, True),
        ("qwq-plus", {}, True),
        ("qvq-max", {}, True),
        ("qwen-omni-turbo", {}, True),
        ("qwen3-omni-flash-2025-12-01", {}, True),
        ("qwen99-ultra", {}, True),
        ("qwen-max", {"enable_thinking": True}, False),
    ],
)
def test_a_and_b_which_calls_must_stream(model: str, fields: Any, streamed: bool) -> None:
    assert is_streamed(model, **fields) is streamed


@pytest.mark.parametrize(
    "fields",
    [{"tool_choice": "required"}, {"tool_choice": FORCED}, {"response_format": JSON_OBJECT}],
)
@pytest.mark.parametrize(
    ("model", "asked"), [("qwen-plus", True), ("qwen3-8b", None), ("qwen3.5-plus", True)]
)
def test_c_and_d_thinking_is_switched_off_for_the_call(
    model: str, asked: bool | None, fields: Any
) -> None:
    made = repair(model, enable_thinking=asked, thinking_budget=100, **fields)
    assert made["enable_thinking"] is False
    assert "thinking_budget" not in made
    assert not is_streamed(model, enable_thinking=asked, **fields)


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_c_a_free_choice_leaves_thinking_on(choice: str | None) -> None:
    assert repair(enable_thinking=True, tool_choice=choice)["enable_thinking"] is True


@pytest.mark.parametrize("model", ["qwen-max", "qwen-plus", "qwq-plus"])
def test_c_and_d_nothing_is_switched_where_nobody_thinks_or_nobody_can_stop(model: str) -> None:
    assert "enable_thinking" not in repair(model, response_format=JSON_OBJECT)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([USER], [{"role": "system", "content": "Answer in JSON."}, USER]),
        (
            [{"role": "system", "content": "Be brief."}, USER],
            [{"role": "system", "content": "Be brief.\nAnswer in JSON."}, USER],
        ),
        (
            [{"role": "developer", "content": "Be brief."}, USER],
            [{"role": "system", "content": "Be brief.\nAnswer in JSON."}, USER],
        ),
        (
            [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, USER],
            [
                {
                    "role": "system",
                    "content": [
                        {"type": "text", "text": "Be brief."},
                        {"type": "text", "text": "Answer in JSON."},
                    ],
                },
                USER,
            ],
        ),
        (
            [{"role": "user", "content": "Give me Json."}],
            [{"role": "user", "content": "Give me Json."}],
        ),
        (
            [{"role": "user", "content": [{"type": "text", "text": "as JSON"}]}],
            [{"role": "user", "content": [{"type": "text", "text": "as JSON"}]}],
        ),
    ],
)
@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_e_the_word_json_is_in_a_message(messages: Any, expected: Any, kind: str) -> None:
    made = repair(messages=messages, response_format={"type": kind, "json_schema": {"name": "x"}})
    assert made["messages"] == expected


def test_e_text_answers_need_no_such_line() -> None:
    assert repair(response_format={"type": "text"})["messages"] == [USER]


def test_k_developer_is_system() -> None:
    messages = [{"role": "developer", "content": "Be brief."}, USER]
    assert repair(messages=messages)["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_null_beside_calls_is_an_empty_text() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}
    assert repair(messages=[USER, message])["messages"][1] == {**message, "content": ""}


def test_m_its_own_parameters_pass() -> None:
    own = {
        "enable_thinking": True,
        "thinking_budget": 50,
        "enable_search": True,
        "top_k": 20,
        "repetition_penalty": 1.05,
    }
    made = repair(**own)
    assert {name: made[name] for name in own} == own


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"max_completion_tokens": 5}, 5),
        ({"max_tokens": 9}, 9),
        ({"max_tokens": 9, "max_completion_tokens": 5}, 5),
        ({"max_tokens": 9, "max_completion_tokens": None}, 9),
    ],
)
def test_n_the_token_limit_has_its_old_name(limits: Any, expected: int) -> None:
    made = repair(**limits)
    assert made["max_tokens"] == expected
    assert "max_completion_tokens" not in made


@pytest.mark.parametrize(
    ("effort", "thinking"), [("none", False), ("minimal", False), ("low", True), ("high", True)]
)
def test_reasoning_effort_switches_thinking(effort: str, thinking: bool) -> None:
    made = repair("qwen-plus", reasoning_effort=effort)
    assert made["enable_thinking"] is thinking
    assert "reasoning_effort" not in made


def test_enable_thinking_goes_before_reasoning_effort() -> None:
    assert repair(reasoning_effort="high", enable_thinking=False)["enable_thinking"] is False


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("qwen-plus", True),
        ("qwen-plus-2025-07-28", True),
        ("qwen-max-latest", True),
        ("qwen3-max-preview", True),
        ("qwen-vl-max", True),
        ("qwen-mt-turbo", True),
        ("qwen3-coder-plus", True),
        ("qwq-plus", True),
        ("text-embedding-v4", True),
        ("text-embedding-3-small", False),
        ("qwen2.5:7b", False),
        ("qwen3-8b", False),
        ("qwen2.5-7b-instruct", False),
        ("qwen-plusminus", False),
        ("qwq", False),
        ("gpt-4", False),
        ("", False),
    ],
)
def test_bare_names_that_can_only_mean_dashscope(name: str, known: bool) -> None:
    assert is_known_qwen(name) is known


def test_the_listed_models_are_in_the_table() -> None:
    assert all(is_known_qwen(name) for name in LISTED)


def test_families_are_found_by_their_longest_name() -> None:
    assert qwen_model("qwen-vl-ocr-latest").json_object is False
    assert qwen_model("qwen3-vl-plus-2025-09-23").thinking == "off"
    assert qwen_model("qwen3-vl-8b-instruct").thinking == "none"
    assert qwen_model("qwen3-next-80b-a3b-thinking").thinking == "always"


def test_capabilities_follow_the_table() -> None:
    plus = qwen_model("qwen-plus").capabilities
    assert (plus.tools, plus.forced_tool_choice, plus.json_schema) == (True, True, True)
    assert (plus.n, plus.logprobs, plus.logit_bias, plus.token_ids) == (False,) * 4
    assert (plus.vision, plus.context_length) == (False, 1_000_000)
    qwq = qwen_model("qwq-plus").capabilities
    assert (qwq.tools, qwq.forced_tool_choice, qwq.json_object) == (True, False, False)
    assert qwen_model("qwen-vl-max").capabilities.vision
    assert qwen_model("qwen-omni-turbo").capabilities.audio
    assert qwen_model("text-embedding-v4").capabilities.kind == "embedding"
    assert qwen_model("qwen99-ultra").capabilities.tools
