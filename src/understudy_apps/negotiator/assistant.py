"""The assistants at the model's server: one for each owner and language, with the files it reads.

Their ids are kept in the application's database, so that they are found again after a restart.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any, Final

import anyio
from anyio import to_thread
from openai import AsyncOpenAI
from openai.types.beta import FunctionToolParam
from sqlalchemy import delete, insert, select, update

from understudy_apps.database import Database
from understudy_apps.languages import Language
from understudy_apps.negotiator import instructions
from understudy_apps.negotiator.documents import catalogue
from understudy_apps.negotiator.documents.catalogue import Printed
from understudy_apps.negotiator.tables import assistants

NAME: Final = "Clara"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an assistant is: an owner's part of the model's server, and the language it speaks."""

    owner: str
    language: Language


Files = dict[str, Printed]
"""Uploaded documents by the ids of their files."""


@dataclass(frozen=True, slots=True)
class Assistant:
    """An assistant that is ready; `file_ids` has the ids of its documents by name."""

    id: str
    file_ids: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Stored:
    assistant_id: str
    files: dict[str, Any]
    instructions_sha256: str

    @property
    def file_ids(self) -> dict[str, str]:
        ids: dict[str, str] = self.files["ids"]
        return ids


class Assistants:
    """Finds assistants, makes them when there are none, and renews them when they have changed."""

    def __init__(self, database: Database, model: str) -> None:
        self._database = database
        self._model = model
        self._making: defaultdict[Place, anyio.Lock] = defaultdict(anyio.Lock)

    async def ready(
        self, client: AsyncOpenAI, place: Place, functions: list[FunctionToolParam]
    ) -> Assistant:
        """Return the assistant of a place; it is made once, whoever asks at the same time."""
        async with self._making[place]:
            stored = await self._find(place)
            if stored is None:
                stored = await self._make(client, place, functions)
            definition = self._definition(place, stored.file_ids, functions)
            if stored.instructions_sha256 != _sha256(definition):
                await self._renew(client, place, stored, definition)
        return Assistant(stored.assistant_id, stored.file_ids)

    async def forget(self, place: Place) -> None:
        """Forget an assistant that the model's server does not have any more."""
        async with self._database.write() as connection:
            await connection.execute(delete(assistants).where(_is(place)))

    async def files(self) -> Files:
        """Return every document that any assistant reads, by the id of its file."""
        query = select(assistants.c.language, assistants.c.files)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return {
            file_id: Printed(document, language)
            for language, files in rows
            for name, file_id in files["ids"].items()
            if (document := catalogue.named(name)) is not None
        }

    async def _find(self, place: Place) -> _Stored | None:
        columns = assistants.c
        query = select(columns.assistant_id, columns.files, columns.instructions_sha256).where(
            _is(place)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        stored = _Stored(*row) if row else None
        # Printing takes a while, once. Documents of another release have to be uploaded anew.
        printed = await to_thread.run_sync(_documents_sha256, place.language)
        return stored if stored and stored.files["sha256"] == printed else None

    async def _make(
        self, client: AsyncOpenAI, place: Place, functions: list[FunctionToolParam]
    ) -> _Stored:
        file_ids = await _upload(client, place.language)
        # The files are read meanwhile; a search waits for them.
        store = await client.vector_stores.create(
            name=f"{NAME} ({place.language})", file_ids=list(file_ids.values())
        )
        definition = self._definition(place, file_ids, functions)
        made = await client.beta.assistants.create(
            **definition, tool_resources={"file_search": {"vector_store_ids": [store.id]}}
        )
        files = {"sha256": _documents_sha256(place.language), "ids": file_ids}
        stored = _Stored(made.id, files, _sha256(definition))
        row = {**asdict(stored), "vector_store_id": store.id}
        async with self._database.write() as connection:
            await connection.execute(delete(assistants).where(_is(place)))
            await connection.execute(
                insert(assistants).values(owner=place.owner, language=place.language, **row)
            )
        return stored

    async def _renew(
        self, client: AsyncOpenAI, place: Place, stored: _Stored, definition: dict[str, Any]
    ) -> None:
        await client.beta.assistants.update(stored.assistant_id, **definition)
        values = {"instructions_sha256": _sha256(definition)}
        async with self._database.write() as connection:
            await connection.execute(update(assistants).where(_is(place)).values(values))

    def _definition(
        self, place: Place, file_ids: dict[str, str], functions: list[FunctionToolParam]
    ) -> dict[str, Any]:
        return {
            "name": NAME,
            "model": self._model,
            "instructions": instructions.text(place.language, file_ids),
            "tools": [*functions, {"type": "file_search"}],
        }


async def _upload(client: AsyncOpenAI, language: Language) -> dict[str, str]:
    """Upload every document and return the files' ids by the documents' names."""
    ids: dict[str, str] = {}
    for document in catalogue.DOCUMENTS:
        printed = Printed(document, language)
        upload = (printed.filename, printed.content, "application/pdf")
        file = await client.files.create(file=upload, purpose="assistants")
        ids[document.name] = file.id
    return ids


def _sha256(definition: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()


def _documents_sha256(language: Language) -> str:
    digest = hashlib.sha256()
    for document in catalogue.DOCUMENTS:
        digest.update(Printed(document, language).content)
    return digest.hexdigest()


def _is(place: Place) -> Any:
    return (assistants.c.owner == place.owner) & (assistants.c.language == place.language)
