"""The row of a response that its own request works on: from its beginning to its end."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from sqlalchemy.exc import SQLAlchemyError

from understudy.errors import InvalidRequest, NotFound, NotReady
from understudy.responses import keeping, log
from understudy.responses.making import Making
from understudy.responses.projection import file_ids
from understudy.responses.record import Outcome
from understudy.responses.surface import Surface
from understudy.store import runs
from understudy.store.idempotency import Creation
from understudy.store.items import Item
from understudy.store.runs import StoredRun

_log = logging.getLogger(__name__)

_SETTLED_WITHIN_S = 5.0
_LOOK_EVERY_S = 0.25
_LEFT = "The connection was closed before the response was complete."
_DELETED = "The conversation was deleted while the response was being made."
_FIRST_FAILED = "The first request with this Idempotency-Key has failed. Send it again."


class Earlier(Exception):
    """An earlier request with the same key has made this row."""

    def __init__(self, run: StoredRun) -> None:
        super().__init__(run.id)
        self.run = run


class Row:
    """The row of one response, for as long as its request works on it."""

    def __init__(self, surface: Surface, making: Making, run: StoredRun) -> None:
        self._surface = surface
        self._making = making
        self._run = run
        self._is_settled = False

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the row's lease within the block.

        Raises InvalidRequest when the row was ended by who deleted its conversation.
        """
        with self._surface.holder.holding(self._run) as scope:
            yield
        if scope.cancelled_caught:
            raise InvalidRequest(_DELETED, code="conversation_deleted")

    async def settle(self) -> None:
        """Write the end of the response. Raises InvalidRequest if somebody else has ended it."""
        making = self._making
        async with self._surface.storage.database.write() as connection:
            if await keeping.end(connection, self._run, making) is None:
                raise InvalidRequest(_DELETED, code="conversation_deleted")
        self._is_settled = True
        if file_ids([item.document for item in making.beginning.inputs]):
            self._surface.wake_ingest()

    async def settle_left(self) -> None:
        """Write that the response was cut off, unless its end is written."""
        if self._is_settled:
            return
        if self._making.outcome is None:
            self._making.cancel(_LEFT)
        try:
            with anyio.move_on_after(_SETTLED_WITHIN_S, shield=True):
                await self.settle()
        except InvalidRequest:
            return  # it was ended by who deleted the conversation
        except (NotReady, SQLAlchemyError) as error:
            _log.warning("the end of %s is not written: %s", self._run.id, error)

    async def forget(self, creation: Creation) -> None:
        """Remove the row, so that nothing of the request is left and it can be sent again."""
        try:
            with anyio.move_on_after(_SETTLED_WITHIN_S, shield=True):
                async with self._surface.storage.database.write() as connection:
                    await keeping.erase(connection, self._run)
                    await creation.forget(connection)
        except (NotReady, SQLAlchemyError) as error:
            _log.warning("%s, which failed, is not cleared away: %s", self._run.id, error)


async def insert(surface: Surface, creation: Creation, making: Making) -> Row:
    """Insert the row of a response that begins. Raises Earlier if the request is a repeated one."""
    async with surface.storage.database.write() as connection:
        if earlier := await creation.claim(connection, making.position.response_id):
            raise Earlier(await runs.find_response(connection, creation.project_id, earlier))
        run = await keeping.insert(
            connection,
            making,
            Outcome("in_progress"),
            {"is_background": False},
            lease_owner=surface.holder.owner,
        )
    return Row(surface, making, run)


async def over(surface: Surface, run: StoredRun) -> tuple[StoredRun, list[Item]]:
    """Return a response and its output, once nobody works on it any more.

    Raises NotReady when it has failed, so that the request can be sent again.
    """
    try:
        while run.status in keeping.ACTIVE:
            await anyio.sleep(_LOOK_EVERY_S)
            async with surface.storage.database.read() as connection:
                run = await runs.find_response(connection, run.project_id, run.id)
    except NotFound as error:
        raise NotReady(_FIRST_FAILED) from error
    async with surface.storage.database.read() as connection:
        return run, await log.outputs(connection, run)
