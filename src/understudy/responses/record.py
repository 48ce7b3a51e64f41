"""A response as its row keeps it, and as clients see it. Pure.

The row's document holds what was echoed at the start (`response`), where the response stands
(`chain`), how it is worked on, and what came of it (`error`, `incomplete_details`, `usage`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from understudy.errors import UnderstudyError
from understudy.ids import now_s
from understudy.responses.log import Position
from understudy.responses.projection import shown
from understudy.runs.failures import last_error
from understudy.store.items import Item
from understudy.store.runs import NewRun, StoredRun, as_json
from understudy.wire.responses import Include

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
ResponseDocument = dict[str, Any]
_OVER = ("completed", "incomplete", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a response; `usage` is that of all its turns."""

    status: Status
    usage: dict[str, Any] | None = None
    incomplete_details: dict[str, str] | None = None
    error: dict[str, str] | None = None
    completed_at: int | None = None

    def fields(self) -> dict[str, Any]:
        """Return it as fields of the response, and of its row's document."""
        return {
            "usage": self.usage,
            "incomplete_details": self.incomplete_details,
            "error": self.error,
            "completed_at": self.completed_at,
        }


def shown_response(
    response: ResponseDocument,
    outcome: Outcome,
    output: Iterable[Item],
    include: frozenset[Include],
) -> ResponseDocument:
    """Return a response as clients see it, from what was echoed at its start."""
    made = {**response, **outcome.fields(), "status": outcome.status}
    made["output"] = [shown(item, include) for item in output]
    if outcome.usage is None:  # omitted, never null
        del made["usage"]
    return made


def shown_row(
    run: StoredRun, output: Iterable[Item], include: frozenset[Include]
) -> ResponseDocument:
    """Return a stored response as clients see it."""
    return shown_response(run.document["response"], outcome_of(run), output, include)


def outcome_of(run: StoredRun) -> Outcome:
    """Return what has come of a stored response so far."""
    document = run.document
    return Outcome(
        run.status,  # type: ignore[arg-type]
        document.get("usage"),
        document.get("incomplete_details"),
        document.get("error"),
        document.get("completed_at"),
    )


def new_row(
    position: Position,
    inputs: Iterable[Item],
    response: ResponseDocument,
    outcome: Outcome,
    **document: Any,
) -> NewRun:
    """Return the row of a response, with more for its document."""
    return NewRun(
        project_id=position.project_id,
        id=position.response_id,
        thread_id=position.thread_id,
        assistant_id="",
        status=outcome.status,
        created_at=response["created_at"],
        document={
            "response": response,
            "chain": [[link.log_id, link.up_to] for link in position.chain],
            "input_ids": [item.id for item in inputs],
            **outcome.fields(),
            **document,
        },
        kind="response",
        ended_at=now_s() if outcome.status in _OVER else None,
    )


def values_of(document: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """Return the columns of a response that has come to this, from its row's document."""
    document = {**document, **outcome.fields()}
    values: dict[str, Any] = {"status": outcome.status}
    if outcome.status in _OVER:
        document.pop("sealed", None)
        nobody = {"lease_owner": None, "lease_until": None, "expires_at": None}
        values |= {**nobody, "ended_at": now_s()}
    return {**values, "document": as_json(document)}


def failed(error: UnderstudyError, usage: dict[str, Any] | None = None) -> Outcome:
    """Return the outcome of a response that an error ended."""
    return Outcome("failed", usage, error=msgspec.to_builtins(last_error(error)))
