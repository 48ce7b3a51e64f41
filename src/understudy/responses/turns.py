"""The turns of a response: the model is asked, what it calls for here is done, it is asked again.

The same loop makes a response within its request and in the background; it writes nothing itself.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from understudy.chat.chunks import chunks_of
from understudy.chat.completion import ChatCompletions, Prepared, StreamAnswer
from understudy.errors import UnderstudyError
from understudy.responses.asking import Asked, OutputSpent, ResponseAsking
from understudy.responses.draft import Draft, Drafted, DraftedCall, Options, Place
from understudy.responses.making import Making
from understudy.responses.mcp.servers import McpServers
from understudy.responses.mcp_calls import McpCalls
from understudy.responses.projection import shown
from understudy.responses.searching import StoreSearches
from understudy.runs.asking import TOO_MANY_ROUNDS
from understudy.runs.file_search import Found, asked_in
from understudy.runs.tools import search_queries
from understudy.store.sealing import Sealer
from understudy.wire.response_events import search_done, search_running
from understudy.wire.response_tools import FileSearchTool

Open = Callable[[Prepared], AbstractAsyncContextManager[StreamAnswer]]
"""Asks the model, and gives what it answers in chunks."""
_LEAVES = ("function", "mcp_approval")
"""Calls with which a response ends: the client answers them in its next request."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the responses of one process share."""

    chat: ChatCompletions
    asking: ResponseAsking
    searches_of: Callable[[str], StoreSearches]
    tool_rounds: int
    mcp: McpServers
    sealer: Sealer


def streamed(chat: ChatCompletions) -> Open:
    """Return how a model is asked for an answer that is sent as it comes."""
    return chat.stream


def whole(chat: ChatCompletions) -> Open:
    """Return how a model is asked for an answer that is sent when it is whole."""

    @asynccontextmanager
    async def open_(prepared: Prepared) -> AsyncIterator[StreamAnswer]:
        fields: dict[str, Any] = dict(prepared.request)
        del fields["stream"], fields["stream_options"]
        request = replace(prepared, request=fields)  # type: ignore[arg-type]
        completion, answered = await chat.complete(request)
        yield StreamAnswer(_one_by_one(chunks_of(completion)), answered)

    return open_


async def _one_by_one(values: Any) -> AsyncIterator[object]:
    for value in values:
        yield value


class Turns:
    """Makes one response, turn by turn."""

    def __init__(self, shared: Shared, making: Making, open_: Open) -> None:
        self._shared = shared
        self._making = making
        self._open = open_
        self._searches = shared.searches_of(making.position.project_id)
        self._mcp = McpCalls(shared.mcp, making)

    async def run(self, asked: Asked | None = None) -> AsyncGenerator[Drafted, None]:
        """Yield what is new until the response is over. `asked` is the first request, if made.

        Raises the UnderstudyError that ends the response early.
        """
        making = self._making
        if self._mcp:
            asked = None  # it was made before anybody knew the tools of MCP servers
            async with aclosing(self._mcp.begin()) as pieces:
                async for drafted in pieces:
                    yield drafted
        while not making.is_over:
            if making.open_calls:
                yield await self._make_first()
                continue
            if making.turn >= self._shared.tool_rounds:
                raise UnderstudyError(TOO_MANY_ROUNDS.format(rounds=self._shared.tool_rounds))
            if asked is None and (asked := await self._request()) is None:
                return
            async with aclosing(self._turn(asked)) as pieces:
                async for drafted in pieces:
                    yield drafted
            asked = None

    async def _request(self) -> Asked | None:
        """Return the request of the next turn, None where the response has to end instead."""
        try:
            return await self._shared.asking.request(self._making)
        except OutputSpent:
            self._making.end("max_output_tokens")
            return None

    async def _turn(self, asked: Asked) -> AsyncGenerator[Drafted, None]:
        """Ask the model once, and yield what it answers as it comes."""
        making = self._making
        draft = self._draft(asked)
        making.is_at_rest = False
        try:
            async with self._open(asked.prepared) as answer:
                making.answered = making.answered or answer.answered
                making.response["model"] = making.answered.model
                async for chunk in answer.chunks:
                    draft.add(chunk)  # type: ignore[arg-type]
                    if draft.is_dirty:
                        yield making.take(draft.take())
        except UnderstudyError:
            yield making.take(draft.abandon())
            raise
        except (asyncio.CancelledError, GeneratorExit):  # what was sent is kept, nobody is told
            making.take(draft.abandon())
            raise
        drafted = making.take(draft.finish())
        self._conclude(draft)
        making.is_at_rest = True
        yield drafted

    def _draft(self, asked: Asked) -> Draft:
        making = self._making
        place = Place(making.position.response_id, making.turn, making.attempt, making.output_index)
        options = Options(making.wanted.reasoning_summary, making.wanted.wants_logprobs)
        return Draft(place, asked.offered, citations=asked.citations, options=options)

    def _conclude(self, draft: Draft) -> None:
        """Note what a turn has left to be done; end the response where that is nothing."""
        making = self._making
        making.count(draft.usage)
        if draft.service_tier:
            making.response["service_tier"] = draft.service_tier
        making.output_index = draft.next_output_index
        making.turn += 1
        making.open_calls = [call for call in draft.calls if call.kind not in _LEAVES]
        making.is_left = any(call.kind in _LEAVES for call in draft.calls)
        if draft.finish_reason == "length":
            making.end("max_output_tokens")
        elif draft.finish_reason == "content_filter":
            making.end("content_filter")
        elif not making.open_calls:
            making.end()

    async def _make_first(self) -> Drafted:
        """Make the first call that is open, and return what is to be told of it.

        After the last one the model goes on, unless the client has to act first.
        """
        making = self._making
        call = making.open_calls[0]
        drafted = making.take(await self._make(call))
        making.hosted_calls += 1
        making.may_be_under_way = False
        # Before it is told: what is written down with it must not have the call made again.
        making.open_calls.remove(call)
        if making.is_left and not making.open_calls:
            making.end()
        return drafted

    async def _make(self, call: DraftedCall) -> Drafted:
        return await (self._mcp.make(call) if call.kind == "mcp" else self._search(call))

    async def _search(self, call: DraftedCall) -> Drafted:
        making = self._making
        tools = making.wanted.tools or ()
        tool = next(tool for tool in tools if isinstance(tool, FileSearchTool))
        queries: list[str] = []
        found = Found([], _LIMIT_REACHED)
        if not making.is_spent:
            queries = search_queries(call.arguments, asked_in(making.history))
            found = await self._searches.make(tool, queries)
        document = {
            **call.item.document,
            "status": "completed",
            "queries": queries,
            "results": found.results,
        }
        extra = {**call.item.extra, "note": found.note}
        item = replace(call.item, document=document, extra=extra)
        told = shown(item, making.include)
        events = [search_running(told, call.output_index), *search_done(told, call.output_index)]
        return Drafted(events, [item])


_LIMIT_REACHED = "Not searched: the request allows no more calls of tools. Answer without."
