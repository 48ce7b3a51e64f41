"""Queues a response for the background."""

from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import TooMany
from understudy.ids import now_s
from understudy.responses import keeping
from understudy.responses.making import Making
from understudy.responses.mcp.secrets import sealed_secrets, without_secrets
from understudy.responses.record import Outcome
from understudy.responses.surface import Surface
from understudy.runs.commits import NewEvent, Rows, Write, write
from understudy.store import runs
from understudy.store.idempotency import Creation
from understudy.store.runs import Change, Event, StoredRun
from understudy.wire.responses import CreateResponse

_BUSY_RETRY_S = 5


async def queue(surface: Surface, creation: Creation, wanted: CreateResponse) -> StoredRun:
    """Insert a response for the background, and return it, or what an earlier request made.

    Raises TooMany where there are as many runs and responses as the settings allow.
    """
    making, _ = await surface.begin(creation.project_id, wanted, "queued")
    document = {
        "is_background": True,
        "is_streamed": bool(wanted.stream),
        "wanted": msgspec.to_builtins(_kept(wanted)),
        "sealed": sealed_secrets(wanted.tools or (), surface.shared.sealer),
    }
    async with surface.storage.database.write() as connection:
        if earlier := await creation.claim(connection, making.position.response_id):
            return await runs.find_response(connection, creation.project_id, earlier)
        run, events = await _insert(connection, surface, making, document)
    surface.streams.publish(run.seq, events)
    surface.holder.wake()
    return run


async def _insert(
    connection: AsyncConnection, surface: Surface, making: Making, document: dict[str, Any]
) -> tuple[StoredRun, list[Event]]:
    most = surface.settings.max_active
    if await runs.count_active(connection) >= most:
        raise TooMany(
            f"There are {most} active runs and responses, as many as the setting "
            "runs.max_active allows. Try again when some have ended.",
            retry_after_s=_BUSY_RETRY_S,
        )
    run = await keeping.insert(
        connection,
        making,
        Outcome("queued"),
        document,
        expires_at=now_s() + surface.settings.timeout_s,
    )
    names = ("response.created", "response.queued") if making.wanted.stream else ()
    told = Rows([NewEvent(name, "{}") for name in names])
    events = await write(connection, Write(Change(run.seq, ("queued",)), told))
    return run, events or []


def _kept(wanted: CreateResponse) -> CreateResponse:
    """Return a request without its input, which is kept as items, and without its secrets."""
    tools = None if wanted.tools is None else without_secrets(wanted.tools)
    return msgspec.structs.replace(wanted, input=[], tools=tools)
