"""Runs of assistants from their start to their end, with the functions that they call for.

A run that is left before its end, by an exception or by an early exit, is cancelled.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from openai import AsyncOpenAI, AsyncStream, OpenAI, OpenAIError, Stream
from openai.types.beta import AssistantStreamEvent
from openai.types.beta.threads import RequiredActionFunctionToolCall, Run

from understudy_apps.tools import Tools

MAX_ROUNDS = 10
_ENDED = frozenset({"completed", "incomplete", "failed", "cancelled", "expired"})
_CANCEL_TIMEOUT_S = 10.0


class TooManyRounds(Exception):
    """A run called for functions more often than was allowed; it was cancelled."""

    def __init__(self, run_id: str, max_rounds: int) -> None:
        super().__init__(
            f"The run {run_id} called for functions more than {max_rounds} times. "
            "Make its instructions clearer, or allow more with max_rounds."
        )


def run_until_done(
    client: OpenAI,
    tools: Tools,
    *,
    thread_id: str,
    assistant_id: str,
    max_rounds: int = MAX_ROUNDS,
    **request: Any,
) -> Run:
    """Run an assistant on a thread, calling functions one after another, and return the ended run.

    `request` has further fields of the run. Raises TooManyRounds, and what the client raises.
    """
    runs = client.beta.threads.runs
    progress = _Progress(max_rounds)
    with _cancelling(client, progress), start_blocking_portal() as portal:
        run = progress.see(runs.create(thread_id, assistant_id=assistant_id, **request))
        while progress.see(runs.poll(run.id, thread_id=thread_id)).status == "requires_action":
            outputs = [portal.call(tools.output, call) for call in progress.next_calls()]
            runs.submit_tool_outputs(run.id, thread_id=thread_id, tool_outputs=outputs)
        return progress.latest


async def run_until_done_async(
    client: AsyncOpenAI,
    tools: Tools,
    *,
    thread_id: str,
    assistant_id: str,
    max_rounds: int = MAX_ROUNDS,
    **request: Any,
) -> Run:
    """Do what `run_until_done` does, calling the functions of a round at the same time."""
    runs = client.beta.threads.runs
    progress = _Progress(max_rounds)
    async with _cancelling_async(client, progress):
        run = progress.see(await runs.create(thread_id, assistant_id=assistant_id, **request))
        while (
            progress.see(await runs.poll(run.id, thread_id=thread_id)).status == "requires_action"
        ):
            outputs = await tools.outputs(progress.next_calls())
            await runs.submit_tool_outputs(run.id, thread_id=thread_id, tool_outputs=outputs)
        return progress.latest


@contextmanager
def stream_until_done(
    client: OpenAI,
    tools: Tools,
    *,
    thread_id: str,
    assistant_id: str,
    max_rounds: int = MAX_ROUNDS,
    **request: Any,
) -> Iterator[Iterator[AssistantStreamEvent]]:
    """Run an assistant on a thread and give its events, over all rounds of functions.

    `request` has further fields of the run. Iterating raises TooManyRounds, and what the client
    raises.
    """
    progress = _Progress(max_rounds)
    with _cancelling(client, progress), start_blocking_portal() as portal:
        started = client.beta.threads.runs.create(
            thread_id, assistant_id=assistant_id, stream=True, **request
        )
        with closing(_events(client, started, tools, progress, portal)) as events:
            yield events


@asynccontextmanager
async def stream_until_done_async(
    client: AsyncOpenAI,
    tools: Tools,
    *,
    thread_id: str,
    assistant_id: str,
    max_rounds: int = MAX_ROUNDS,
    **request: Any,
) -> AsyncIterator[AsyncIterator[AssistantStreamEvent]]:
    """Do what `stream_until_done` does, calling the functions of a round at the same time."""
    progress = _Progress(max_rounds)
    async with _cancelling_async(client, progress):
        started = await client.beta.threads.runs.create(
            thread_id, assistant_id=assistant_id, stream=True, **request
        )
        async with aclosing(_events_async(client, started, tools, progress)) as events:
            yield events


def text_of(event: AssistantStreamEvent) -> str:
    """Return the text that an event adds to the assistant's message, empty if it adds none."""
    if event.event != "thread.message.delta":
        return ""
    parts = event.data.delta.content or []
    return "".join(part.text.value or "" for part in parts if part.type == "text" and part.text)


# --- rounds -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Progress:
    """How far a run is, as far as it is known here."""

    max_rounds: int
    run: Run | None = None
    rounds: int = 0

    @property
    def latest(self) -> Run:
        assert self.run is not None, "the run has begun"
        return self.run

    @property
    def is_waiting(self) -> bool:
        return self.run is not None and self.run.status == "requires_action"

    @property
    def is_left(self) -> bool:
        """Whether the run would go on, or wait, without anybody here."""
        return self.run is not None and self.run.status not in _ENDED

    def see(self, run: Run) -> Run:
        self.run = run
        return run

    def see_event(self, event: AssistantStreamEvent) -> AssistantStreamEvent:
        if isinstance(event.data, Run):
            self.run = event.data
        return event

    def next_calls(self) -> list[RequiredActionFunctionToolCall]:
        """Begin another round and return its calls. Raises TooManyRounds."""
        self.rounds += 1
        if self.rounds > self.max_rounds:
            raise TooManyRounds(self.latest.id, self.max_rounds)
        action = self.latest.required_action
        return action.submit_tool_outputs.tool_calls if action else []


def _events(
    client: OpenAI,
    started: Stream[AssistantStreamEvent],
    tools: Tools,
    progress: _Progress,
    portal: BlockingPortal,
) -> Generator[AssistantStreamEvent, None, None]:
    stream = started
    while True:
        with stream:
            for event in stream:
                yield progress.see_event(event)
        if not progress.is_waiting:
            return
        outputs = [portal.call(tools.output, call) for call in progress.next_calls()]
        run = progress.latest
        stream = client.beta.threads.runs.submit_tool_outputs(
            run.id, thread_id=run.thread_id, tool_outputs=outputs, stream=True
        )


async def _events_async(
    client: AsyncOpenAI,
    started: AsyncStream[AssistantStreamEvent],
    tools: Tools,
    progress: _Progress,
) -> AsyncGenerator[AssistantStreamEvent, None]:
    stream = started
    while True:
        async with stream:
            async for event in stream:
                yield progress.see_event(event)
        if not progress.is_waiting:
            return
        outputs = await tools.outputs(progress.next_calls())
        run = progress.latest
        stream = await client.beta.threads.runs.submit_tool_outputs(
            run.id, thread_id=run.thread_id, tool_outputs=outputs, stream=True
        )


# --- early ends -------------------------------------------------------------------------------


@contextmanager
def _cancelling(client: OpenAI, progress: _Progress) -> Iterator[None]:
    """Cancel the run if it has not ended when the block is left.

    An error of the cancellation does not hide why the block was left; the run may have just ended.
    """
    try:
        yield
    finally:
        if progress.is_left:
            hurried = client.with_options(timeout=_CANCEL_TIMEOUT_S, max_retries=0)
            run = progress.latest
            with suppress(OpenAIError):
                hurried.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)


@asynccontextmanager
async def _cancelling_async(client: AsyncOpenAI, progress: _Progress) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if progress.is_left:
            hurried = client.with_options(timeout=_CANCEL_TIMEOUT_S, max_retries=0)
            run = progress.latest
            with anyio.CancelScope(shield=True), suppress(OpenAIError):
                await hurried.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)
