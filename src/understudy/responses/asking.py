"""Makes the chat request of a response's turn: what the model is shown, offered and allowed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from understudy.chat.completion import Answered, ChatCompletions, Prepared
from understudy.engines.base import Capabilities
from understudy.engines.registry import Asker, Registry
from understudy.errors import ContextLengthExceeded, InvalidRequest
from understudy.responses.compaction import texts_of
from understudy.responses.file_texts import FileTexts
from understudy.responses.history import shown_history
from understudy.responses.making import Making
from understudy.responses.offered import OfferedTools, offered, without_hosted
from understudy.responses.translate import Context, chat_messages, chat_request, results_found
from understudy.retrieval.cite import CitationStream
from understudy.runs.asking import asking_message
from understudy.runs.attachments import filenames, images
from understudy.runs.prompt import ChatMessage
from understudy.runs.truncation import PromptTooLong, budget, count_tokens, fit
from understudy.store.items import Item
from understudy.store.storage import Storage
from understudy.wire import tokens
from understudy.wire.response_tools import choice_after_calls

_REMEDY = "Send less, choose another model, or let the oldest items go with truncation 'auto'."
_PARAMS = {
    "response_format": "text.format",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "logprobs": "top_logprobs",
}


class OutputSpent(Exception):
    """The response has no tokens left for another turn."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that can be sent, and what is needed to read its answer."""

    prepared: Prepared
    answered: Answered
    """Who is asked first, and what has no effect there."""
    offered: OfferedTools
    citations: CitationStream | None


class ResponseAsking:
    """Makes the requests of every response of one process."""

    def __init__(
        self, storage: Storage, registry: Registry, chat: ChatCompletions, texts: FileTexts
    ) -> None:
        self._storage = storage
        self._registry = registry
        self._chat = chat
        self._texts = texts

    async def request(self, making: Making) -> Asked:
        """Return the request for the next turn of a response.

        Raises OutputSpent, or an UnderstudyError where no request can be made.
        """
        wanted, project_id = making.wanted, making.position.project_id
        history = making.history
        asker = Asker(project_id, asking_message(history))
        route = await self._registry.route(wanted.model, asker=asker)
        tools = _offered(making)
        left = _output_left(making)
        can = route.engine.capabilities(route.model)
        items, summary = await shown_history(self._chat, route, making)
        messages = chat_messages(await self._context(making, items, summary, tools, can))
        if not messages:
            raise InvalidRequest(
                "There is nothing to answer: no message, and no instructions.", param="input"
            )
        messages = _fitted(messages, making, tools, can, left)
        request: dict[str, Any] = chat_request(wanted, messages, tools)
        if left is not None:
            request["max_completion_tokens"] = left
        try:
            prepared = await self._chat.prepare(request, asker)
            answered = self._chat.check(prepared)
        except InvalidRequest as error:
            error.param = _param(error.param)
            raise
        results = results_found(history, making.position.response_id)
        citations = CitationStream(results) if results else None
        return Asked(prepared, answered, tools, citations)

    async def count(self, making: Making) -> int:
        """Return how many tokens the model would be shown first, tools included."""
        asker = Asker(making.position.project_id)
        route = await self._registry.route(making.wanted.model, asker=asker)
        tools = _offered(making)
        can = route.engine.capabilities(route.model)
        context = await self._context(making, making.history, "", tools, can)
        described = tokens.count(json.dumps(tools.tools, ensure_ascii=False)) if tools.tools else 0
        return described + sum(map(count_tokens, chat_messages(context)))

    async def _context(
        self,
        making: Making,
        items: Sequence[Item],
        summary: str,
        tools: OfferedTools,
        can: Capabilities,
    ) -> Context:
        project_id, response_id = making.position.project_id, making.position.response_id
        return Context(
            response_id=response_id,
            items=items,
            instructions=making.wanted.instructions or "",
            summary=summary,
            offered=tools,
            sees_images=can.vision,
            filenames=await filenames(self._storage, project_id, items),
            images=await images(self._storage, project_id, items) if can.vision else {},
            file_texts=await self._texts.of(project_id, response_id, items),
            compacted=texts_of(items),
        )


def _param(param: str | None) -> str | None:
    """Return what a parameter of chat completions is called in a request for a response."""
    if param is None:
        return None
    if param.startswith("messages"):
        return "input"
    return _PARAMS.get(param.partition(".")[0], param)


def _offered(making: Making) -> OfferedTools:
    """Return the tools of the next turn: only functions where `max_tool_calls` is reached."""
    wanted = making.wanted
    choice = wanted.tool_choice
    if making.turn and choice is not None:
        choice = choice_after_calls(choice)
    tools = offered(wanted.tools or (), choice, making.listed)
    return without_hosted(tools) if making.is_spent else tools


def _output_left(making: Making) -> int | None:
    """Return how many tokens the answer may still have, None for any. Raises OutputSpent."""
    most = making.wanted.max_output_tokens
    if most is None:
        return None
    left = most - (making.usage.completion_tokens if making.usage is not None else 0)
    if left <= 0:
        raise OutputSpent
    return left


def _fitted(
    messages: list[ChatMessage],
    making: Making,
    tools: OfferedTools,
    can: Capabilities,
    left: int | None,
) -> list[ChatMessage]:
    """Return the messages that the model's context holds. Raises ContextLengthExceeded."""
    allowed = budget(
        context_length=can.context_length,
        answer_tokens=left,
        prompt_tokens_left=None,
        tools=tools.tools,
    )
    if allowed.tokens is None:
        return messages
    if making.wanted.truncation == "auto":
        try:
            return fit(messages, allowed)
        except PromptTooLong as error:
            raise ContextLengthExceeded(f"{error} Send less, or choose another model.") from error
    needed = sum(map(count_tokens, messages))
    if needed > allowed.tokens:
        raise ContextLengthExceeded(
            f"The input takes {needed} tokens where the model's context has room for "
            f"{allowed.tokens}. {_REMEDY}",
            param="input",
        )
    return messages
