"""Rows and events that gather while a turn is written, and what its steps have in common. Pure."""

from dataclasses import dataclass, field
from typing import Any

from understudy.ids import derived_id, now_s
from understudy.runs.commits import NewEvent, Rows
from understudy.runs.project_runs import event, row_of
from understudy.store.items import Item, Log
from understudy.store.runs import StoredRun
from understudy.wire.run_events import EventName, EventPayload, event_of_step
from understudy.wire.steps import RunStep, StepDetails, StepType


@dataclass(slots=True)
class Draft:
    """What a turn of a run has to write and to tell; `number` is the turn's, from 0."""

    run: StoredRun
    number: int
    _events: list[NewEvent] = field(default_factory=list)
    _items: list[dict[str, Any]] = field(default_factory=list)
    _steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self._events

    def take(self) -> Rows:
        """Return what has gathered, and begin anew."""
        taken = Rows(self._events, self._items, self._steps)
        self._events, self._items, self._steps = [], [], []
        return taken

    def id(self, prefix: str, *parts: str | int) -> str:
        """Return an id that a repetition of this turn makes again."""
        return derived_id(prefix, self.run.project_id, self.run.id, self.number, *parts)

    def tell(self, name: EventName, payload: EventPayload) -> None:
        """Add an event."""
        self._events.append(event(name, payload))

    def write_item(self, item: Item) -> None:
        """Add an item."""
        self._items.append(Log(self.run.project_id, self.run.thread_id).row(item))

    def write_step(self, step: RunStep) -> None:
        """Add a step without telling of it."""
        self._steps.append(row_of(self.run, step))

    def close_step(self, step: RunStep) -> None:
        """Add a step that has ended, and tell of it."""
        self.write_step(step)
        self.tell(event_of_step(step.status), step)

    def open_step(self, part: str, type_: StepType, details: StepDetails) -> RunStep:
        """Make a step and tell of it; `part` tells it from the other steps of the turn."""
        step = RunStep(
            id=self.id("step", part),
            created_at=now_s(),
            assistant_id=self.run.assistant_id,
            thread_id=self.run.thread_id,
            run_id=self.run.id,
            type=type_,
            step_details=details,
        )
        self.write_step(step)
        self.tell("thread.run.step.created", step)
        self.tell("thread.run.step.in_progress", step)
        return step
