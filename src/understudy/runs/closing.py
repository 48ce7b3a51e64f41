"""Ends a run that does not end by itself: cancelled, expired, failed. Works from the rows alone.

What readers of the stream were sent of an open message is what the message keeps.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import NotFound
from understudy.ids import now_s
from understudy.runs.commits import NewEvent, Rows, Write, write
from understudy.runs.project_messages import message_of
from understudy.runs.project_runs import event, row_of, run_event, step_of
from understudy.runs.states import sources
from understudy.runs.stream import Streams
from understudy.runs.transitions import moved, total_usage, values_of
from understudy.store import runs
from understudy.store.items import Item, Log
from understudy.store.runs import Change, Event, StoredRun
from understudy.store.storage import Storage
from understudy.wire.messages import IncompleteReason
from understudy.wire.response_events import ENDINGS
from understudy.wire.run_events import (
    AddedText,
    CitedFileDelta,
    ContentDelta,
    FileCitationDelta,
    MessageDelta,
    RefusalDelta,
    TextDelta,
    event_of_step,
)
from understudy.wire.runs import LastError
from understudy.wire.steps import MessageCreationDetails, RunStep, StepError, StepStatus

Ending = Literal["stop", "expire", "fail"]

_STEP_STATUS: dict[Ending, StepStatus] = {
    "stop": "cancelled",
    "expire": "expired",
    "fail": "failed",
}
_MESSAGE_REASON: dict[Ending, IncompleteReason] = {
    "stop": "run_cancelled",
    "expire": "run_expired",
    "fail": "run_failed",
}
_STEP_STAMP = {"stop": "cancelled_at", "expire": "expired_at", "fail": "failed_at"}
_RESPONSE_STATUS: dict[Ending, str] = {"stop": "cancelled", "expire": "failed", "fail": "failed"}
_WORK = ("wanted", "sealed", "progress")
_AT_ONCE = 1_000
_LEFT_BEHIND = LastError("server_error", "The server was restarted, and the model asked again.")
_TOOK_TOO_LONG = LastError(
    "server_error",
    "The response took longer than the setting runs.timeout_s allows.",
)


async def close(
    connection: AsyncConnection, run: StoredRun, ending: Ending, error: LastError | None = None
) -> list[Event] | None:
    """End a run with its open steps, within a transaction of the caller.

    `error` goes with `fail`. Returns the events to publish once the transaction is committed; None
    where the run's status does not allow this end.
    """
    if run.kind == "response":
        return await _close_response(connection, run, ending, error)
    if run.status not in sources(ending):
        return None
    steps = [step_of(step) for step in await runs.steps(connection, run.seq)]
    rows = Rows()
    for step in steps:
        if step.status == "in_progress":
            rows += await _message_rows(connection, run, step, ending, error)
            rows += _step_rows(run, step, ending, error)
    changes: dict[str, Any] = {"usage": msgspec.to_builtins(total_usage(steps))}
    if error is not None:
        changes["last_error"] = msgspec.to_builtins(error)
    ended = moved(run, ending, **changes)
    change = Change(run.seq, sources(ending), values=values_of(ended))
    return await write(connection, Write(change, rows + Rows([run_event(ended)])))


async def end_run(
    storage: Storage,
    streams: Streams,
    run_seq: int,
    ending: Ending,
    error: LastError | None = None,
) -> None:
    """End a run in a transaction of its own, and tell its readers; nothing if it cannot end so.

    One that is being cancelled is cancelled, whatever was to be its end: that was promised.
    """
    async with storage.database.write() as connection:
        run = await runs.find_by_seq(connection, run_seq, for_update=True)
        if run is not None and run.status == "cancelling":
            ending, error = "stop", None
        events = None if run is None else await close(connection, run, ending, error)
    streams.publish(run_seq, events or ())


async def end_overdue_run(storage: Storage, streams: Streams, run_seq: int) -> None:
    """End a run whose time is over, unless it has gone on since somebody looked."""
    async with storage.database.write() as connection:
        run = await runs.find_by_seq(connection, run_seq, for_update=True)
        if run is None or run.expires_at is None or run.expires_at > now_s():
            return
        events = await close(connection, run, "stop" if run.status == "cancelling" else "expire")
    streams.publish(run_seq, events or ())


async def _close_response(
    connection: AsyncConnection, run: StoredRun, ending: Ending, error: LastError | None
) -> list[Event] | None:
    """End a response. Its last event is empty: readers are shown the response as it then is."""
    status = _RESPONSE_STATUS[ending]
    if ending == "expire":
        error = _TOOK_TOO_LONG
    document = {**run.document, "error": msgspec.to_builtins(error)}
    document.pop("sealed", None)  # the secrets that its worker needed
    ended = replace(run, status=status, document=document, expires_at=None)
    change = Change(run.seq, ("queued", "in_progress"), values=values_of(ended))
    return await write(connection, Write(change, Rows([NewEvent(ENDINGS[status], "{}")])))


def without_work(document: dict[str, Any]) -> dict[str, Any]:
    """Return a response's document without what only its worker needs, secrets among it."""
    return {name: value for name, value in document.items() if name not in _WORK}


async def left_behind(
    connection: AsyncConnection, run: StoredRun, steps: Sequence[RunStep]
) -> Rows:
    """Return the end of steps that a call of the model began before it was cut off by a crash.

    The repeated call has answered in another way, so that it did not take them up.
    """
    rows = Rows()
    for step in steps:
        rows += await _message_rows(connection, run, step, "fail", _LEFT_BEHIND)
        rows += _step_rows(run, step, "fail", _LEFT_BEHIND)
    return rows


def _step_rows(run: StoredRun, step: RunStep, ending: Ending, error: LastError | None) -> Rows:
    status = _STEP_STATUS[ending]
    stamp = {_STEP_STAMP[ending]: now_s()}
    closed = structs.replace(step, status=status, last_error=_step_error(error), **stamp)
    return Rows(events=[event(event_of_step(status), closed)], steps=[row_of(run, closed)])


def _step_error(error: LastError | None) -> StepError | None:
    if error is None:
        return None
    code = "server_error" if error.code == "invalid_prompt" else error.code
    return StepError(code, error.message)


async def _message_rows(
    connection: AsyncConnection,
    run: StoredRun,
    step: RunStep,
    ending: Ending,
    error: LastError | None,
) -> Rows:
    """Return the message that the step was making, with what of it was sent."""
    if not isinstance(step.step_details, MessageCreationDetails):
        return Rows()
    log = Log(run.project_id, run.thread_id)
    id_ = step.step_details.message_creation.message_id
    try:
        opened = await log.find(connection, id_, type_="message")
    except NotFound:  # the client deleted it meanwhile
        return Rows()
    closed: Item = replace(
        opened,
        document={
            **opened.document,
            "status": "incomplete",
            "content": await _sent(connection, run.seq, id_),
        },
        extra={
            **opened.extra,
            "incomplete_at": now_s(),
            "incomplete_details": {"reason": _message_reason(ending, error)},
        },
    )
    message = message_of(closed, run.thread_id)
    return Rows(events=[event("thread.message.incomplete", message)], items=[log.row(closed)])


def _message_reason(ending: Ending, error: LastError | None) -> IncompleteReason:
    """Return why a message ended early: by then, `invalid_prompt` is a refusal of its content."""
    if error is not None and error.code == "invalid_prompt":
        return "content_filter"
    return _MESSAGE_REASON[ending]


async def _sent(connection: AsyncConnection, run_seq: int, message_id: str) -> list[dict[str, Any]]:
    """Return the content that readers were sent of a message, an empty text if there was none."""
    parts: dict[int, dict[str, Any]] = {}
    after = 0
    while events := await runs.read_events(connection, run_seq, after=after, limit=_AT_ONCE):
        for sent in events:
            if sent.name == "thread.message.created":
                parts = {}  # a repeated call of the model begins anew
            elif sent.name == "thread.message.delta":
                delta = msgspec.json.decode(sent.data, type=MessageDelta)
                if delta.id == message_id:
                    _append(parts, delta.delta.content or ())
        after = events[-1].number
    return [parts[index] for index in sorted(parts)] or [_empty_text()]


def _append(parts: dict[int, dict[str, Any]], added: Sequence[ContentDelta]) -> None:
    """Add what a delta holds to the parts of a content, by their index."""
    for delta in added:
        match delta:
            case TextDelta(index, AddedText() as text):
                part = parts.setdefault(index, _empty_text())
                part["text"] += text.value or ""
                part["annotations"] += _annotations(text)
            case RefusalDelta(index, str() as refusal):
                part = parts.setdefault(index, {"type": "refusal", "refusal": ""})
                part["refusal"] += refusal


def _empty_text() -> dict[str, Any]:
    return {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


def _annotations(added: AddedText) -> list[dict[str, Any]]:
    return [
        {
            "type": "file_citation",
            "file_id": annotation.file_citation.file_id,
            "filename": "",
            "index": annotation.start_index,
            "text": annotation.text,
            "start_index": annotation.start_index,
            "end_index": annotation.end_index,
            "quote": annotation.file_citation.quote or "",
            "page": None,
        }
        for annotation in added.annotations or ()
        if isinstance(annotation, FileCitationDelta)
        and isinstance(annotation.file_citation, CitedFileDelta)
    ]
