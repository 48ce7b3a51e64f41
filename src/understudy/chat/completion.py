"""Answers one chat request: route it, adapt it, ask the engine, fall back, render legacy forms.

Knows no HTTP. Nothing here touches the database but a recording.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import cast

import anyio
import msgspec

from understudy.chat.adapt import Plan, adapt
from understudy.chat.chunks import chunks_of, with_usage_last, without_usage
from understudy.chat.legacy import (
    is_legacy,
    legacy_chunk,
    legacy_completion,
    legacy_refusal,
    with_tools,
)
from understudy.chat.recording import Recording
from understudy.chat.structured import add_usage, complete_validated
from understudy.chat.validate import validate_chat
from understudy.engines.base import Engine
from understudy.engines.collect import Collector
from understudy.engines.registry import NOBODY, Asker, Registry, Route
from understudy.errors import (
    NotReady,
    ProviderFailed,
    ProviderKeyMissing,
    ProviderKeyRejected,
    ProviderRateLimited,
    ProviderRegionMismatch,
    ProviderTimeout,
    ProviderUnreachable,
    UnderstudyError,
    UnsupportedParameter,
)
from understudy.wire.chat import ChatChunk, ChatCompletion, ChatRequest, Usage

logger = logging.getLogger(__name__)

_PASSED_ON = (
    NotReady,
    ProviderFailed,
    ProviderKeyMissing,
    ProviderKeyRejected,
    ProviderRateLimited,
    ProviderRegionMismatch,
    ProviderTimeout,
    ProviderUnreachable,
)
"""Errors after which the next model of `fallback` is asked."""
_Numbered = tuple[int, ChatChunk | UnderstudyError]
"""What the call number `int` of a fan-out has to say."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A validated request and who may answer it, in order of preference."""

    request: ChatRequest
    routes: list[Route]
    wants_legacy: bool
    wants_usage: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered, and what of the request had no effect."""

    model: str
    ignored: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that say so."""
        headers = {"x-understudy-model": self.model}
        if self.ignored:
            headers["x-understudy-ignored"] = ", ".join(self.ignored)
        return headers


@dataclass(slots=True)
class StreamAnswer:
    """An open stream; leaving its context cancels the work behind it.

    Who answers is known for certain once the first chunk is there.
    """

    chunks: AsyncIterator[object]
    answered: Answered

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that say who answers."""
        return self.answered.headers


class ChatCompletions:
    """Chat completions on whichever engine a request's model leads to."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def prepare(self, body: object, asker: Asker = NOBODY) -> Prepared:
        """Judge `body` and find who answers it; raises InvalidRequest or ModelNotFound."""
        request = validate_chat(body)
        route = await self._registry.route(request.get("model"), asker=asker)
        routes = [route, *await self._registry.fallbacks(route, asker)]
        options = request.get("stream_options") or {}
        return Prepared(
            request=with_tools(request),
            routes=routes,
            wants_legacy=is_legacy(request),
            wants_usage=bool(options.get("include_usage")),
        )

    def check(self, prepared: Prepared) -> Answered:
        """Return who is asked first; raises UnsupportedParameter for what that model cannot do."""
        route = prepared.routes[0]
        return Answered(route.served, self._plan(prepared, route).ignored)

    async def complete(self, prepared: Prepared) -> tuple[ChatCompletion, Answered]:
        """Return the whole answer of the first engine that gives one."""
        last: UnderstudyError | None = None
        for route in prepared.routes:
            try:
                plan = self._plan(prepared, route)
                completion = await _complete(route.engine, plan)
            except _PASSED_ON as error:
                last = _passed_on(route, error)
                continue
            except UnsupportedParameter:
                if last is None:
                    raise
                continue  # a stand-in that cannot do this stands in for nobody
            if prepared.wants_legacy:
                completion = legacy_completion(completion)
            return completion, Answered(route.served, plan.ignored)
        raise last or AssertionError("a request without a route")

    @asynccontextmanager
    async def stream(
        self, prepared: Prepared, recording: Recording | None = None
    ) -> AsyncIterator[StreamAnswer]:
        """Open the stream of the first engine that starts one; leaving the block cancels it.

        A stream that comes to its end is kept by `recording` before the iteration ends.
        """
        last: UnderstudyError | None = None
        for route in prepared.routes:
            async with AsyncExitStack() as stack:
                try:
                    plan = self._plan(prepared, route)
                    chunks = await stack.enter_async_context(_open(route.engine, plan))
                    if recording is not None:
                        recorded = _recorded(chunks, recording, prepared)
                        chunks = await stack.enter_async_context(aclosing(recorded))
                    first = await anext(chunks)
                except _PASSED_ON as error:
                    last = _passed_on(route, error)
                    continue
                except UnsupportedParameter:
                    if last is None:
                        raise
                    continue
                rest = _render(first, chunks, prepared)
                await stack.enter_async_context(aclosing(rest))
                yield StreamAnswer(rest, Answered(route.served, plan.ignored))
                return
        raise last or AssertionError("a request without a route")

    def _plan(self, prepared: Prepared, route: Route) -> Plan:
        capabilities = route.engine.capabilities(route.model)
        try:
            return adapt(prepared.request, route.model, capabilities, route.settings)
        except UnsupportedParameter as error:
            if not prepared.wants_legacy:
                raise
            raise legacy_refusal(error) from None


def _passed_on(route: Route, error: UnderstudyError) -> UnderstudyError:
    logger.warning("%s did not answer: %s", route.served, error.message)
    return error


async def _complete(engine: Engine, plan: Plan) -> ChatCompletion:
    completions: list[ChatCompletion | None] = [None] * plan.copies

    async def fill(index: int) -> None:
        completions[index] = await _complete_once(engine, _copy(plan, index))

    if plan.copies == 1:
        return await _complete_once(engine, plan)
    async with _flat_task_group() as tasks:
        for index in range(plan.copies):
            tasks.start_soon(fill, index)
    return _joined(cast("list[ChatCompletion]", completions))


def _copy(plan: Plan, index: int) -> Plan:
    """Return the plan of one choice, with a seed of its own: with the same, all would be alike."""
    seed = plan.request.get("seed")
    if not index or seed is None:
        return plan
    return replace(plan, request={**plan.request, "seed": seed + index})


async def _complete_once(engine: Engine, plan: Plan) -> ChatCompletion:
    if plan.schema is not None:
        return await complete_validated(engine, plan.request, plan.schema)
    return await engine.complete(plan.request)


def _joined(completions: list[ChatCompletion]) -> ChatCompletion:
    joined = completions[0]
    for index, other in enumerate(completions[1:], start=1):
        joined.usage = add_usage(joined.usage, other.usage)
        joined.choices.append(msgspec.structs.replace(other.choices[0], index=index))
    return joined


@asynccontextmanager
async def _open(engine: Engine, plan: Plan) -> AsyncIterator[AsyncGenerator[ChatChunk, None]]:
    """Open the one stream that carries every choice of the plan."""
    if plan.schema is not None:
        # Whether an answer is valid is known at its end, so it is streamed when it is whole.
        chunks = _stream_of(await _complete(engine, plan))
    elif plan.copies > 1:
        async with _fan_out(engine, plan) as merged, aclosing(merged):
            yield merged
        return
    else:
        chunks = engine.stream(plan.request)
    async with aclosing(chunks):
        yield chunks


async def _stream_of(completion: ChatCompletion) -> AsyncGenerator[ChatChunk, None]:
    for chunk in chunks_of(completion):
        yield chunk


@asynccontextmanager
async def _fan_out(engine: Engine, plan: Plan) -> AsyncIterator[AsyncGenerator[ChatChunk, None]]:
    """Run the plan's copies side by side as one stream with one id and one usage."""
    send, receive = anyio.create_memory_object_stream[_Numbered](plan.copies)

    async def feed(index: int) -> None:
        async with aclosing(engine.stream(_copy(plan, index).request)) as chunks:
            try:
                async for chunk in chunks:
                    await send.send((index, chunk))
            except UnderstudyError as error:  # for the reader, who may ask somebody else
                await send.send((index, error))
        finished.append(index)
        if len(finished) == plan.copies:
            await send.aclose()

    finished: list[int] = []
    async with _flat_task_group() as tasks:
        for index in range(plan.copies):
            tasks.start_soon(feed, index)
        with send, receive:
            yield _merge(receive)
        tasks.cancel_scope.cancel()


async def _merge(chunks: AsyncIterator[_Numbered]) -> AsyncGenerator[ChatChunk, None]:
    usage = Usage()
    last: ChatChunk | None = None
    waiting: list[ChatChunk] | None = []
    async for index, chunk in chunks:
        if isinstance(chunk, UnderstudyError):
            raise chunk
        if isinstance(chunk.usage, Usage):
            usage = add_usage(usage, chunk.usage)
        last = last or chunk
        if not chunk.choices:
            continue
        choices = [msgspec.structs.replace(chunk.choices[0], index=index)]
        chunk = msgspec.structs.replace(last, choices=choices, usage=msgspec.UNSET)
        if waiting is not None and index != 0:
            waiting.append(chunk)  # clients take the first choice they see for choice 0
            continue
        yield chunk
        for held in waiting or ():
            yield held
        waiting = None
    if last is not None:
        yield msgspec.structs.replace(last, choices=[], usage=usage)


async def _recorded(
    chunks: AsyncIterator[ChatChunk], recording: Recording, prepared: Prepared
) -> AsyncGenerator[ChatChunk, None]:
    """Yield the chunks under the recording's id, and keep what they make up."""
    collector = Collector()
    async for chunk in chunks:
        recording.sign(chunk)
        collector.add(chunk)
        yield chunk
    completion = collector.completion()
    await recording.keep(legacy_completion(completion) if prepared.wants_legacy else completion)


async def _render(
    first: ChatChunk, rest: AsyncIterator[ChatChunk], prepared: Prepared
) -> AsyncGenerator[ChatChunk, None]:
    """Yield the chunks in the form that this client asked for."""
    render = _rendering(prepared)
    for chunk in render(first):
        yield chunk
    async for raw in rest:
        for chunk in render(raw):
            yield chunk


def _rendering(prepared: Prepared) -> Callable[[ChatChunk], tuple[ChatChunk, ...]]:
    counted = with_usage_last if prepared.wants_usage else without_usage
    if not prepared.wants_legacy:
        return counted

    def render(chunk: ChatChunk) -> tuple[ChatChunk, ...]:
        legacy = legacy_chunk(chunk)
        return () if legacy is None else counted(legacy)

    return render


@asynccontextmanager
async def _flat_task_group() -> AsyncIterator[anyio.abc.TaskGroup]:
    """Open a task group that raises the first of our errors as itself, not as a group."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        if (error := _first(group)) is None:
            raise
        raise error from None


def _first(group: BaseExceptionGroup[BaseException]) -> UnderstudyError | None:
    for error in group.exceptions:
        if isinstance(error, UnderstudyError):
            return error
        if isinstance(error, BaseExceptionGroup) and (found := _first(error)) is not None:
            return found
    return None
