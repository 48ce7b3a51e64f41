"""The states of a run as a pure table: what may happen in which status, and what comes of it."""

from typing import Literal, TypeAlias, get_args

from understudy.wire.runs import RunStatus

Status: TypeAlias = RunStatus
Happening = Literal[
    "start", "ask", "submit", "complete", "cut_short", "fail", "cancel", "stop", "expire"
]
"""`ask` is for outputs of functions, `cut_short` by a limit on tokens; `stop` ends a cancelling."""

_TABLE: dict[tuple[Status, Happening], Status] = {
    ("queued", "start"): "in_progress",
    ("queued", "fail"): "failed",
    ("queued", "cancel"): "cancelling",
    ("queued", "expire"): "expired",
    ("in_progress", "ask"): "requires_action",
    ("in_progress", "complete"): "completed",
    ("in_progress", "cut_short"): "incomplete",
    ("in_progress", "fail"): "failed",
    ("in_progress", "cancel"): "cancelling",
    ("in_progress", "expire"): "expired",
    ("requires_action", "submit"): "queued",
    ("requires_action", "fail"): "failed",
    ("requires_action", "cancel"): "cancelling",
    ("requires_action", "expire"): "expired",
    ("cancelling", "stop"): "cancelled",
    ("cancelling", "fail"): "failed",
}

STATUSES: tuple[Status, ...] = get_args(Status)
TERMINAL: frozenset[Status] = frozenset(STATUSES) - {status for status, _ in _TABLE}
WORKED_ON: tuple[Status, ...] = ("queued", "in_progress", "cancelling")
"""What a worker takes up; only a client can move a run on from `requires_action`."""


def after(status: Status, happening: Happening) -> Status | None:
    """Return the status that follows, None where this cannot happen."""
    return _TABLE.get((status, happening))


def sources(happening: Happening) -> frozenset[Status]:
    """Return the statuses in which this can happen."""
    return frozenset(status for status, possible in _TABLE if possible == happening)


def outcome(happening: Happening) -> Status:
    """Return what comes of it, which is the same wherever it can happen."""
    (status,) = {found for (_, possible), found in _TABLE.items() if possible == happening}
    return status
