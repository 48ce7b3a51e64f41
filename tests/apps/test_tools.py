"""What comes of a model's calls: outputs, and errors that tell the model what to do better."""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from openai.types.beta.threads import RequiredActionFunctionToolCall

from understudy_apps.tools import Tools

pytestmark = pytest.mark.anyio


def call_of(
    name: str, arguments: str = "{}", id_: str = "call_1"
) -> RequiredActionFunctionToolCall:
    return RequiredActionFunctionToolCall.model_validate(
        {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
    )


async def output_of(call: Callable[..., Any], arguments: str = "{}", **options: Any) -> str:
    tools = Tools([call], **options)
    return (await tools.output(call_of(call.__name__, arguments)))["output"]


async def error_of(call: Callable[..., Any], arguments: str = "{}", **options: Any) -> str:
    output = json.loads(await output_of(call, arguments, **options))
    assert set(output) == {"error"}
    return str(output["error"])


@dataclass
class Room:
    number: int
    guest: str


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ("plain text", "plain text"),
        (3, "3"),
        (None, "null"),
        ({"a": ["é", 1.5]}, '{"a":["é",1.5]}'),
        (Room(7, "Ana"), '{"number":7,"guest":"Ana"}'),
    ],
)
async def test_results_are_text_or_json(result: Any, shown: str) -> None:
    def get() -> Any:
        return result

    assert await output_of(get) == shown


async def test_async_functions_and_arguments() -> None:
    async def add(a: int, b: int = 2) -> int:
        return a + b

    assert await output_of(add, '{"a": 1}') == "3"
    assert await output_of(add, '{"a": "1", "b": 5}') == "6"


async def test_an_exception_is_told_by_type_and_message(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise LookupError("room 7 is taken")

    with caplog.at_level(logging.WARNING):
        assert await error_of(fail) == "LookupError: room 7 is taken"
    assert "Traceback" in caplog.text


async def test_a_result_that_json_cannot_express_is_an_error() -> None:
    def get() -> object:
        return object()

    assert (await error_of(get)).startswith("PydanticSerializationError: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"city": 1', "InvalidArguments: the arguments are not JSON: "),
        ("{}", "InvalidArguments: city: Field required"),
        ('{"city": ["a"]}', "InvalidArguments: city: Input should be a valid string"),
        ('{"city": "a", "x": 1}', "InvalidArguments: x: Extra inputs are not permitted"),
    ],
)
async def test_bad_arguments_are_refused_before_the_call(arguments: str, told: str) -> None:
    called = []

    def visit(city: str) -> None:
        called.append(city)

    assert (await error_of(visit, arguments)).startswith(told)
    assert called == []


async def test_an_unknown_function_is_refused() -> None:
    def known() -> None: ...

    output = await Tools([known]).output(call_of("unknown"))
    assert json.loads(output["output"]) == {
        "error": "UnknownFunction: there is no function 'unknown', only: known"
    }


async def test_a_call_that_takes_too_long_is_given_up() -> None:
    async def wait() -> None:
        await anyio.sleep_forever()

    assert await error_of(wait, timeout_s=0.01) == "Timeout: 'wait' took longer than 0.01 s"


async def test_the_time_for_a_call_is_the_option() -> None:
    async def time_left_s() -> float:
        return anyio.current_effective_deadline() - anyio.current_time()

    assert 900 < float(await output_of(time_left_s, timeout_s=1000)) <= 1000


async def test_a_thread_that_takes_too_long_is_left() -> None:
    release = threading.Event()

    def block() -> None:
        release.wait()

    try:
        assert await error_of(block, timeout_s=0.01) == "Timeout: 'block' took longer than 0.01 s"
    finally:
        release.set()


async def test_a_timeout_of_the_function_is_its_own() -> None:
    async def ask() -> None:
        raise TimeoutError("no answer from the hotel")

    assert await error_of(ask) == "TimeoutError: no answer from the hotel"


async def test_calls_are_made_at_the_same_time_and_answered_in_order() -> None:
    barrier = threading.Barrier(2)
    met = anyio.Event()

    def first() -> str:
        barrier.wait(10)
        return "first"

    def second() -> str:
        barrier.wait(10)
        return "second"

    async def third() -> str:
        await met.wait()
        return "third"

    async def fourth() -> str:
        met.set()
        return "fourth"

    names = ["third", "first", "second", "fourth"]
    calls = [call_of(name, id_=f"call_{name}") for name in names]
    assert await Tools([first, second, third, fourth]).outputs(calls) == [
        {"tool_call_id": f"call_{name}", "output": name} for name in names
    ]


def test_two_functions_of_one_name_are_refused() -> None:
    def twin() -> None: ...

    with pytest.raises(ValueError, match="two functions named 'twin'"):
        Tools([twin, twin])
