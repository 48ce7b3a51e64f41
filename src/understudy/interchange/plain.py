"""From assistants, threads, files and vector stores as the API shows them to stored objects. Pure.

Which of their models is another one here is for the caller to say.
"""

from dataclasses import replace
from typing import Any

import msgspec
from msgspec import UNSET

from understudy.errors import InvalidValue
from understudy.ids import derived_id, now_s
from understudy.interchange.shapes import (
    ImportedFile,
    ImportedStoreFile,
    ImportedVectorStore,
    Parsed,
    holds_nul,
)
from understudy.retrieval.chunk import Chunking
from understudy.retrieval.vector_stores import KIND as VECTOR_STORE
from understudy.runs.assistants import ASSISTANT
from understudy.runs.messages import THREAD
from understudy.runs.tool_resources import Resources, resources_in
from understudy.store.files import KIND as FILE
from understudy.store.objects import StoredObject
from understudy.wire.assistant_tools import ToolResources
from understudy.wire.assistants import Assistant
from understudy.wire.files import check_filename
from understudy.wire.threads import Thread
from understudy.wire.vector_stores import StaticChunking


def assistant_object(parsed: Parsed[Assistant], project_id: str, model: str) -> StoredObject:
    """Return an assistant; with `file_ids` of v1 it searches a store, one of its own if need be."""
    assistant = parsed.shape
    document = msgspec.to_builtins(assistant)
    for column in ("id", "created_at", "object"):
        del document[column]
    document["model"] = model
    document["reasoning_effort"] = (
        None if assistant.reasoning_effort is UNSET else assistant.reasoning_effort
    )
    resources = _resources(assistant.tool_resources, parsed)
    if assistant.file_ids:
        resources = with_store(resources, project_id, assistant.id)
    original = {} if model == assistant.model else {"model": assistant.model}
    document |= {**resources.as_document(), **parsed.besides(original)}
    return _checked(StoredObject(assistant.id, ASSISTANT, assistant.created_at, document))


def thread_object(parsed: Parsed[Thread]) -> StoredObject:
    """Return a thread without what its messages bring."""
    thread = parsed.shape
    resources = _resources(thread.tool_resources, parsed)
    document = {
        "metadata": thread.metadata,
        **resources.as_document(),
        **parsed.besides({}),
    }
    return _checked(StoredObject(thread.id, THREAD, thread.created_at, document))


def searching(thread: StoredObject, project_id: str) -> StoredObject:
    """Return a thread whose messages bring files, with a store in which they are searched."""
    resources = with_store(resources_in(thread.document), project_id, thread.id)
    return replace(thread, document={**thread.document, **resources.as_document()})


def with_store(resources: Resources, project_id: str, owner_id: str) -> Resources:
    """Return resources that name a store; one that has to be made has an id that stays the same."""
    if resources.store_ids:
        return resources
    return resources.with_own_store(derived_id("vs", project_id, owner_id))


def store_object(parsed: Parsed[ImportedVectorStore]) -> StoredObject:
    """Return a vector store. Being imported counts as a use of one that can expire."""
    store = parsed.shape
    last_active_at = store.last_active_at or store.created_at
    document = {
        "name": store.name,
        "description": store.description,
        "metadata": store.metadata,
        "expires_after_days": store.expires_after and store.expires_after.days,
        "last_active_at": last_active_at if store.expires_after is None else now_s(),
        **parsed.besides({}),
    }
    return _checked(StoredObject(store.id, VECTOR_STORE, store.created_at, document))


def named_store(id_: str) -> StoredObject:
    """Return a store of which nothing is known but its id."""
    now = now_s()
    return store_object(Parsed(ImportedVectorStore(id_, now), {}, {}))


def chunking_of(parsed: Parsed[ImportedStoreFile]) -> Chunking:
    """Return how a file was cut; sizes that are not ours are the usual ones."""
    strategy = parsed.shape.chunking_strategy or {}
    try:
        sizes = msgspec.convert(strategy.get("static"), StaticChunking)
    except msgspec.ValidationError:
        return Chunking()
    return Chunking(sizes.max_chunk_size_tokens, sizes.chunk_overlap_tokens)


def file_object(parsed: Parsed[ImportedFile], sha256: str, size_bytes: int) -> StoredObject:
    """Return a file. An expiry that has passed is dropped, since the file would go at once."""
    file = parsed.shape
    document = {
        "filename": check_filename(file.filename, "filename"),
        "purpose": file.purpose,
        "bytes": size_bytes,
        "sha256": sha256,
        **parsed.besides({}),
    }
    expires_at = file.expires_at if file.expires_at and file.expires_at > now_s() else None
    made = StoredObject(file.id, FILE, file.created_at, document, expires_at=expires_at)
    return _checked(made)


def _resources(shown: ToolResources | None, parsed: Parsed[Any]) -> Resources:
    own = parsed.ours.get("own_store_id")
    resources = Resources(msgspec.to_builtins(shown))
    return replace(resources, own_store_id=own) if own in resources.store_ids else resources


def _checked(made: StoredObject) -> StoredObject:
    """Return the object unless PostgreSQL could not keep it. Raises InvalidValue."""
    if holds_nul(made.document):
        raise InvalidValue("object", "it holds the character U+0000")
    return made
