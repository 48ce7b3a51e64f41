"""Messages of threads: adding, listing, changing and deleting them, and the files they bring.

Knows of runs only that a message must wait for the end of an active one.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import InvalidRequest, InvalidValue, NotFound
from understudy.ids import new_id, now_s
from understudy.runs.project_messages import (
    MESSAGE,
    files_of,
    item_of,
    message_of,
    searched_files,
)
from understudy.runs.tool_resources import Named, feed, find_files, numbered, resources_in
from understudy.store import runs
from understudy.store.idempotency import Creation
from understudy.store.items import Item, Log, is_of_run, is_of_type, is_without
from understudy.store.objects import Collection
from understudy.store.pages import PageQuery
from understudy.store.storage import Storage
from understudy.wire.messages import (
    CreateMessage,
    ImageFileContent,
    Message,
    MessageFile,
    ModifyMessage,
    content_of,
)

THREAD = "thread"
"""The kind of the objects that are threads."""
_IMAGE_PURPOSES = ("assistants", "user_data", "vision")
"""What the file of an image must have been uploaded for."""
_IS_SAID = [is_without(f'"role":"{role}"') for role in ("developer", "system")]
"""The condition that says what `is_said` says."""


def threads_of(project_id: str) -> Collection:
    """Return the threads of a project."""
    return Collection(project_id, THREAD, noun="thread")


async def add_messages(
    connection: AsyncConnection,
    project_id: str,
    thread_id: str,
    messages: Sequence[CreateMessage],
    place: str = "",
) -> list[Item]:
    """Append messages to a thread of this project, and queue their files for its search.

    `place` is where the request lists them, `messages` for example; "" where it is the message
    itself. Call the ingest's `wake` after the commit if `brings_files`. Raises NotFound or
    InvalidValue whose `param` names the file at fault. Does not look for an active run.
    """
    created_at = now_s()
    items = [item_of(message, new_id("msg"), created_at) for message in messages]
    await _add(connection, Log(project_id, thread_id), messages, items, place)
    return items


def brings_files(messages: Sequence[CreateMessage]) -> bool:
    """Tell whether files come with the messages that are to be read."""
    return any(searched_files(message) for message in messages)


async def refuse_while_running(
    connection: AsyncConnection, project_id: str, thread_id: str
) -> None:
    """Raise InvalidRequest when a run of the thread is active; the thread must be locked."""
    if run := await runs.find_active(connection, project_id, thread_id):
        # Programs search for this text.
        raise InvalidRequest(
            f"Can't add messages to {thread_id} while a run {run.id} is active.",
            code="thread_has_active_run",
        )


class Messages:
    """The messages of one thread. Methods raise NotFound for a thread that is not there."""

    def __init__(
        self, storage: Storage, project_id: str, thread_id: str, wake: Callable[[], None]
    ) -> None:
        """`wake` is called when there are files to read."""
        self._storage = storage
        self._project_id = project_id
        self._thread_id = thread_id
        self._wake = wake
        self._threads = threads_of(project_id)
        self._log = Log(project_id, thread_id)

    async def create(self, creation: Creation, wanted: CreateMessage) -> Message:
        """Add a message. Raises InvalidRequest while a run is active."""
        async with self._storage.database.write() as connection:
            await self._threads.find(connection, self._thread_id, for_update=True)
            id_ = new_id("msg")
            if earlier := await creation.claim(connection, id_):
                return self._shown(await self._find(connection, earlier))
            await refuse_while_running(connection, self._project_id, self._thread_id)
            item = item_of(wanted, id_, now_s())
            await _add(connection, self._log, [wanted], [item], "")
        if brings_files([wanted]):
            self._wake()
        return self._shown(item)

    async def find(self, id_: str) -> Message:
        """Return a message. Raises NotFound."""
        async with self._storage.database.read() as connection:
            await self._threads.find(connection, self._thread_id)
            return self._shown(await self._find(connection, id_))

    async def page(self, query: PageQuery, run_id: str | None = None) -> tuple[list[Message], bool]:
        """Return one page of the messages, only those that a run wrote if one is given."""
        conditions = [is_of_type(MESSAGE), *_IS_SAID]
        if run_id is not None:
            conditions.append(is_of_run(run_id))
        async with self._storage.database.read() as connection:
            if query.after or query.before:  # an unknown thread comes before an unknown cursor
                await self._threads.find(connection, self._thread_id)
            items, has_more = await self._log.page(connection, query, *conditions)
            if not items:  # messages go with their thread: where there are some, it is there
                await self._threads.find(connection, self._thread_id)
        return [self._shown(item) for item in items], has_more

    async def modify(self, id_: str, wanted: ModifyMessage) -> Message:
        """Change the metadata of a message. Raises NotFound."""
        async with self._storage.database.write() as connection:
            await self._threads.find(connection, self._thread_id)
            item = await self._find(connection, id_, for_update=True)
            if wanted.metadata is not UNSET:
                item = replace(item, metadata=wanted.metadata or {})
                await self._log.set_metadata(connection, id_, item.metadata)
        return self._shown(item)

    async def delete(self, id_: str) -> None:
        """Delete a message; its files stay. Raises NotFound."""
        async with self._storage.database.write() as connection:
            await self._threads.find(connection, self._thread_id)
            await self._find(connection, id_)
            await self._log.delete(connection, id_)

    async def find_file(self, id_: str, file_id: str) -> MessageFile:
        """Return a file of a message. Raises NotFound."""
        for file in await self._files(id_):
            if file.id == file_id:
                return file
        raise NotFound(f"No file found with id '{file_id}' in message '{id_}'.", code="not_found")

    async def page_files(self, id_: str, query: PageQuery) -> tuple[list[MessageFile], bool]:
        """Return one page of a message's files, and whether there are more."""
        return page_of_files(await self._files(id_), query)

    async def _files(self, id_: str) -> list[MessageFile]:
        async with self._storage.database.read() as connection:
            await self._threads.find(connection, self._thread_id)
            return files_of(await self._find(connection, id_))

    async def _find(
        self, connection: AsyncConnection, id_: str, *, for_update: bool = False
    ) -> Item:
        return await self._log.find(
            connection, id_, *_IS_SAID, type_=MESSAGE, for_update=for_update
        )

    def _shown(self, item: Item) -> Message:
        return message_of(item, self._thread_id)


def page_of_files(files: Sequence[MessageFile], query: PageQuery) -> tuple[list[MessageFile], bool]:
    """Return one page of files, the order of which is `asc`, and whether there are more.

    Raises InvalidValue for a cursor that is none of them.
    """
    ordered = list(files) if query.order == "asc" else list(files)[::-1]
    ids = [file.id for file in ordered]
    for param, cursor in (("after", query.after), ("before", query.before)):
        if cursor is not None and cursor not in ids:
            raise InvalidValue(param, f"no file with id '{cursor}' is in this list")
    first = 0 if query.after is None else ids.index(query.after) + 1
    last = len(ids) if query.before is None else ids.index(query.before)
    between = ordered[first:last]
    if query.before is not None and query.after is None:
        return between[-query.limit :], len(between) > query.limit
    return between[: query.limit], len(between) > query.limit


async def _add(
    connection: AsyncConnection,
    log: Log,
    messages: Sequence[CreateMessage],
    items: Sequence[Item],
    place: str,
) -> None:
    """Add the items that were made of `messages`, and feed the thread's search."""
    prefixes = [f"{place}[{index}]." if place else "" for index in range(len(messages))]
    attached, images = [], []
    for message, prefix in zip(messages, prefixes, strict=True):
        attached += _attached(message, prefix)
        images += _images(message, prefix)
    found = await find_files(connection, log.project_id, [*attached, *images])
    for image in images:
        check_image(image, found[image.id].document["purpose"])
    await log.add(connection, items)
    if brings_files(messages):
        files = [file_id for message in messages for file_id in searched_files(message)]
        await feed_thread(connection, log, files)


async def feed_thread(connection: AsyncConnection, log: Log, file_ids: Sequence[str]) -> None:
    """Queue files, which must exist, to be read for the search of a thread."""
    threads = threads_of(log.project_id)
    thread = await threads.find(connection, log.thread_id, for_update=True)
    was = resources_in(thread.document)
    now = await feed(connection, log.project_id, was, file_ids)
    if now != was:
        document = {**thread.document, **now.as_document()}
        await threads.update(connection, thread.id, document=document)


def _attached(message: CreateMessage, prefix: str) -> list[Named]:
    given = message.attachments or ()
    attachments = [
        Named(f"{prefix}attachments[{index}].file_id", attachment.file_id)
        for index, attachment in enumerate(given)
    ]
    return [*attachments, *numbered(f"{prefix}file_ids", message.file_ids)]


def _images(message: CreateMessage, prefix: str) -> list[Named]:
    return [
        Named(f"{prefix}content[{index}].image_file.file_id", part.image_file.file_id)
        for index, part in enumerate(content_of(message))
        if isinstance(part, ImageFileContent)
    ]


def check_image(image: Named, purpose: str) -> None:
    """Raise InvalidValue for an image whose file was uploaded for something else."""
    if purpose not in _IMAGE_PURPOSES:
        raise InvalidValue(
            image.param,
            f"the file '{image.id}' was uploaded for '{purpose}', an image for one of "
            f"{', '.join(_IMAGE_PURPOSES)}",
        )
