"""What clients ask of responses that are there: to read, follow, cancel and delete them."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from understudy.errors import InvalidRequest
from understudy.responses import keeping, log
from understudy.responses.following import OpenedEvents, follow
from understudy.responses.projection import shown
from understudy.responses.record import ResponseDocument, shown_row
from understudy.responses.surface import Surface
from understudy.runs.closing import close
from understudy.store import runs
from understudy.store.items import is_one_of
from understudy.store.pages import PageQuery
from understudy.store.runs import StoredRun
from understudy.wire.response_items import ItemDocument
from understudy.wire.responses import Include


class Responses:
    """The stored responses of one project. Methods raise NotFound for what it does not have."""

    def __init__(self, surface: Surface, project_id: str) -> None:
        self._surface = surface
        self._storage = surface.storage
        self._project_id = project_id

    async def find(self, id_: str, include: frozenset[Include]) -> ResponseDocument:
        """Return a response."""
        async with self._storage.database.read() as connection:
            run = await runs.find_response(connection, self._project_id, id_)
            return shown_row(run, await log.outputs(connection, run), include)

    async def delete(self, id_: str) -> None:
        """Delete a response with its items; a conversation keeps those that it has."""
        async with self._storage.database.write() as connection:
            run = await runs.find_response(connection, self._project_id, id_, for_update=True)
            events = await close(connection, run, "stop")
            await keeping.erase(connection, run)
        self._surface.streams.publish(run.seq, events or ())
        self._surface.holder.interrupt(run.seq)

    async def cancel(self, id_: str) -> ResponseDocument:
        """Cancel a background response; one that is over stays as it is.

        Raises InvalidRequest for a response that is made within its request.
        """
        async with self._storage.database.write() as connection:
            run = await runs.find_response(connection, self._project_id, id_, for_update=True)
            if not run.document.get("is_background"):
                raise InvalidRequest(
                    f"The response '{id_}' was not made in the background, so it cannot be "
                    "cancelled. Close its connection instead.",
                    param="response_id",
                )
            events = await close(connection, run, "stop")
        if events is not None:
            self._surface.streams.publish(run.seq, events)
            self._surface.holder.interrupt(run.seq)
        return await self.find(id_, frozenset())

    async def input_items(
        self, id_: str, query: PageQuery, include: frozenset[Include]
    ) -> tuple[list[ItemDocument], bool]:
        """Return one page of what a request brought, and whether there is more."""
        async with self._storage.database.read() as connection:
            run = await runs.find_response(connection, self._project_id, id_)
            is_input = is_one_of(run.document["input_ids"])
            items, has_more = await log.log_of(run).page(connection, query, is_input)
        return [shown(item, include) for item in items], has_more

    @asynccontextmanager
    async def follow(
        self, id_: str, after: int, include: frozenset[Include]
    ) -> AsyncIterator[OpenedEvents]:
        """Open the stream of a background response from the event that follows number `after`."""
        async with self._storage.database.read() as connection:
            run = await runs.find_response(connection, self._project_id, id_)
        _check_streamed(run)
        events = follow(self._storage, self._surface.streams, run, after, include)
        async with aclosing(events):
            yield OpenedEvents(events)


def _check_streamed(run: StoredRun) -> None:
    if not run.document.get("is_streamed"):
        raise InvalidRequest(
            f"The response '{run.id}' has no stream that can be read again: only responses made "
            "with both 'background' and 'stream' have one. Leave out 'stream' to read it.",
            param="stream",
        )
