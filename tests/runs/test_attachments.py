"""Names and images of the files that messages attach or show."""

from base64 import b64decode
from pathlib import Path

import pytest
from tests.runs.logs import user

from understudy.runs import attachments
from understudy.store.blobs import Blobs
from understudy.store.db import Store
from understudy.store.files import Files, NewFile
from understudy.store.items import Item
from understudy.store.keys import project_id
from understudy.store.storage import Storage

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def storage(store: Store, tmp_path: Path) -> Storage:
    folder = tmp_path / "contents"
    (folder / "tmp").mkdir(parents=True)
    opened = Storage()
    opened.open(store, Blobs(folder))
    return opened


async def upload(storage: Storage, name: str, content: bytes) -> str:
    files = Files(storage, await project_id(storage.database))
    async with storage.blobs.writing() as writer:
        await writer.write(content)
        blob = await writer.finish()
        return (await files.create(NewFile(name, "vision"), blob)).id


def showing(*ids: str) -> Item:
    return user(*({"type": "input_image", "file_id": id_, "detail": "auto"} for id_ in ids))


async def test_files_are_named_that_messages_attach_or_show(storage: Storage) -> None:
    cat, rates, law = [await upload(storage, n, PNG) for n in ("cat.png", "rates.pdf", "law.pdf")]
    items = [
        showing(cat),
        user("a", attachments=[{"file_id": rates, "tools": []}]),
        user("b", file_ids=[law, "file-gone"]),
    ]
    project = await project_id(storage.database)
    named = await attachments.filenames(storage, project, items)
    assert named == {cat: "cat.png", rates: "rates.pdf", law: "law.pdf"}
    assert await attachments.filenames(storage, "proj_other", items) == {}
    assert await attachments.filenames(storage, project, [user("a")]) == {}


async def test_images_become_data_urls_and_other_files_do_not(storage: Storage) -> None:
    cat = await upload(storage, "cat.txt", PNG)
    page = await upload(storage, "page.png", b"<html>")
    project = await project_id(storage.database)
    shown = await attachments.images(storage, project, [showing(cat, page, "file-gone")])
    assert list(shown) == [cat]
    head, _, data = shown[cat].partition(",")
    assert (head, b64decode(data)) == ("data:image/png;base64", PNG)


async def test_the_newest_images_are_shown_where_all_are_too_much(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, large, new = [await upload(storage, "a.png", PNG + b"x" * size) for size in (50, 120, 60)]
    monkeypatch.setattr(attachments, "_LARGEST_IMAGE_BYTES", 100)
    monkeypatch.setattr(attachments, "_LARGEST_IMAGES_BYTES", 120)
    project = await project_id(storage.database)
    shown = await attachments.images(storage, project, [showing(old), showing(large), showing(new)])
    assert list(shown) == [new]


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"<svg/>", None),
        (b"", None),
    ],
)
async def test_images_are_known_by_their_first_bytes(
    content: bytes, media_type: str | None
) -> None:
    assert attachments.sniffed(content) == media_type
