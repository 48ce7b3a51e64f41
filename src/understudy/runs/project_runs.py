"""Shows stored runs and steps as the objects and events of the Assistants API. Pure."""

from typing import Any

import msgspec

from understudy.runs.commits import NewEvent
from understudy.store.runs import Step, StoredRun, step_row
from understudy.wire.run_events import EventName, EventPayload, event_of_run
from understudy.wire.runs import Run
from understudy.wire.steps import RunStep

_encode = msgspec.json.Encoder().encode


def run_of(stored: StoredRun) -> Run:
    """Return a run as the API shows it."""
    columns = {
        "id": stored.id,
        "created_at": stored.created_at,
        "thread_id": stored.thread_id,
        "assistant_id": stored.assistant_id,
        "status": stored.status,
        "expires_at": stored.expires_at,
        "metadata": stored.metadata,
    }
    return msgspec.convert({**stored.document, **columns}, Run)


def step_of(stored: Step) -> RunStep:
    """Return a step as the API shows it."""
    columns = {"id": stored.id, "created_at": stored.created_at, "status": stored.status}
    return msgspec.convert({**stored.document, **columns}, RunStep)


def row_of(run: StoredRun, step: RunStep) -> dict[str, Any]:
    """Return a step as a row to store."""
    document = msgspec.to_builtins(step)
    for column in ("id", "created_at", "status", "object"):
        del document[column]
    return step_row(run.project_id, run.seq, Step(step.id, step.status, step.created_at, document))


def event(name: EventName, payload: EventPayload) -> NewEvent:
    """Return an event that carries an object or a delta."""
    return NewEvent(name, _encode(payload).decode())


def run_event(stored: StoredRun) -> NewEvent:
    """Return the event that says that a run entered the status it has."""
    run = run_of(stored)
    return event(event_of_run(run.status), run)
