"""What a request for a response goes on from: judged against what the project has, and read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotFound
from understudy.ids import new_id, now_s
from understudy.responses.calls import check_calls
from understudy.responses.compaction import check_compactions
from understudy.responses.conversations import check_files, conversations_of, new_items
from understudy.responses.log import Position, before, chain_after, find_previous
from understudy.responses.mcp.approvals import check_approvals, check_named
from understudy.responses.projection import id_prefix, kept, with_ids
from understudy.runs.summary import Summary, read
from understudy.store.items import Item
from understudy.store.storage import Storage
from understudy.wire.response_items import ItemDocument
from understudy.wire.responses import CreateResponse


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a response stands, what is there before it, and its input under ids of its own.

    `summary` is what came of an earlier summary of what is there.
    """

    position: Position
    context: Sequence[Item]
    inputs: Sequence[Item]
    summary: Summary | None = None


async def begin(
    storage: Storage, project_id: str, response_id: str, wanted: CreateResponse
) -> Beginning:
    """Return the beginning of a response.

    The database is left alone where the request is whole in itself. Raises InvalidRequest or
    NotFound for what it names and the project has not, and for outputs without a call.
    """
    check_compactions(wanted.input)
    if not _needs_store(wanted):
        made = _made(wanted.input)
        documents = [item.document for item in made]
        _check_fit(documents, (), wanted)
        return Beginning(Position(project_id, response_id), (), _of(response_id, made))
    async with storage.database.read() as connection:
        position, kept_with = await _position(connection, project_id, response_id, wanted)
        context = await before(connection, position)
        made = await new_items(connection, project_id, wanted.input, "input")
        documents = [item.document for item in made]
        await check_files(connection, project_id, documents, "input")
    earlier = [item.document for item in context]
    _check_fit(documents, earlier, wanted)
    inputs = _of(response_id, made)
    return Beginning(position, context, inputs, read(kept_with.get("summary")))


def _check_fit(
    given: Sequence[ItemDocument], earlier: Sequence[ItemDocument], wanted: CreateResponse
) -> None:
    """Raise InvalidRequest for an item in `given` that does not fit what comes before it."""
    check_calls(given, earlier, "input")
    check_approvals(given, earlier, "input")
    check_named(given, earlier, wanted.tools or ())


def _of(response_id: str, made: Sequence[Item]) -> list[Item]:
    return [replace(item, response_id=response_id) for item in made]


def _needs_store(wanted: CreateResponse) -> bool:
    return bool(
        wanted.previous_response_id
        or wanted.conversation_id
        or any(_names_something(document) for document in wanted.input)
    )


def _names_something(document: ItemDocument) -> bool:
    """Tell whether an item names a file or another item."""
    if document["type"] == "item_reference":
        return True
    parts = document.get("content") or document.get("output")
    return isinstance(parts, list) and any(part.get("file_id") for part in parts)


def _made(documents: Sequence[ItemDocument]) -> list[Item]:
    now = now_s()
    ids = [new_id(id_prefix(document["type"])) for document in documents]
    return [kept(document, now) for document in with_ids(documents, ids)]


async def _position(
    connection: AsyncConnection, project_id: str, response_id: str, wanted: CreateResponse
) -> tuple[Position, dict[str, Any]]:
    """Return where a response stands, and the document with which a summary would be kept."""
    if (previous_id := wanted.previous_response_id) is not None:
        previous = await find_previous(connection, project_id, previous_id)
        position = Position(project_id, response_id, chain=chain_after(previous))
        return position, previous.document
    if (conversation_id := wanted.conversation_id) is not None:
        try:
            found = await conversations_of(project_id).find(connection, conversation_id)
        except NotFound as error:
            raise NotFound(error.message, param="conversation", code="not_found") from error
        return Position(project_id, response_id, conversation_id), found.document
    return Position(project_id, response_id), {}
