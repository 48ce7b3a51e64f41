"""Where the items of a response stand: its own log, those of what came before, a conversation.

A response writes into a log of its own. When it has come to its end, a conversation takes that log
over, so that nothing of a response that failed is ever in it. Every function works within the
transaction of its caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import InvalidRequest, NotFound
from understudy.store import items, runs
from understudy.store.items import Item, Log
from understudy.store.runs import StoredRun

_WHY_UNFINISHED = {
    "queued": "wait for its end",
    "in_progress": "wait for its end",
    "failed": "send the request again with the response before it",
    "cancelled": "send the request again with the response before it",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A log that holds what came before, up to the last item of a response if one is named."""

    log_id: str
    up_to: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a response stands: after the logs of `chain`, oldest first, or in a conversation."""

    project_id: str
    response_id: str
    conversation_id: str | None = None
    chain: tuple[Link, ...] = ()

    @property
    def own(self) -> Log:
        """The log into which the response writes."""
        return Log(self.project_id, self.response_id)

    @property
    def thread_id(self) -> str:
        """Where nothing else may be active meanwhile."""
        return self.conversation_id or self.response_id


def position_of(run: StoredRun) -> Position:
    """Return where a stored response stands."""
    chain = tuple(Link(*link) for link in run.document["chain"])
    conversation_id = None if run.thread_id == run.id else run.thread_id
    return Position(run.project_id, run.id, conversation_id, chain)


def log_of(run: StoredRun) -> Log:
    """Return the log in which the items of a stored response are now."""
    if run.status in ("completed", "incomplete"):
        return Log(run.project_id, run.thread_id)
    return Log(run.project_id, run.id)


async def find_previous(
    connection: AsyncConnection, project_id: str, previous_id: str
) -> StoredRun:
    """Return the response that another goes on from.

    Raises NotFound, or InvalidRequest for one that has not come to its end.
    """
    try:
        previous = await runs.find_response(connection, project_id, previous_id)
    except NotFound as error:
        raise NotFound(
            f"Previous response with id '{previous_id}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        ) from error
    if remedy := _WHY_UNFINISHED.get(previous.status):
        raise InvalidRequest(
            f"The response '{previous_id}' is {previous.status}, so that nothing can go on from "
            f"it: {remedy}.",
            param="previous_response_id",
            code="previous_response_not_completed",
        )
    return previous


def chain_after(previous: StoredRun) -> tuple[Link, ...]:
    """Return the chain of a response that goes on from another."""
    position = position_of(previous)
    link = Link(previous.thread_id, None if position.conversation_id is None else previous.id)
    return (*position.chain, link)


async def before(connection: AsyncConnection, position: Position) -> list[Item]:
    """Return what a response goes on from, in its order."""
    links = position.chain
    if position.conversation_id is not None:
        links = (Link(position.conversation_id),)
    if not links:
        return []
    logs = await items.of_logs(connection, position.project_id, [link.log_id for link in links])
    return [item for link in links for item in _up_to(logs[link.log_id], link.up_to)]


def _up_to(found: Sequence[Item], response_id: str | None) -> Sequence[Item]:
    """Return the items up to the last one of a response, all of them if none is named."""
    if response_id is None:
        return found
    places = [place for place, item in enumerate(found) if item.response_id == response_id]
    return found[: places[-1] + 1] if places else found


async def outputs(connection: AsyncConnection, run: StoredRun) -> list[Item]:
    """Return what a stored response has put out so far, in its order."""
    inputs = set(run.document["input_ids"])
    return [item for item in await own(connection, run) if item.id not in inputs]


async def own(connection: AsyncConnection, run: StoredRun) -> list[Item]:
    """Return the input of a stored response, and what it has put out so far."""
    is_own = items.is_of_response(run.id, since=run.created_at)
    return await log_of(run).all(connection, is_own)
