"""Runs to their end at a real server, with functions in between: polled and streamed, both clients.

The scripted provider calls a function when a word of its name is in the message.
"""

import json
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import anyio
import openai
import pytest
from openai.types.beta.threads import Run
from tests.http.serving import Served, provider_at, serve, settings_for
from tests.upstreams.chat_echo import chat_echo
from tests.upstreams.http_server import Call, Reply
from tests.upstreams.scripted import ScriptedUpstream

from understudy_apps.runs import (
    TooManyRounds,
    run_until_done,
    run_until_done_async,
    stream_until_done,
    stream_until_done_async,
    text_of,
)
from understudy_apps.tools import Tools

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated.*:DeprecationWarning")
Way = Literal["polled", "streamed", "polled async", "streamed async"]
WAYS: tuple[Way, ...] = ("polled", "streamed", "polled async", "streamed async")


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def server(
    upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    settings = settings_for(
        tmp_path_factory.mktemp("data"),
        default_model="up/echo",
        providers={"up": provider_at(upstream)},
    )
    with serve(settings) as served:
        yield served


@pytest.fixture
def client(server: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.root}/v1", api_key="any", max_retries=0) as client:
        yield client


@dataclass
class Conversation:
    """A thread with one message, and an assistant for it."""

    client: openai.OpenAI
    thread_id: str
    assistant_id: str

    @property
    def ids(self) -> dict[str, Any]:
        return {"thread_id": self.thread_id, "assistant_id": self.assistant_id}

    @property
    def runs(self) -> list[Run]:
        return list(self.client.beta.threads.runs.list(self.thread_id))

    @property
    def last_text(self) -> str:
        message = next(iter(self.client.beta.threads.messages.list(self.thread_id)))
        (part,) = message.content
        assert part.type == "text"
        return part.text.value


def begin(client: openai.OpenAI, tools: Tools, text: str) -> Conversation:
    assistant = client.beta.assistants.create(model="up/echo", tools=tools.definitions)
    thread = client.beta.threads.create(messages=[{"role": "user", "content": text}])
    return Conversation(client, thread.id, assistant.id)


def finish(way: Way, talk: Conversation, tools: Tools, **options: Any) -> str:
    """Run to the end in one of four ways, and return the status or the streamed text."""
    match way:
        case "polled":
            return run_until_done(talk.client, tools, **talk.ids, **options).status
        case "streamed":
            with stream_until_done(talk.client, tools, **talk.ids, **options) as events:
                return "".join(map(text_of, events))
        case "polled async":
            return anyio.run(_polled, talk, tools, options)
        case "streamed async":
            return anyio.run(_streamed, talk, tools, options)


async def _polled(talk: Conversation, tools: Tools, options: dict[str, Any]) -> str:
    async with _async_client(talk) as client:
        return (await run_until_done_async(client, tools, **talk.ids, **options)).status


async def _streamed(talk: Conversation, tools: Tools, options: dict[str, Any]) -> str:
    async with (
        _async_client(talk) as client,
        stream_until_done_async(client, tools, **talk.ids, **options) as events,
    ):
        return "".join([text_of(event) async for event in events])


def _async_client(talk: Conversation) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=talk.client.base_url, api_key="any", max_retries=0)


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


async def get_time(city: str) -> str:
    """Get the time in a city."""
    return f"noon in {city}"


@pytest.mark.parametrize("way", WAYS)
def test_a_run_calls_functions_and_ends(way: Way, client: openai.OpenAI) -> None:
    tools = Tools([get_weather, get_time])
    talk = begin(client, tools, "What are the weather and the time in Paris")
    seen = finish(way, talk, tools)
    assert seen in ("completed", talk.last_text)
    assert "noon in Paris" in talk.last_text
    (run,) = talk.runs
    (step,) = (
        step
        for step in client.beta.threads.runs.steps.list(run.id, thread_id=talk.thread_id)
        if step.type == "tool_calls"
    )
    assert step.step_details.type == "tool_calls"
    outputs = [call.function.output for call in step.step_details.tool_calls]  # type: ignore[union-attr]
    assert sorted(outputs) == ["noon in Paris", "sunny in Paris"]  # type: ignore[type-var]


@pytest.mark.parametrize("way", WAYS)
def test_further_fields_go_into_the_request(way: Way, client: openai.OpenAI) -> None:
    tools = Tools([get_weather])
    talk = begin(client, tools, "Hello")
    finish(way, talk, tools, metadata={"way": way}, instructions="Be brief.")
    (run,) = talk.runs
    assert (run.metadata, run.instructions) == ({"way": way}, "Be brief.")


@pytest.mark.parametrize("way", WAYS)
def test_an_error_of_a_function_reaches_the_model(way: Way, client: openai.OpenAI) -> None:
    def get_weather(city: str) -> str:
        raise LookupError(f"no station in {city}")

    tools = Tools([get_weather])
    talk = begin(client, tools, "What is the weather in Paris")
    finish(way, talk, tools)
    assert "LookupError: no station in Paris" in talk.last_text
    assert "Traceback" not in talk.last_text


@pytest.mark.parametrize("way", WAYS)
def test_a_function_that_the_program_lacks(way: Way, client: openai.OpenAI) -> None:
    talk = begin(client, Tools([get_weather]), "What is the weather in Paris")
    finish(way, talk, Tools([get_time]))
    assert "there is no function 'get_weather', only: get_time" in talk.last_text


async def calling_for_ever(call: Call, reply: Reply) -> None:
    """Be a model that forgets the outputs that it got."""
    messages = [one for one in call.json["messages"] if one["role"] == "user"]
    await chat_echo(
        replace(call, body=json.dumps({**call.json, "messages": messages}).encode()), reply
    )


@pytest.mark.parametrize("way", WAYS)
def test_rounds_have_a_limit(way: Way, client: openai.OpenAI, upstream: ScriptedUpstream) -> None:
    tools = Tools([get_weather])
    talk = begin(client, tools, "What is the weather in Paris")
    upstream.play(*[calling_for_ever] * 3)
    with pytest.raises(TooManyRounds, match="more than 2 times"):
        finish(way, talk, tools, max_rounds=2)
    (run,) = talk.runs
    assert run.status in ("cancelling", "cancelled")


@pytest.mark.parametrize("way", [_polled, _streamed])
def test_a_cancelled_task_cancels_its_run(
    way: Callable[..., Awaitable[str]], client: openai.OpenAI
) -> None:
    async def run_and_be_cancelled() -> bool:
        with anyio.CancelScope() as scope:

            async def get_weather(city: str) -> None:
                scope.cancel()
                await anyio.sleep_forever()

            await way(talk, Tools([get_weather]), {})
        return scope.cancelled_caught

    talk = begin(client, Tools([get_weather]), "What is the weather in Paris")
    assert anyio.run(run_and_be_cancelled)
    (run,) = talk.runs
    assert run.status in ("cancelling", "cancelled")


@pytest.mark.parametrize("way", ["polled", "streamed"])
def test_an_interrupted_program_cancels_its_run(way: Way, client: openai.OpenAI) -> None:
    release = threading.Event()

    def get_weather(city: str) -> str:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        release.wait()
        return city

    tools = Tools([get_weather])
    talk = begin(client, tools, "What is the weather in Paris")
    try:
        with pytest.raises(KeyboardInterrupt):
            finish(way, talk, tools)
    finally:
        release.set()
    (run,) = talk.runs
    assert run.status in ("cancelling", "cancelled")


def test_a_stream_that_is_left_early_cancels_its_run(client: openai.OpenAI) -> None:
    tools = Tools([get_weather])
    talk = begin(client, tools, "What is the weather in Paris")
    with stream_until_done(client, tools, **talk.ids) as events:
        next(event for event in events if event.event == "thread.run.requires_action")
    (run,) = talk.runs
    assert run.status in ("cancelling", "cancelled")


def test_an_ended_run_is_left_alone(client: openai.OpenAI) -> None:
    talk = begin(client, Tools([]), "Hello")
    assert finish("polled", talk, Tools([])) == "completed"
    assert finish("streamed", talk, Tools([])) == talk.last_text
    assert [run.status for run in talk.runs] == ["completed", "completed"]


@pytest.mark.parametrize("way", WAYS)
def test_errors_of_the_server_are_the_clients(way: Way, client: openai.OpenAI) -> None:
    talk = begin(client, Tools([]), "Hello")
    talk.assistant_id = "asst_unknown"
    with pytest.raises(openai.NotFoundError, match="asst_unknown"):
        finish(way, talk, Tools([]))
