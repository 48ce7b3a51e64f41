"""The texts of files that are parts of messages, read as those of vector stores are.

A text that was read is remembered for a while, since every turn shows it again.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio

from understudy.errors import InvalidRequest
from understudy.responses.translate import file_key
from understudy.retrieval.extract import ExtractionFailed, Limits
from understudy.retrieval.extract.sandbox import extract_in_child
from understudy.store.files import KIND
from understudy.store.items import Item
from understudy.store.objects import Collection, StoredObject
from understudy.store.storage import Storage

_REMEMBERED_CHARS = 10_000_000
_UNNAMED = "file.txt"
FilePart = Mapping[str, Any]


class FileTexts:
    """Reads the files of messages for every project of one process."""

    def __init__(self, storage: Storage, limits: Limits) -> None:
        self._storage = storage
        self._limits = limits
        self._texts: dict[str, str] = {}
        """By `file_key`, the one that was used last at the end."""

    async def of(self, project_id: str, response_id: str, items: Sequence[Item]) -> dict[str, str]:
        """Return the texts, by `file_key`, of the files among the parts of items.

        One that is gone, or that cannot be read and was there before this response, is left out.
        Raises InvalidRequest for one that the response brings and that cannot be read.
        """
        parts = list(_parts(items))
        ids = [part["file_id"] for _, part in parts if part.get("file_id")]
        stored = await self._stored(project_id, ids)
        texts: dict[str, str] = {}
        for item, part in parts:
            key = file_key(part)
            if key in texts or (part.get("file_id") and part["file_id"] not in stored):
                continue
            try:
                texts[key] = await self._text(key, part, stored)
            except ExtractionFailed as error:
                if item.response_id == response_id:
                    named = part.get("filename") or part.get("file_id") or "the file"
                    raise InvalidRequest(
                        f"'{named}' cannot be read: {error.message}", param="input", code=error.code
                    ) from error
        return texts

    async def _stored(self, project_id: str, ids: Sequence[str]) -> dict[str, StoredObject]:
        if not ids:
            return {}
        async with self._storage.database.read() as connection:
            return await Collection(project_id, KIND).find_all(connection, ids)

    async def _text(self, key: str, part: FilePart, stored: Mapping[str, StoredObject]) -> str:
        if (known := self._texts.pop(key, None)) is None:
            known = await self._read(part, stored)
        self._texts[key] = known
        while len(self._texts) > 1 and sum(map(len, self._texts.values())) > _REMEMBERED_CHARS:
            del self._texts[next(iter(self._texts))]
        return known

    async def _read(self, part: FilePart, stored: Mapping[str, StoredObject]) -> str:
        if part.get("file_id"):
            document = stored[part["file_id"]].document
            path = self._storage.blobs.path(document["sha256"])
            return await self._extracted(path, document["filename"])
        async with anyio.NamedTemporaryFile() as file:
            await file.write(_decoded(part["file_data"]))
            await file.flush()
            return await self._extracted(Path(str(file.name)), part.get("filename") or _UNNAMED)

    async def _extracted(self, path: Path, filename: str) -> str:
        async with aclosing(extract_in_child(path, filename, self._limits)) as blocks:
            return "\n\n".join([block.text async for block in blocks])


def _parts(items: Sequence[Item]) -> Iterator[tuple[Item, FilePart]]:
    for item in items:
        for member in ("content", "output"):
            parts = item.document.get(member)
            for part in parts if isinstance(parts, list) else ():
                if part["type"] == "input_file":
                    yield item, part


def _decoded(data: str) -> bytes:
    """Return the content of a file from base64, with or without the head of a data URL."""
    try:
        return b64decode(data.partition(";base64,")[2] or data, validate=True)
    except binascii.Error as error:
        raise ExtractionFailed("invalid_file", "Its 'file_data' is not base64.") from error
