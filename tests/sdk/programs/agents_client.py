"""A user's program for openai-agents: agents with tools, handoffs, sessions, guardrails and typed
answers, on the Responses API and on chat completions. The model echoes what it is told.
"""

import asyncio
import io
import os
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from agents import (
    Agent,
    FileSearchTool,
    GuardrailFunctionOutput,
    HostedMCPTool,
    InputGuardrailTripwireTriggered,
    Model,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIConversationsSession,
    OpenAIResponsesModel,
    Runner,
    SQLiteSession,
    function_tool,
    input_guardrail,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel
from reporting import ABOUT_A_PERSON, CAT, QUESTION, main

MODEL = os.environ["MODEL"]
THINKING = os.environ.get("THINKING_MODEL", "")
MCP_URL = os.environ.get("MCP_URL", "")


class Person(BaseModel):
    name: str
    age: int


@function_tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"sunny in {city}"


@input_guardrail
def no_gold(_: Any, __: Any, asked: Any) -> GuardrailFunctionOutput:
    """Let nothing about gold reach the model."""
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered="gold" in str(asked))


@dataclass(frozen=True)
class Setup:
    """The model that agents ask, and the client behind it."""

    model: Model
    client: AsyncOpenAI


def responses(client: AsyncOpenAI) -> Model:
    return OpenAIResponsesModel(MODEL, client)


def chat(client: AsyncOpenAI) -> Model:
    return OpenAIChatCompletionsModel(MODEL, client)


# --- on both APIs -------------------------------------------------------------------------------


async def tools(setup: Setup) -> Any:
    """A function is called, its output goes back, the model answers; plain and streamed."""
    agent = Agent("Forecaster", model=setup.model, tools=[get_weather])
    plain = await Runner.run(agent, QUESTION)
    streamed = Runner.run_streamed(agent, QUESTION)
    deltas, called = "", []
    async for event in streamed.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            deltas += event.data.delta
        elif event.type == "run_item_stream_event":
            called.append(event.name)
    return {
        "plain": _seen(plain),
        "streamed": _seen(streamed),
        "deltas": deltas,
        "called": called,
        "is_counted": plain.context_wrapper.usage.total_tokens > 0,
    }


async def handoffs(setup: Setup) -> Any:
    """One agent hands over to another, which goes on with the same conversation."""
    spanish = Agent("Traductor", model=setup.model, handoff_description="Speaks Spanish.")
    triage = Agent("Triage", model=setup.model, handoffs=[spanish])
    run = await Runner.run(triage, "Transfer me to the Traductor")
    return {**_seen(run), "agent": run.last_agent.name}


async def typed(setup: Setup) -> Any:
    """The answer is an object of the program's own type; plain and streamed."""
    agent = Agent("Clerk", model=setup.model, output_type=Person)
    streamed = Runner.run_streamed(agent, ABOUT_A_PERSON)
    async for _ in streamed.stream_events():
        pass
    answers = [(await Runner.run(agent, ABOUT_A_PERSON)).final_output, streamed.final_output]
    return [answer.model_dump() for answer in answers]


async def remembered(setup: Setup) -> Any:
    """A session in SQLite sends what was said before, calls and outputs too."""
    session = SQLiteSession("one")
    agent = Agent("Forecaster", model=setup.model, tools=[get_weather])
    first = await Runner.run(agent, QUESTION, session=session)
    second = await Runner.run(agent, "Thank you", session=session)
    return {"answers": [first.final_output, second.final_output], "kept": await _kept(session)}


async def guarded(setup: Setup) -> Any:
    """A guardrail stops a run; what it lets pass is answered."""
    agent = Agent("Guard", model=setup.model, input_guardrails=[no_gold])
    try:
        await Runner.run(agent, "Where is the gold?")
    except InputGuardrailTripwireTriggered:
        return (await Runner.run(agent, "Hello")).final_output
    return "not stopped"


# --- on the Responses API alone -----------------------------------------------------------------


async def conversations(setup: Setup) -> Any:
    """A session that the server keeps, as a conversation."""
    session = OpenAIConversationsSession(openai_client=setup.client)
    agent = Agent("Forecaster", model=setup.model, tools=[get_weather])
    first = await Runner.run(agent, QUESTION, session=session)
    streamed = Runner.run_streamed(agent, "Thank you", session=session)
    async for _ in streamed.stream_events():
        pass
    kept = await _kept(session)
    popped: Any = await session.pop_item()
    left = await _kept(session)
    await session.clear_session()
    return {
        "answers": [first.final_output, streamed.final_output],
        "kept": kept,
        "popped": popped["content"][0]["text"],
        "left": left,
    }


async def continued(setup: Setup) -> Any:
    """The server knows what was said: by the last response, and by a conversation."""
    agent = Agent("Forecaster", model=setup.model, tools=[get_weather])
    first = await Runner.run(agent, QUESTION, auto_previous_response_id=True)
    second = await Runner.run(agent, "Thank you", previous_response_id=first.last_response_id)
    conversation = await setup.client.conversations.create()
    asked: Any = {"conversation_id": conversation.id}
    third = await Runner.run(agent, QUESTION, **asked)
    fourth = await Runner.run(agent, "Thank you", **asked)
    items = [item.type async for item in setup.client.conversations.items.list(conversation.id)]
    return {
        "answers": [run.final_output for run in (first, second, third, fourth)],
        "items": items[::-1],
    }


async def stateless(setup: Setup) -> Any:
    """Nothing is kept by the server: every item goes back and forth."""
    settings = ModelSettings(store=False, include_usage=True)
    agent = Agent("Forecaster", model=setup.model, tools=[get_weather], model_settings=settings)
    first = await Runner.run(agent, QUESTION)
    again = [*first.to_input_list(), {"role": "user", "content": "Thank you"}]
    return [first.final_output, (await Runner.run(agent, again)).final_output]


async def file_search(setup: Setup) -> Any:
    """The server searches files, and the program gets the results."""
    store = await setup.client.vector_stores.create(name="animals")
    file = ("cat.txt", io.BytesIO(CAT.encode()))
    await setup.client.vector_stores.files.upload_and_poll(
        file=file, vector_store_id=store.id, poll_interval_ms=20
    )
    tool = FileSearchTool([store.id], max_num_results=3, include_search_results=True)
    agent = Agent("Librarian", model=setup.model, tools=[tool])
    run = await Runner.run(agent, "Search: where does the cat sleep?")
    (call,) = (item.raw_item for item in run.new_items if item.type == "tool_call_item")
    return {
        **_seen(run),
        "found": [result.filename for result in call.results],
        "queries": len(call.queries),
    }


async def thoughts(setup: Setup) -> Any:
    """A session keeps what the model thought, and sends it back."""
    return await remembered(Setup(OpenAIResponsesModel(THINKING, setup.client), setup.client))


async def hosted_mcp(setup: Setup) -> Any:
    """The server calls the tools of an MCP server; the program approves, or need not."""
    asked: list[str] = []

    def approve(request: Any) -> Any:
        asked.append(request.data.name)
        return {"approve": True}

    config: Any = {"type": "mcp", "server_label": "sums", "server_url": MCP_URL}
    config["allowed_tools"] = ["add"]
    free = HostedMCPTool({**config, "require_approval": "never"})
    approved = HostedMCPTool({**config, "require_approval": "always"}, on_approval_request=approve)
    runs = [
        await Runner.run(Agent("Clerk", model=setup.model, tools=[tool]), "Please add 20 and 22")
        for tool in (free, approved)
    ]
    outputs = [
        item.raw_item.output
        for run in runs
        for item in run.new_items
        if item.type == "tool_call_item"
    ]
    return {"seen": [_seen(run) for run in runs], "outputs": outputs, "asked": asked}


def page() -> Any:
    """What the program of a page of the documentation prints."""
    with redirect_stdout(io.StringIO()) as printed:
        exec(os.environ["PAGE"], {"__name__": "page"})
    return printed.getvalue()


def _seen(run: Any) -> Any:
    return {"answer": run.final_output, "items": [item.type for item in run.new_items]}


async def _kept(session: Any) -> list[str]:
    """Return the items of a session, messages by their role."""
    return [item.get("role") or item["type"] for item in await session.get_items()]


Section = Callable[[Setup], Awaitable[Any]]
ON_BOTH = (tools, handoffs, typed, remembered, guarded)
ON_RESPONSES = (conversations, continued, stateless, file_search, thoughts, hosted_mcp)


def _ran(section: Section, model: Callable[[AsyncOpenAI], Model]) -> Callable[[], Any]:
    async def run() -> Any:
        async with AsyncOpenAI(max_retries=0, timeout=30) as client:
            return await section(Setup(model(client), client))

    return lambda: asyncio.run(run())


if __name__ == "__main__":
    set_tracing_disabled(True)
    sections = {
        f"{section.__name__} on {model.__name__}": _ran(section, model)
        for model in (responses, chat)
        for section in ON_BOTH
    }
    sections |= {section.__name__: _ran(section, responses) for section in ON_RESPONSES}
    main({**sections, "page": page})
