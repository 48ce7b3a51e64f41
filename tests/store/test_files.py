"""Files and uploads as they are stored: contents shared and released, expiry, kill -9."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from sqlalchemy import insert, select, update
from tests.databases import Database
from tests.store.killing import CONTENTS, content_of, deaths

from understudy.errors import InvalidRequest, NotFound, UnderstudyError
from understudy.store.blobs import Blob, Blobs, sweep
from understudy.store.files import Files, NewFile, sweep_files
from understudy.store.idempotency import Creation
from understudy.store.keys import create_key, project_id
from understudy.store.pages import PageQuery
from understudy.store.schema import blobs as blobs_table
from understudy.store.schema import objects, vector_store_files
from understudy.store.storage import Storage
from understudy.store.uploads import Uploads, sweep_uploads
from understudy.wire.files import File
from understudy.wire.uploads import UploadPart

pytestmark = pytest.mark.anyio

NOTES = NewFile("notes.txt", "assistants")


@dataclass
class Disk:
    """The storage of a server, and one project's part of it."""

    storage: Storage
    project: str

    @property
    def files(self) -> Files:
        return Files(self.storage, self.project)

    @property
    def uploads(self) -> Uploads:
        return Uploads(self.storage, self.project)

    async def file(
        self, content: bytes, new: NewFile = NOTES, creation: Creation | None = None
    ) -> File:
        async with self.storage.blobs.writing() as writer:
            await writer.write(content)
            return await self.files.create(new, await writer.finish(), creation)

    async def part(self, upload_id: str, content: bytes) -> UploadPart:
        async with self.storage.blobs.writing() as writer:
            await writer.write(content)
            blob: Blob = await writer.finish()
            return await self.uploads.add_part(upload_id, blob)

    async def content(self, file_id: str) -> bytes:
        found = await self.files.find(file_id)
        async with self.storage.blobs.reading(found.sha256) as pieces:
            return b"".join([piece async for piece in pieces])

    async def references(self) -> list[int]:
        async with self.storage.database.read() as connection:
            return sorted(await connection.scalars(select(blobs_table.c.refs)))

    async def let_expire(self, id_: str) -> None:
        """Move the end of an object's life to a second ago."""
        async with self.storage.database.write() as connection:
            await connection.execute(
                update(objects)
                .where(objects.c.id == id_)
                .values(expires_at=objects.c.created_at - 1)
            )


@pytest.fixture
async def disk(database: Database) -> AsyncIterator[Disk]:
    async with database.open() as store:
        storage = Storage()
        storage.open(store, Blobs(database.data_dir / "blobs"))
        yield Disk(storage, await project_id(store))


async def in_store(disk: Disk, file_id: str) -> None:
    """Put a file into a vector store."""
    values: dict[str, Any] = {
        "project_id": disk.project,
        "vector_store_id": "vs_1",
        "file_id": file_id,
        "status": "completed",
        "created_at": 1,
        "attributes": {},
        "chunking": {},
    }
    async with disk.storage.database.write() as connection:
        await connection.execute(insert(vector_store_files).values(values))


async def stores_of(disk: Disk, file_id: str) -> int:
    """Return how many vector stores have a file."""
    rows = vector_store_files.c
    async with disk.storage.database.read() as connection:
        wanted = select(rows.seq).where(rows.file_id == file_id, rows.deleted_at.is_(None))
        return len(list(await connection.scalars(wanted)))


async def test_a_file_of_another_project_is_not_found(disk: Disk) -> None:
    file = await disk.file(b"mine")
    store = disk.storage.database
    await create_key(store, project="other")
    other = Files(disk.storage, await project_id(store, "other"))
    for attempt in (other.find, other.delete):
        with pytest.raises(NotFound, match="No file found"):
            await attempt(file.id)
    assert (await other.page(PageQuery(), None)).files == []
    assert await disk.content(file.id) == b"mine"


async def test_pages_of_a_purpose(disk: Disk) -> None:
    purposes = ["vision", "assistants", "vision", "vision"]
    made = [await disk.file(b"x", NewFile(f"{n}.txt", p)) for n, p in enumerate(purposes)]
    first = await disk.files.page(PageQuery(limit=2), "vision")
    assert ([file.filename for file in first.files], first.has_more) == (["3.txt", "2.txt"], True)
    await disk.files.delete(made[2].id)
    rest = await disk.files.page(PageQuery(limit=2, after=made[2].id), "vision")
    assert ([file.filename for file in rest.files], rest.has_more) == (["0.txt"], False)


async def test_a_content_goes_with_its_last_file(disk: Disk) -> None:
    first, second = await disk.file(b"same"), await disk.file(b"same")
    assert await disk.references() == [2]
    await disk.files.delete(first.id)
    await sweep(disk.storage.database, disk.storage.blobs)
    assert await disk.content(second.id) == b"same"
    await disk.files.delete(second.id)
    await sweep(disk.storage.database, disk.storage.blobs)
    assert await disk.references() == []


async def test_a_deleted_file_leaves_its_vector_stores(disk: Disk) -> None:
    deleted, kept = await disk.file(b"a"), await disk.file(b"b")
    for file in (deleted, kept):
        await in_store(disk, file.id)
    await disk.files.delete(deleted.id)
    assert (await stores_of(disk, deleted.id), await stores_of(disk, kept.id)) == (0, 1)


async def test_two_deletions_release_the_content_once(disk: Disk) -> None:
    file, _ = await disk.file(b"same"), await disk.file(b"same")
    outcomes: list[str] = []

    async def delete() -> None:
        try:
            await disk.files.delete(file.id)
            outcomes.append("deleted")
        except NotFound:
            outcomes.append("not found")

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(delete)
    assert sorted(outcomes) == ["deleted", "not found", "not found", "not found"]
    assert await disk.references() == [1]


async def test_an_expired_file_is_gone_at_once_and_swept_later(disk: Disk) -> None:
    files = [await disk.file(b"%d" % number) for number in range(103)]
    kept = await disk.file(b"kept", NewFile("kept.txt", "assistants", 3600))
    for file in files:
        await disk.let_expire(file.id)
    await in_store(disk, files[0].id)
    with pytest.raises(NotFound):
        await disk.files.find(files[0].id)
    with pytest.raises(NotFound):
        await disk.files.delete(files[0].id)
    assert (await disk.files.page(PageQuery(), None)).files == [kept]
    await sweep_files(disk.storage)
    assert await stores_of(disk, files[0].id) == 0
    await sweep(disk.storage.database, disk.storage.blobs)
    assert await disk.references() == [1]
    assert await disk.content(kept.id) == b"kept"


async def test_a_repeated_request_counts_its_content_once(disk: Disk) -> None:
    creation = Creation(disk.project, "once", b"abc")
    first = await disk.file(b"abc", creation=creation)
    assert await disk.file(b"abc", creation=creation) == first
    with pytest.raises(InvalidRequest, match="'once' was used for another request"):
        await disk.file(b"abd", creation=Creation(disk.project, "once", b"abd"))
    assert await disk.references() == [1]
    await disk.files.delete(first.id)
    with pytest.raises(NotFound):
        await disk.file(b"abc", creation=creation)
    assert await disk.references() == [0]


async def test_a_repeated_request_gets_an_upload_that_has_expired(disk: Disk) -> None:
    creation = Creation(disk.project, "once", b"abc")
    first = await disk.uploads.create(NOTES, 3, 3600, creation)
    await disk.let_expire(first.id)
    for _ in range(2):
        again = await disk.uploads.create(NOTES, 3, 3600, creation)
        assert (again.id, again.status) == (first.id, "expired")
        await sweep_uploads(disk.storage)


async def test_a_completed_upload_is_its_parts_in_order(disk: Disk) -> None:
    upload = await disk.uploads.create(NOTES, 6, 3600)
    unused = await disk.part(upload.id, b"xxx")
    second, first = [await disk.part(upload.id, data) for data in (b"def", b"abc")]
    assert unused.upload_id == upload.id
    completed = await disk.uploads.complete(upload.id, [first.id, second.id], None)
    assert completed.file is not None
    assert await disk.content(completed.file.id) == b"abcdef"
    assert await disk.references() == [0, 0, 0, 1]


@pytest.mark.parametrize("end", ["cancel", "expire", "complete"])
async def test_an_upload_that_has_ended_takes_nothing(disk: Disk, end: str) -> None:
    upload = await disk.uploads.create(NOTES, 3, 3600)
    part = await disk.part(upload.id, b"abc")
    if end == "cancel":
        assert (await disk.uploads.cancel(upload.id)).status == "cancelled"
    elif end == "expire":
        await disk.let_expire(upload.id)
    else:
        await disk.uploads.complete(upload.id, [part.id], None)

    async def attempts() -> None:
        for attempt in (
            lambda: disk.part(upload.id, b"abc"),
            lambda: disk.uploads.check_pending(upload.id),
            lambda: disk.uploads.complete(upload.id, [part.id], None),
            lambda: disk.uploads.cancel(upload.id),
        ):
            with pytest.raises(InvalidRequest, match=end) as caught:
                await attempt()
            assert caught.value.code == "upload_not_pending"

    await attempts()
    await sweep_uploads(disk.storage)
    await attempts()
    assert sum(await disk.references()) == (1 if end == "complete" else 0)


async def test_of_completions_at_once_one_makes_a_file(disk: Disk) -> None:
    for round_ in range(1, 11):
        upload = await disk.uploads.create(NOTES, 3, 3600)
        part = await disk.part(upload.id, b"abc")
        statuses: list[int] = []

        async def finish(upload_id: str, part_id: str, statuses: list[int]) -> None:
            try:
                await disk.uploads.complete(upload_id, [part_id], None)
                statuses.append(200)
            except UnderstudyError as error:
                statuses.append(error.status)

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(finish, upload.id, part.id, statuses)
        assert sorted(statuses) == [200, 400, 400, 400, 400]
        assert await disk.references() == [round_]


async def test_parts_may_not_fill_the_disk(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy.store.uploads.PART_LIMIT_BYTES", 4)
    upload = await disk.uploads.create(NOTES, 3, 3600)
    for _ in range(2):
        await disk.part(upload.id, b"12345")
    with pytest.raises(UnderstudyError, match="far over the 3 bytes") as caught:
        await disk.part(upload.id, b"1")
    assert caught.value.status == 413


async def test_a_file_that_was_acknowledged_survives_kill_9(database: Database) -> None:
    created: dict[int, str] = {}
    for number, death in enumerate(deaths("file", database.url, database.data_dir)):
        for _, file_id in death.said:
            created[number] = file_id
    assert number > 10 and created
    async with database.open() as store:
        storage = Storage()
        storage.open(store, Blobs(database.data_dir / "blobs"))
        disk = Disk(storage, await project_id(store))
        await sweep(store, storage.blobs, orphan_age_s=0)
        for number, file_id in created.items():
            assert await disk.content(file_id) == content_of(number)
        files = (await disk.files.page(PageQuery(limit=1000), None)).files
        assert len(files) == sum(await disk.references())


async def test_a_request_repeated_after_kill_9_gets_its_first_file(database: Database) -> None:
    created: dict[bytes, set[str]] = {content_of(n): set() for n in range(CONTENTS)}
    for number, death in enumerate(deaths("keyed_file", database.url, database.data_dir)):
        created[content_of(number)].update(file_id for _, file_id in death.said)
    assert number > 10
    async with database.open() as store:
        storage = Storage()
        storage.open(store, Blobs(database.data_dir / "blobs"))
        disk = Disk(storage, await project_id(store))
        await sweep(store, storage.blobs, orphan_age_s=0)
        files = (await disk.files.page(PageQuery(limit=1000), None)).files
        assert len(files) == CONTENTS
        assert await disk.references() == [1] * CONTENTS
        for file in files:
            assert created[await disk.content(file.id)] <= {file.id}


async def test_an_upload_killed_in_its_completion_is_whole_or_pending(database: Database) -> None:
    died: list[tuple[int, list[list[Any]]]] = []
    for number, death in enumerate(deaths("upload", database.url, database.data_dir)):
        died.append((number, death.said))
    assert len(died) > 10
    async with database.open() as store:
        storage = Storage()
        storage.open(store, Blobs(database.data_dir / "blobs"))
        disk = Disk(storage, await project_id(store))
        await sweep(store, storage.blobs, orphan_age_s=0)
        for number, said in died:
            (_, upload_id, part_ids), *rest = said
            expected = content_of(number) + content_of(number)[::-1]
            if rest:
                assert await disk.content(rest[0][1]) == expected
            try:
                again = await disk.uploads.complete(upload_id, part_ids, None)
            except InvalidRequest as error:
                assert "is completed" in str(error)
            else:
                assert not rest and again.file is not None
                assert await disk.content(again.file.id) == expected
        files = (await disk.files.page(PageQuery(limit=1000), None)).files
        assert len(files) == len(died) == sum(await disk.references())
