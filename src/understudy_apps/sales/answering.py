"""Has a message answered in a task of the application, and gives its events to who asked.

A listener who leaves misses events and nothing else: the answer is made and stored to its end.
"""

import logging
from collections.abc import AsyncGenerator
from typing import Any

import anyio
from anyio.abc import TaskGroup

from understudy_apps.errors import Refusal
from understudy_apps.sales.agent import Agent

_logger = logging.getLogger(__name__)
Event = tuple[str, dict[str, Any]]


async def events(
    tasks: TaskGroup, agent: Agent, conversation_id: int
) -> AsyncGenerator[Event, None]:
    """Yield the events of an answer, at last `done` with its id, text and model, or `error`."""
    send, receive = anyio.create_memory_object_stream[Event](float("inf"))

    async def emit(name: str, data: dict[str, Any]) -> None:
        try:
            send.send_nowait((name, data))
        except anyio.BrokenResourceError:
            pass  # Nobody listens any more.

    async def answer() -> None:
        with send:
            try:
                row = await agent.answer(conversation_id, emit)
            except Refusal as refusal:
                await emit("error", {"message": refusal.message, "code": refusal.code})
            except Exception:
                # The task belongs to the application, which one answer must not end.
                _logger.exception("the message of conversation %s failed", conversation_id)
                failed = {"message": "The application failed; its log says why."}
                await emit("error", {**failed, "code": "internal_error"})
            else:
                await emit("done", _done(row))

    tasks.start_soon(answer)
    with receive:
        async for event in receive:
            yield event


def _done(row: dict[str, Any] | None) -> dict[str, Any]:
    """Return what is told at the end: nothing of a message that a person will answer."""
    if row is None:
        return {"message_id": None, "text": "", "model": None}
    return {"message_id": row["id"], "text": row["text"], "model": row["model"]}
