"""A thread with all that was found of it, ready to be stored. Knows no database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from msgspec import Struct

from understudy.errors import InvalidRequest
from understudy.interchange.history import (
    calls_of_run,
    ended_run,
    ended_step,
    in_order,
    made_by,
    message_item,
    searched_files,
)
from understudy.interchange.kinds import Found, Place
from understudy.interchange.plain import searching, thread_object
from understudy.interchange.report import Report
from understudy.interchange.shapes import Parsed, parse
from understudy.interchange.spool import Spool
from understudy.runs.states import TERMINAL
from understudy.store.items import Item
from understudy.store.objects import StoredObject
from understudy.store.runs import NewRun, Step
from understudy.wire.messages import Message
from understudy.wire.runs import Run
from understudy.wire.steps import RunStep
from understudy.wire.threads import Thread

_Shape = TypeVar("_Shape", bound=Struct)


@dataclass(frozen=True, slots=True)
class RunWithSteps:
    """A run, its steps in their order, and where each came from."""

    run: NewRun
    place: Place
    shapes: list[RunStep]
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A thread, its messages and its runs; `is_named_only` where the thread itself was missing."""

    thread: StoredObject
    place: Place
    is_named_only: bool
    messages: list[Item]
    places: dict[str, Place]
    runs: list[RunWithSteps]

    @property
    def size(self) -> int:
        """How many objects it is made of."""
        of_runs = sum(1 + len(run.steps) for run in self.runs)
        return (not self.is_named_only) + len(self.messages) + of_runs

    def searched_files(self) -> list[str]:
        """Return the files that messages bring, in their order."""
        return [file_id for item in self.messages for file_id in searched_files(item)]

    def items(self, project_id: str, new_steps: frozenset[str]) -> list[Item]:
        """Return the messages, and the calls of those steps, in their order."""
        calls = [
            each
            for run in self.runs
            for each in calls_of_run(run.shapes, project_id)
            if each.items[0].step_id in new_steps
        ]
        return in_order(self.messages, calls)


def bundle_of(
    spool: Spool, thread_id: str, project_id: str, models: Mapping[str, str], report: Report
) -> Bundle | None:
    """Return a thread with its parts; what is wrong with some is reported. None without a thread.

    `models` has the names of models by those that runs have.
    """
    runs = _runs(spool, thread_id, project_id, models, report)
    steps = made_by(step for run in runs for step in run.shapes)
    messages, places = _messages(spool, thread_id, report)
    messages = [replace(item, step_id=steps.get(item.id)) for item in messages]
    found = spool.find("thread", thread_id)
    times = [item.created_at for item in messages] + [run.run.created_at for run in runs]
    if found is None and not times:
        return None
    place = next(iter(places.values()), runs[0].place if runs else Place(thread_id))
    fields = {"id": thread_id, "created_at": min(times, default=0)}
    wanted = found or Found("thread", thread_id, "", fields, place)
    if (parsed := parsed_or_reported(wanted, Thread, report)) is None:
        return None
    bundle = Bundle(thread_object(parsed), wanted.place, found is None, messages, places, runs)
    if bundle.searched_files():
        return replace(bundle, thread=searching(bundle.thread, project_id))
    return bundle


def parsed_or_reported(found: Found, shape: type[_Shape], report: Report) -> Parsed[_Shape] | None:
    """Return an object in its shape, None when it has none, which is reported."""
    try:
        return parse(found.fields, shape)
    except InvalidRequest as error:
        report.fail(found.kind, found.place, f"'{found.id}' has no valid form: {error.message}")
        return None


def _messages(spool: Spool, thread_id: str, report: Report) -> tuple[list[Item], dict[str, Place]]:
    items, places = [], {}
    for found in spool.of_parent("thread.message", thread_id):
        if parsed := parsed_or_reported(found, Message, report):
            items.append(message_item(parsed))
            places[found.id] = found.place
    return items, places


def _runs(
    spool: Spool, thread_id: str, project_id: str, models: Mapping[str, str], report: Report
) -> list[RunWithSteps]:
    runs = []
    for found in spool.of_parent("thread.run", thread_id):
        if (parsed := parsed_or_reported(found, Run, report)) is None:
            for step in spool.of_parent("thread.run.step", found.id):
                report.fail(step.kind, step.place, f"'{step.id}' belongs to a run that failed")
            continue
        report.unfinished_runs += parsed.shape.status not in TERMINAL
        model = models.get(parsed.shape.model, parsed.shape.model)
        shapes, steps = _steps(spool, found, report)
        runs.append(RunWithSteps(ended_run(parsed, project_id, model), found.place, shapes, steps))
    return runs


def _steps(spool: Spool, run: Found, report: Report) -> tuple[list[RunStep], list[Step]]:
    shapes, steps = [], []
    for found in spool.of_parent("thread.run.step", run.id):
        # What a step says of its thread has to be true of its run.
        whole = replace(found, fields={"assistant_id": "", **found.fields, "thread_id": run.parent})
        if parsed := parsed_or_reported(whole, RunStep, report):
            shapes.append(parsed.shape)
            steps.append(ended_step(parsed))
    return shapes, steps
