"""A run in the status that follows another, and what of it is written. Pure but for the clock."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from understudy.ids import now_s
from understudy.runs.states import TERMINAL, Happening, Status, after
from understudy.store.runs import StoredRun, as_json
from understudy.wire.runs import RunUsage
from understudy.wire.steps import RunStep

ACTION_TIMEOUT_S = 600
"""How long a run waits for outputs, as OpenAI's runs did."""

_STAMPS: dict[Status, str] = {
    "cancelled": "cancelled_at",
    "failed": "failed_at",
    "completed": "completed_at",
    "incomplete": "completed_at",
}


class NotAllowed(Exception):
    """This cannot happen to a run in its status."""


def moved(
    run: StoredRun, happening: Happening, *, expires_at: int | None = None, **changes: Any
) -> StoredRun:
    """Return `run` after what happened, with `changes` in its document. Raises NotAllowed."""
    status = after(_status(run), happening)
    if status is None:
        raise NotAllowed(f"{happening} while {run.status}")
    document = {**run.document, "required_action": None, **changes}
    if status == "in_progress":
        document["started_at"] = run.document.get("started_at") or now_s()
    if stamp := _STAMPS.get(status):
        document[stamp] = now_s()
    return replace(run, status=status, document=document, expires_at=expires_at)


def values_of(run: StoredRun) -> dict[str, Any]:
    """Return the columns of a run that has moved. Whoever waits for a worker has no lease."""
    values: dict[str, Any] = {
        "status": run.status,
        "document": as_json(run.document),
        "expires_at": run.expires_at,
    }
    if run.status != "in_progress":
        values |= {"lease_owner": None, "lease_until": None}
    if _status(run) in TERMINAL:
        values["ended_at"] = now_s()
    return values


def total_usage(steps: Iterable[RunStep]) -> RunUsage:
    """Return the tokens of all steps."""
    total = RunUsage(0, 0, 0)
    for step in steps:
        if step.usage is not None:
            total.prompt_tokens += step.usage.prompt_tokens
            total.completion_tokens += step.usage.completion_tokens
            total.total_tokens += step.usage.total_tokens
    return total


def _status(run: StoredRun) -> Status:
    return run.status  # type: ignore[return-value]
