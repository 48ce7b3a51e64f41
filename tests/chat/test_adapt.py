"""How a request becomes a plan for a model that lacks something."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from tests.chat.shapes import JSON_SCHEMA, NAMED, SCHEMA, TOOL, USER, request

from understudy.chat.adapt import Plan, adapt
from understudy.engines.base import Capabilities
from understudy.errors import UnsupportedParameter
from understudy.settings import ModelSettings

ALL = Capabilities()
NO_DEFAULTS = ModelSettings()


def plan(body: Any, can: Capabilities = ALL, defaults: ModelSettings = NO_DEFAULTS) -> Plan:
    return adapt(body, "m", can, defaults)


def test_a_complete_model_gets_the_request_under_its_own_name() -> None:
    body = request(model="alias", temperature=1, n=2, response_format=JSON_SCHEMA, top_k=5)
    made = plan(body)
    assert made == Plan({**body, "model": "m"})
    assert body["model"] == "alias"


def test_nulls_are_left_out() -> None:
    assert plan(request(temperature=None, stop=None, tools=None)).request == request(model="m")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"temperature": 0.3, "top_p": 0.9, "max_tokens": 50}),
        ({"temperature": 1}, {"temperature": 1, "top_p": 0.9, "max_tokens": 50}),
        ({"max_tokens": 5}, {"temperature": 0.3, "top_p": 0.9, "max_tokens": 5}),
        (
            {"max_completion_tokens": 5, "top_p": None},
            {"temperature": 0.3, "top_p": 0.9, "max_completion_tokens": 5},
        ),
    ],
)
def test_the_models_defaults_fill_what_is_left_out(given: Any, expected: Any) -> None:
    defaults = ModelSettings(temperature=0.3, top_p=0.9, max_tokens=50)
    assert plan(request(**given), defaults=defaults).request == request(model="m", **expected)


def test_an_empty_list_of_tools_is_none() -> None:
    made = plan(request(tools=[], tool_choice="none", parallel_tool_calls=True))
    assert made.request == request(model="m")


IMAGE = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
AUDIO = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
FILE = {"type": "file", "file": {"file_id": "file-1"}}


def with_part(part: dict[str, Any]) -> Any:
    return {"messages": [USER, {"role": "user", "content": [{"type": "text", "text": "x"}, part]}]}


@pytest.mark.parametrize(
    ("lacking", "body", "param"),
    [
        ("tools", request(tools=[TOOL]), "tools"),
        ("forced_tool_choice", request(tools=[TOOL], tool_choice="required"), "tool_choice"),
        ("forced_tool_choice", request(tools=[TOOL], tool_choice=NAMED), "tool_choice"),
        ("logprobs", request(logprobs=True), "logprobs"),
        ("penalties", request(presence_penalty=1), "presence_penalty"),
        ("penalties", request(frequency_penalty=1), "frequency_penalty"),
        ("logit_bias", request(logit_bias={"1": 1}), "logit_bias"),
        ("seed", request(seed=0), "seed"),
        (
            "parallel_tool_calls",
            request(tools=[TOOL], parallel_tool_calls=False),
            "parallel_tool_calls",
        ),
        ("json_object", request(response_format={"type": "json_object"}), "response_format"),
        ("audio", request(audio={"voice": "x"}), "audio"),
        ("audio", request(modalities=["text", "audio"]), "modalities"),
        ("unknown_fields", request(web_search_options={}), "web_search_options"),
        ("unknown_fields", request(prediction={"type": "content"}), "prediction"),
        ("vision", with_part(IMAGE), "messages[1].content[1]"),
        ("audio", with_part(AUDIO), "messages[1].content[1]"),
        ("unknown_fields", with_part(FILE), "messages[1].content[1]"),
    ],
)
def test_what_a_model_lacks_is_refused_by_name(lacking: str, body: Any, param: str) -> None:
    with pytest.raises(UnsupportedParameter, match="'m' does not support") as caught:
        plan(body, replace(ALL, **{lacking: False}))
    assert (caught.value.status, caught.value.param) == (400, param)
    plan(body)


@pytest.mark.parametrize(
    ("lacking", "body"),
    [
        ("forced_tool_choice", request(tools=[TOOL], tool_choice="auto")),
        ("logprobs", request(logprobs=False)),
        ("penalties", request(presence_penalty=0)),
        ("logit_bias", request(logit_bias={})),
        ("audio", request(modalities=["text"])),
        ("vision", request()),
    ],
)
def test_what_asks_for_nothing_is_not_refused(lacking: str, body: Any) -> None:
    assert plan(body, replace(ALL, **{lacking: False})).request["model"] == "m"


def test_custom_tools_are_refused_everywhere() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        plan(request(tools=[TOOL, {"type": "custom"}]))
    assert caught.value.param == "tools[1].type"


def test_what_is_stored_here_is_not_sent() -> None:
    made = plan(request(store=True, metadata={"a": "b"}))
    assert made.request == request(model="m")
    assert made.ignored == ()
    assert plan(request(store=False)).ignored == ()
    assert plan(request(metadata={"a": "b"})).ignored == ("metadata",)


def test_fields_without_effect_are_named() -> None:
    body = request(service_tier="auto", top_k=5, user="ana")
    made = plan(body, replace(ALL, unknown_fields=False))
    assert made.request == request(model="m", user="ana")
    assert made.ignored == ("service_tier", "top_k")


def test_what_a_model_knows_beyond_the_api_is_kept() -> None:
    body = request(top_k=5, foo=1, reasoning_effort="low", verbosity="low")
    can = replace(ALL, unknown_fields=False, extra_fields=frozenset({"top_k", "reasoning_effort"}))
    made = plan(body, can)
    assert made.request == request(model="m", top_k=5, reasoning_effort="low")
    assert sorted(made.ignored) == ["foo", "verbosity"]


@pytest.mark.parametrize("is_enforced", [True, False])
def test_a_schema_that_the_model_enforces_in_part_is_sent_and_validated(is_enforced: bool) -> None:
    asked: list[Any] = []

    def enforces(schema: Any) -> bool:
        asked.append(schema)
        return is_enforced

    made = plan(request(response_format=JSON_SCHEMA, n=2), replace(ALL, enforces_schema=enforces))
    assert asked == [SCHEMA]
    assert made.request["response_format"] == JSON_SCHEMA
    assert (made.schema, made.copies) == ((None, 1) if is_enforced else (SCHEMA, 2))


@pytest.mark.parametrize(("n", "copies"), [(None, 1), (1, 1), (3, 3)])
def test_n_is_fanned_out(n: int | None, copies: int) -> None:
    made = plan(request(n=n), replace(ALL, n=False))
    assert made.copies == copies
    assert "n" not in made.request


def test_a_schema_is_asked_for_and_validated_here() -> None:
    body = request(response_format=JSON_SCHEMA, n=2)
    before = copy.deepcopy(body)
    made = plan(body, replace(ALL, json_schema=False))
    assert made.schema == SCHEMA
    assert made.copies == 2
    assert made.request["response_format"] == {"type": "json_object"}
    system, *rest = made.request["messages"]
    assert system["role"] == "system"
    assert '"required":["city"]' in system["content"]
    assert rest == [USER]
    assert body == before


def test_a_schema_without_json_mode_is_asked_for_in_words_alone() -> None:
    can = replace(ALL, json_schema=False, json_object=False)
    assert "response_format" not in plan(request(response_format=JSON_SCHEMA), can).request
