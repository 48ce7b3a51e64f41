"""Files that messages name or show: their names, and their images as data URLs."""

from base64 import b64encode
from collections.abc import Iterator, Sequence

from understudy.errors import NotFound
from understudy.runs.prompt import attached_ids
from understudy.store.blobs import Blobs
from understudy.store.files import KIND
from understudy.store.items import Item
from understudy.store.objects import Collection, StoredObject
from understudy.store.storage import Storage

_LARGEST_IMAGE_BYTES = 20 * 1024**2
_LARGEST_IMAGES_BYTES = 50 * 1024**2
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


async def filenames(storage: Storage, project_id: str, items: Sequence[Item]) -> dict[str, str]:
    """Return the names, by file id, of the files that the messages among `items` attach or show.

    A file that was deleted is left out.
    """
    ids = [*_image_ids(items), *(id_ for item in items for id_ in attached_ids(item))]
    found = await _find(storage, project_id, ids)
    return {id_: file.document["filename"] for id_, file in found.items()}


async def images(storage: Storage, project_id: str, items: Sequence[Item]) -> dict[str, str]:
    """Return the data URLs, by file id, of the images that the messages among `items` show.

    One that was deleted, that is too large, or that is no image is left out, and so are the oldest
    where all of them are too much.
    """
    ids = list(dict.fromkeys(_image_ids(items)))
    found = await _find(storage, project_id, ids)
    shown = {}
    for file in _affordable([found[id_] for id_ in reversed(ids) if id_ in found]):
        if url := await _data_url(storage.blobs, file):
            shown[file.id] = url
    return shown


async def _find(storage: Storage, project_id: str, ids: Sequence[str]) -> dict[str, StoredObject]:
    if not ids:
        return {}
    async with storage.database.read() as connection:
        return await Collection(project_id, KIND).find_all(connection, list(dict.fromkeys(ids)))


def _image_ids(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        for member in ("content", "output"):
            parts = item.document.get(member)
            for part in parts if isinstance(parts, list) else ():
                if part["type"] == "input_image" and part.get("file_id"):
                    yield part["file_id"]


def _affordable(files: Sequence[StoredObject]) -> Iterator[StoredObject]:
    left = _LARGEST_IMAGES_BYTES
    for file in files:
        size_bytes: int = file.document["bytes"]
        if size_bytes <= min(left, _LARGEST_IMAGE_BYTES):
            left -= size_bytes
            yield file


async def _data_url(blobs: Blobs, file: StoredObject) -> str | None:
    """Return the content of an image, None when it is none or is gone."""
    try:
        async with blobs.reading(file.document["sha256"]) as pieces:
            content = b"".join([piece async for piece in pieces])
    except NotFound:
        return None
    media_type = sniffed(content)
    return None if media_type is None else f"data:{media_type};base64,{b64encode(content).decode()}"


def sniffed(content: bytes) -> str | None:
    """Return the media type of an image by its first bytes, None for anything else."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((type_ for start, type_ in _SIGNATURES if content.startswith(start)), None)
