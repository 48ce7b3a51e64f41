"""Writes what responses are to be kept as: their rows, their items, and what a conversation takes.

Every function works within the transaction of its caller.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import InvalidRequest
from understudy.responses.conversations import conversations_of
from understudy.responses.log import Position, before
from understudy.responses.making import Making
from understudy.responses.projection import file_ids
from understudy.responses.record import Outcome, new_row, values_of
from understudy.runs.closing import without_work
from understudy.runs.commits import NewEvent, Rows, Write, write
from understudy.runs.messages import feed_thread
from understudy.store import items, runs
from understudy.store.items import Item, Log
from understudy.store.runs import Change, Event, StoredRun

ACTIVE = ("queued", "in_progress")


async def insert(
    connection: AsyncConnection,
    making: Making,
    outcome: Outcome,
    document: dict[str, Any],
    **columns: Any,
) -> StoredRun:
    """Add the row of a response that begins, with its input.

    `document` goes into the row's document, `columns` into the row as they are. Raises
    InvalidRequest when something else is active in the conversation, NotFound when it is gone.
    """
    beginning, position = making.beginning, making.position
    if position.conversation_id is not None:
        await _take_turn(connection, position)
        log = Log(position.project_id, position.conversation_id)
        shown = beginning.context[-1].id if beginning.context else None
        if await log.last_id(connection) != shown:
            making.is_current = False
            context = await before(connection, position)
            beginning = making.beginning = replace(beginning, context=context)
    document = {**document, **_summary(making)}
    row = new_row(position, beginning.inputs, making.response, outcome, **document)
    run = await runs.insert(connection, replace(row, **columns))
    await position.own.add(connection, beginning.inputs)
    return run


async def insert_whole(connection: AsyncConnection, making: Making) -> None:
    """Add a response that is over, with its input and output."""
    assert making.outcome is not None
    inputs, document = making.beginning.inputs, _summary(making)
    row = new_row(making.position, inputs, making.response, making.outcome, **document)
    await runs.insert(connection, row)
    await making.position.own.add(connection, [*making.beginning.inputs, *making.items])


async def end(
    connection: AsyncConnection, run: StoredRun, making: Making, told: Sequence[NewEvent] = ()
) -> list[Event] | None:
    """Write the end of a response that its worker has made, `told` being the last events.

    Its conversation gets the items if it has come to its end by itself. Returns the events to
    publish once the transaction is committed; None, where somebody else has ended it.
    """
    assert making.outcome is not None
    kept = without_work(run.document)
    document = {**kept, "response": making.response, **_summary(making)}
    values = values_of(document, making.outcome)
    change = Change(run.seq, ACTIVE, values, owner=run.lease_owner, attempt=run.attempt)
    rows = [making.position.own.row(item) for item in making.items]
    events = await write(connection, Write(change, Rows(told, rows)))
    if events is not None and making.outcome.status in ("completed", "incomplete"):
        await _hand_over(connection, making)
    return events


async def erase(connection: AsyncConnection, run: StoredRun) -> None:
    """Remove a response and what is in its own log; what a conversation has stays there."""
    await runs.erase(connection, run)
    await Log(run.project_id, run.id).clear(connection)


async def _take_turn(connection: AsyncConnection, position: Position) -> None:
    conversation_id = position.thread_id
    conversations = conversations_of(position.project_id)
    await conversations.find(connection, conversation_id, for_update=True)
    if active := await runs.find_active(connection, position.project_id, conversation_id):
        # Programs search for this text.
        raise InvalidRequest(
            f"Thread {conversation_id} already has an active run {active.id}.",
            param="conversation",
            code="thread_has_active_run",
        )


async def _hand_over(connection: AsyncConnection, making: Making) -> None:
    position = making.position
    if position.conversation_id is None:
        return
    await items.move(connection, position.own, position.conversation_id)
    if making.summary != making.beginning.summary:
        conversations = conversations_of(position.project_id)
        was = await conversations.find(connection, position.conversation_id, for_update=True)
        document = {**was.document, **_summary(making)}
        await conversations.update(connection, position.conversation_id, document=document)
    documents = [item.document for item in making.beginning.inputs]
    if files := file_ids(documents):
        await feed_thread(connection, Log(position.project_id, position.conversation_id), files)


def _summary(making: Making) -> dict[str, Any]:
    return {} if making.summary is None else {"summary": making.summary.document()}


def rows_of(position: Position, made: Sequence[Item]) -> list[dict[str, Any]]:
    """Return items as rows of a response's own log."""
    return [position.own.row(item) for item in made]
