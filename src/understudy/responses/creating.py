"""Makes responses within the request that asks for them, or has them made in the background."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from understudy.chat.completion import ChatCompletions
from understudy.errors import UnderstudyError
from understudy.responses import foreground, keeping, log
from understudy.responses.asking import Asked
from understudy.responses.draft import Drafted
from understudy.responses.following import Numbered, OpenedEvents, follow, retold
from understudy.responses.foreground import Earlier, Row
from understudy.responses.making import Making
from understudy.responses.queueing import queue
from understudy.responses.record import Outcome, ResponseDocument, shown_row
from understudy.responses.surface import Surface
from understudy.responses.turns import Open, Turns, streamed, whole
from understudy.store.idempotency import Creation
from understudy.wire.responses import CreateResponse


@dataclass(frozen=True, slots=True)
class Made:
    """A response, and the headers that say who made it."""

    response: ResponseDocument
    headers: dict[str, str] = field(default_factory=dict)


class Creating:
    """Makes the responses of one project."""

    def __init__(self, surface: Surface, project_id: str) -> None:
        self._surface = surface
        self._storage = surface.storage
        self._project_id = project_id

    async def plain(self, creation: Creation, wanted: CreateResponse) -> Made:
        """Return a response that is over, or queued for the background.

        Raises what ends it early; of such a response nothing is kept.
        """
        if wanted.background:
            return await self._queued(creation, wanted)
        making, asked = await self._surface.begin(self._project_id, wanted, "in_progress")
        if making.position.conversation_id is not None or (wanted.is_stored and creation.key):
            return await self._in_a_row(creation, making, asked)
        await self._exhaust(making, asked)
        if wanted.is_stored:
            async with self._storage.database.write() as connection:
                await keeping.insert_whole(connection, making)
        return _made(making)

    async def _queued(self, creation: Creation, wanted: CreateResponse) -> Made:
        run = await queue(self._surface, creation, wanted)
        async with self._storage.database.read() as connection:
            output = await log.outputs(connection, run)
        return Made(shown_row(run, output, frozenset(wanted.include or ())))

    async def _in_a_row(self, creation: Creation, making: Making, asked: Asked) -> Made:
        """Make a response that others have to know of while it is made."""
        try:
            row = await foreground.insert(self._surface, creation, making)
        except Earlier as earlier:
            run, output = await foreground.over(self._surface, earlier.run)
            return Made(shown_row(run, output, making.include))
        try:
            async with row.held():
                await self._exhaust(making, asked)
                await row.settle()
        except BaseException:
            await row.forget(creation)
            raise
        return _made(making)

    async def _exhaust(self, making: Making, asked: Asked) -> None:
        async with aclosing(self._turns(making, asked, whole)) as pieces:
            async for _ in pieces:
                pass

    # --- streams ------------------------------------------------------------------------------

    @asynccontextmanager
    async def stream(
        self, creation: Creation, wanted: CreateResponse
    ) -> AsyncIterator[OpenedEvents]:
        """Open the events of a response that is made as they are read, or in the background."""
        if wanted.background:
            run = await queue(self._surface, creation, wanted)
            include = frozenset(wanted.include or ())
            events = follow(self._storage, self._surface.streams, run, -1, include)
            async with aclosing(events):
                yield OpenedEvents(events)
            return
        making, asked = await self._surface.begin(self._project_id, wanted, "in_progress")
        headers = asked.answered.headers
        if not wanted.is_stored:
            async with aclosing(self._events(making, asked, None)) as told:
                yield OpenedEvents(told, headers)
            return
        try:
            row = await foreground.insert(self._surface, creation, making)
        except Earlier as earlier:
            run, output = await foreground.over(self._surface, earlier.run)
            yield OpenedEvents(_each(retold(run, output, making.include)), headers)
            return
        async with row.held():
            try:
                async with aclosing(self._events(making, asked, row)) as told:
                    yield OpenedEvents(told, headers)
            finally:
                await row.settle_left()

    async def _events(
        self, making: Making, asked: Asked, row: Row | None
    ) -> AsyncGenerator[Numbered, None]:
        """Make a response, and yield its events as they come; the last one is told when it is kept.

        An error of the model ends it as failed.
        """
        number = 0
        for name in ("created", "in_progress"):
            yield Numbered(number, *making.told(name, Outcome("in_progress")))
            number += 1
        try:
            async with aclosing(self._turns(making, asked, streamed)) as pieces:
                async for drafted in pieces:
                    for name, data in drafted.events:
                        yield Numbered(number, name, data)
                        number += 1
        except UnderstudyError as error:
            making.fail(error)
        if row is not None:
            await row.settle()
        yield Numbered(number, *making.ending())

    def _turns(
        self, making: Making, asked: Asked, opening: Callable[[ChatCompletions], Open]
    ) -> AsyncGenerator[Drafted, None]:
        shared = self._surface.shared
        # What the first request shows may have changed since it was made.
        return Turns(shared, making, opening(shared.chat)).run(asked if making.is_current else None)


async def _each(values: Iterable[Numbered]) -> AsyncGenerator[Numbered, None]:
    for value in values:
        yield value


def _made(making: Making) -> Made:
    assert making.outcome is not None and making.answered is not None
    return Made(making.shown(making.outcome), making.answered.headers)
