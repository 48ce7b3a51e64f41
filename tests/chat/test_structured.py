"""Structured output on a model that does not enforce schemas, with a provider that misbehaves."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.chat.shapes import SCHEMA, USER, request
from tests.upstreams.http_server import Behaviour
from tests.upstreams.scripted import ScriptedUpstream, answer

from understudy.chat.structured import (
    MAX_ATTEMPTS,
    add_usage,
    complete_validated,
    schema_problem,
)
from understudy.engines.upstream import ConnectionSettings, UpstreamEngine
from understudy.errors import ProviderFailed
from understudy.settings import TimeoutSettings
from understudy.settings.providers import ProviderSettings
from understudy.wire.chat import CompletionTokensDetails, PromptTokensDetails, Usage

VALID = '{"city": "Madrid"}'
REQUEST = request(model="m")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (VALID, ""),
        (f"```json\n{VALID}\n```", ""),
        (f"```\n{VALID}\n```", ""),
        ("", "not JSON"),
        ("Here you are: {}", "not JSON"),
        ("{}", "'city' is a required property"),
        ('{"city": 5}', "$.city: 5 is not of type 'string'"),
        ("[]", "not of type 'object'"),
    ],
)
def test_what_keeps_an_answer_from_being_valid(content: str, problem: str) -> None:
    found = schema_problem(content, SCHEMA)
    assert problem in found
    assert bool(found) is bool(problem)


def test_the_usage_of_two_calls_is_added() -> None:
    one = Usage(1, 2, 3, PromptTokensDetails(4, 5), CompletionTokensDetails(6, 7, 8, 9))
    other = Usage(10, 20, 30, PromptTokensDetails(40, 50), CompletionTokensDetails(60, 70, 80, 90))
    assert add_usage(one, other) == Usage(
        11, 22, 33, PromptTokensDetails(44, 55), CompletionTokensDetails(66, 77, 88, 99)
    )
    assert one.prompt_tokens == 1


@pytest.fixture
async def engine(upstream: ScriptedUpstream) -> AsyncIterator[UpstreamEngine]:
    """A provider that does what the test plays."""
    connection = ConnectionSettings(TimeoutSettings(), retries=0, max_connections=10)
    made = UpstreamEngine("acme", ProviderSettings(base_url=upstream.base_url), connection)
    yield made
    await made.aclose()


def says(text: str | None, finish: str = "stop", **message: Any) -> Behaviour:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish,
    }
    usage = {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}
    return answer({"id": "c", "created": 1, "model": "m", "choices": [choice], "usage": usage})


@pytest.mark.anyio
async def test_a_valid_answer_costs_one_call(engine: UpstreamEngine, upstream) -> None:
    upstream.play(says(f"```json\n{VALID}\n```"))
    made = await complete_validated(engine, REQUEST, SCHEMA)
    assert made.choices[0].message.content == VALID
    assert len(upstream.calls) == 1


@pytest.mark.anyio
async def test_an_invalid_answer_is_corrected(engine: UpstreamEngine, upstream) -> None:
    upstream.play(says("{}"), says(VALID))
    made = await complete_validated(engine, REQUEST, SCHEMA)
    assert made.choices[0].message.content == VALID
    assert made.usage.total_tokens == 6
    first, said, correction = upstream.calls[1].json["messages"]
    assert first == USER
    assert said == {"role": "assistant", "content": "{}"}
    assert "'city' is a required property" in correction["content"]
    assert REQUEST == request(model="m")


@pytest.mark.anyio
async def test_a_model_that_never_manages_is_an_error(engine: UpstreamEngine, upstream) -> None:
    upstream.play(*[says("{}") for _ in range(MAX_ATTEMPTS)], says(VALID))
    with pytest.raises(ProviderFailed, match="response_format"):
        await complete_validated(engine, REQUEST, SCHEMA)
    assert len(upstream.calls) == MAX_ATTEMPTS


@pytest.mark.anyio
async def test_an_answer_that_was_cut_or_calls_is_returned_as_it_is(
    engine: UpstreamEngine, upstream
) -> None:
    upstream.play(says('{"ci', finish="length"))
    cut = await complete_validated(engine, REQUEST, SCHEMA)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ('{"ci', "length")
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    upstream.play(says(None, finish="tool_calls", tool_calls=[call]))
    called = await complete_validated(engine, REQUEST, SCHEMA)
    assert called.choices[0].finish_reason == "tool_calls"


def test_a_pattern_that_runs_away_matches_nothing_and_is_given_up() -> None:
    # Backtracking over the 60 letters would take longer than the universe has been there.
    answer = '"' + "a" * 60 + '!"'
    assert "does not match" in schema_problem(answer, {"type": "string", "pattern": "^(a+)+$"})


def test_formats_are_judged() -> None:
    assert "ana@" in schema_problem('"ana@"', {"type": "string", "format": "ipv4"})
