"""What of a thread goes into a prompt: whole messages, whole turns, and as many as fit.

Pure. Tokens are those of `wire.tokens`, which no model counts exactly like.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from understudy.runs.prompt import ChatMessage
from understudy.store.items import Item
from understudy.wire import tokens

_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_ANSWER_START = 3
_TOKENS_PER_IMAGE = 765
_TOKENS_PER_SMALL_IMAGE = 85
"""What OpenAI counts for an image of 1024 by 1024 pixels, and for any of low detail."""
_ROOM_FOR_ANSWER = 4_096

Limit = Literal["context", "max_prompt_tokens"]


class PromptTooLong(Exception):
    """What may not be left out does not fit: `limit` says into which of the two."""

    def __init__(self, needed_tokens: int, budget: "Budget") -> None:
        super().__init__(
            f"The instructions, the last message and what followed it take {needed_tokens} tokens "
            f"where {budget.tokens} are left."
        )
        self.needed_tokens = needed_tokens
        self.limit = budget.limit


@dataclass(frozen=True, slots=True)
class Budget:
    """How many tokens the messages of a prompt may have, and what sets that limit."""

    tokens: int | None
    limit: Limit


def budget(
    *,
    context_length: int | None,
    answer_tokens: int | None,
    prompt_tokens_left: int | None,
    tools: Sequence[dict[str, Any]],
) -> Budget:
    """Return what is left for messages beside the tools and the answer.

    `prompt_tokens_left` is what remains of the run's `max_prompt_tokens`. None is no limit.
    """
    described = tokens.count(json.dumps(tools, ensure_ascii=False)) if tools else 0
    fixed = described + _TOKENS_PER_ANSWER_START
    context = None
    if context_length is not None:
        wanted = _ROOM_FOR_ANSWER if answer_tokens is None else answer_tokens
        # A model with a small context still needs most of it for the question.
        context = context_length - min(wanted, context_length // 2) - fixed
    if prompt_tokens_left is None:
        return Budget(context, "context")
    allowed = prompt_tokens_left - fixed
    if context is not None and context <= allowed:
        return Budget(context, "context")
    return Budget(allowed, "max_prompt_tokens")


def newest_messages(items: Sequence[Item], count: int, run_id: str) -> list[Item]:
    """Return the last `count` messages of the thread, what lies between them, and all of the run.

    What the run itself wrote does not count, or it would push out the question that it answers.
    """
    places = [
        place
        for place, item in enumerate(items)
        if item.type == "message" and item.run_id != run_id
    ]
    return list(items[places[-count] :]) if len(places) > count else list(items)


def split_turns(items: Sequence[Item], count: int) -> tuple[list[Item], list[Item]]:
    """Return the items before the last `count` turns, and those turns.

    A turn is what the user says, in one message or several, and what follows up to the next.
    """
    starts = [
        place
        for place, item in enumerate(items)
        if _is_users(item) and not (place and _is_users(items[place - 1]))
    ]
    if len(starts) <= count:
        return [], list(items)
    return list(items[: starts[-count]]), list(items[starts[-count] :])


def _is_users(item: Item) -> bool:
    return item.type == "message" and item.document["role"] == "user"


def fit(messages: Sequence[ChatMessage], budget: Budget) -> list[ChatMessage]:
    """Return the newest messages that the budget holds, never a call without its outputs.

    The system message, the user's last one and what came last stay. What is left begins with a
    message of the user. Raises PromptTooLong when these alone are too much.
    """
    if budget.tokens is None:
        return list(messages)
    blocks = _blocks(messages)
    sizes = [sum(map(count_tokens, block)) for block in blocks]
    if sum(sizes) <= budget.tokens:
        return list(messages)
    kept = _required(blocks)
    used = sum(sizes[place] for place in kept)
    if used > budget.tokens:
        raise PromptTooLong(used, budget)
    for place in reversed(range(len(blocks))):
        if place in kept:
            continue
        used += sizes[place]
        if used > budget.tokens:
            break
        kept.add(place)
    ordered = [blocks[place] for place in sorted(kept)]
    return [message for block in _from_first_user(ordered) for message in block]


def count_tokens(message: ChatMessage) -> int:
    """Return the tokens of a chat message."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    calls = (call["function"] for call in message.get("tool_calls") or ())
    called = sum(tokens.count(call["name"]) + tokens.count(call["arguments"]) for call in calls)
    return _TOKENS_PER_MESSAGE + sum(map(_count_part, parts)) + called


def _count_part(part: dict[str, Any]) -> int:
    if part["type"] == "text":
        return tokens.count(part["text"])
    is_small = part["image_url"].get("detail") == "low"
    return _TOKENS_PER_SMALL_IMAGE if is_small else _TOKENS_PER_IMAGE


def _blocks(messages: Sequence[ChatMessage]) -> list[list[ChatMessage]]:
    """Return the messages in groups that stay together: calls with their outputs."""
    blocks: list[list[ChatMessage]] = []
    for message in messages:
        if message["role"] == "tool" and blocks:
            blocks[-1].append(message)
        else:
            blocks.append([message])
    return blocks


def _required(blocks: Sequence[list[ChatMessage]]) -> set[int]:
    """Return the places of the system message, of the user's last one, and of the end."""
    users = [place for place, block in enumerate(blocks) if block[0]["role"] == "user"]
    systems = [place for place, block in enumerate(blocks) if block[0]["role"] == "system"]
    return {*systems, *users[-1:], len(blocks) - 1}


def _from_first_user(blocks: list[list[ChatMessage]]) -> list[list[ChatMessage]]:
    """Return the blocks without answers whose question was left out."""
    users = [place for place, block in enumerate(blocks) if block[0]["role"] == "user"]
    first = users[0] if users else 0
    return [
        block
        for place, block in enumerate(blocks)
        if place >= first or block[0]["role"] in ("system", "developer")
    ]
