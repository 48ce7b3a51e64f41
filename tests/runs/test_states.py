"""The table of states says what COMPATIBILITY says of runs, and nothing else."""

import pytest

from understudy.runs.states import (
    STATUSES,
    TERMINAL,
    WORKED_ON,
    Status,
    after,
    outcome,
    sources,
)

# Run: queued -> in_progress -> completed | failed | incomplete | requires_action;
# requires_action -> (outputs) queued | expired | cancelling;
# queued, in_progress -> cancelling -> cancelled; queued, in_progress -> expired.
# Besides, every run that is not over fails when its thread is deleted.
_MAY_FOLLOW: dict[Status, set[Status]] = {
    "queued": {"in_progress", "cancelling", "expired", "failed"},
    "in_progress": {
        "completed",
        "failed",
        "incomplete",
        "requires_action",
        "cancelling",
        "expired",
    },
    "requires_action": {"queued", "expired", "cancelling", "failed"},
    "cancelling": {"cancelled", "failed"},
    "completed": set(),
    "failed": set(),
    "incomplete": set(),
    "cancelled": set(),
    "expired": set(),
}
_HAPPENINGS = (
    "start",
    "ask",
    "submit",
    "complete",
    "cut_short",
    "fail",
    "cancel",
    "stop",
    "expire",
)


def test_every_status_has_its_followers() -> None:
    assert set(_MAY_FOLLOW) == set(STATUSES)


@pytest.mark.parametrize("status", STATUSES)
def test_what_may_follow_a_status(status: Status) -> None:
    follows = {after(status, happening) for happening in _HAPPENINGS} - {None}
    assert follows == _MAY_FOLLOW[status]


def test_nothing_follows_the_end() -> None:
    assert {"completed", "failed", "incomplete", "cancelled", "expired"} == TERMINAL


def test_only_a_client_moves_a_run_on_from_requires_action() -> None:
    assert set(WORKED_ON) == set(STATUSES) - TERMINAL - {"requires_action"}


@pytest.mark.parametrize(
    ("happening", "statuses"),
    [
        ("submit", {"requires_action"}),
        ("cancel", {"queued", "in_progress", "requires_action"}),
        ("stop", {"cancelling"}),
        ("expire", {"queued", "in_progress", "requires_action"}),
        ("fail", {"queued", "in_progress", "requires_action", "cancelling"}),
    ],
)
def test_in_which_statuses_it_can_happen(happening, statuses) -> None:
    assert sources(happening) == statuses


@pytest.mark.parametrize("happening", _HAPPENINGS)
def test_an_outcome_is_what_follows_everywhere(happening) -> None:
    assert {after(status, happening) for status in sources(happening)} == {outcome(happening)}
