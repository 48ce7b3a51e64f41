"""From stored objects to what the API shows of them: the latest form, with `file_ids` and quotes of
v1 beside it, and what an import kept besides. Pure.
"""

from typing import Any

import msgspec
from msgspec import UNSET, Struct

from understudy.interchange.shapes import OURS, Fields, with_leftover
from understudy.retrieval.vector_stores import Counts
from understudy.runs.assistants import assistant_of
from understudy.runs.project_messages import message_of
from understudy.runs.project_runs import run_of, step_of
from understudy.runs.threads import thread_of
from understudy.store.blobs import NO_CONTENT
from understudy.store.items import Item
from understudy.store.objects import StoredObject
from understudy.store.runs import Step, StoredRun
from understudy.store.vector_store_files import FileState
from understudy.wire.files import File
from understudy.wire.vector_stores import (
    ExpiresAfter,
    FileCounts,
    StaticChunking,
    StaticChunkingAnswer,
    VectorStore,
    VectorStoreFile,
)

_DAY_S = 86_400
_V1_LISTS = ("file_ids",)


def assistant(stored: StoredObject) -> Fields:
    """Return an assistant."""
    return _shown(assistant_of(stored), stored.document)


def thread(stored: StoredObject) -> Fields:
    """Return a thread."""
    return _shown(thread_of(stored), stored.document)


def message(item: Item, thread_id: str) -> Fields:
    """Return a message."""
    return _shown(message_of(item, thread_id), item.extra)


def run(stored: StoredRun) -> Fields:
    """Return a run."""
    return _shown(run_of(stored), stored.document)


def step(stored: Step) -> Fields:
    """Return a step, with the results of its searches."""
    return _shown(step_of(stored), stored.document)


def file(stored: StoredObject) -> Fields:
    """Return a file."""
    document = stored.document
    shape = File(
        id=stored.id,
        bytes=document["bytes"],
        created_at=stored.created_at,
        filename=document["filename"],
        purpose=document["purpose"],
        expires_at=UNSET if stored.expires_at is None else stored.expires_at,
    )
    return _shown(shape, document)


def has_content(stored: StoredObject) -> bool:
    """Tell whether a file's content is there, and not only its description."""
    return bool(stored.document["sha256"] != NO_CONTENT)


def vector_store(stored: StoredObject, counts: Counts, usage_bytes: int) -> Fields:
    """Return a vector store."""
    document = stored.document
    days: int | None = document["expires_after_days"]
    last_active_at: int = document["last_active_at"]
    description = document["description"]
    shape = VectorStore(
        id=stored.id,
        created_at=stored.created_at,
        name=document["name"],
        usage_bytes=usage_bytes,
        file_counts=FileCounts(
            counts.in_progress, counts.completed, counts.failed, counts.cancelled, counts.total
        ),
        status="in_progress" if counts.in_progress else "completed",
        last_active_at=last_active_at,
        expires_at=None if days is None else last_active_at + days * _DAY_S,
        metadata=document["metadata"] or {},
        expires_after=UNSET if days is None else ExpiresAfter("last_active_at", days),
        description=UNSET if description is None else description,
    )
    return _shown(shape, document)


def store_file(state: FileState) -> Fields:
    """Return a file in a vector store."""
    sizes = StaticChunking(state.max_tokens, state.overlap_tokens)
    shape = VectorStoreFile(
        id=state.file_id,
        created_at=state.created_at,
        vector_store_id=state.vector_store_id,
        status=state.status,
        usage_bytes=state.usage_bytes,
        attributes=state.attributes,
        chunking_strategy=StaticChunkingAnswer(sizes),
        last_error=state.last_error,
    )
    return _shown(shape, {})


def _shown(shape: Struct, kept: Fields) -> Fields:
    shown: Any = with_leftover(msgspec.to_builtins(shape), kept.get("unknown"))
    for name in _V1_LISTS:
        if not shown.get(name):
            shown.pop(name, None)
    ours = {name: kept[name] for name in ("own_store_id", "original") if kept.get(name)}
    return {**shown, OURS: ours} if ours else shown
