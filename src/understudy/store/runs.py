"""Runs: their rows, the queue of those to be worked on, and the one statement that changes one.

Every function works within the transaction of its caller. What a status means and which may follow
another is decided above; here a change names the statuses from which it may start.
"""

from collections.abc import Collection as AnyOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    Insert,
    Row,
    Select,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import Conflict, NotFound
from understudy.ids import now_s
from understudy.store.pages import Listing, PageQuery
from understudy.store.schema import ACTIVE_RUN, run_events, run_steps, runs

LEASE_S = 30
RunKind = Literal["run", "response"]
_columns = runs.c
_steps = run_steps.c
_encode = msgspec.json.Encoder().encode
_IS_ACTIVE = text(ACTIVE_RUN)


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to insert; `document` holds what is not a column."""

    project_id: str
    id: str
    thread_id: str
    assistant_id: str
    status: str
    created_at: int
    document: dict[str, Any]
    metadata: dict[str, str] = field(default_factory=dict)
    expires_at: int | None = None
    kind: RunKind = "run"
    lease_owner: str | None = None
    """Who works on it from the start, without having claimed it; None leaves it in the queue."""
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run, or a response, as it is stored."""

    seq: int
    project_id: str
    id: str
    thread_id: str
    assistant_id: str
    status: str
    created_at: int
    expires_at: int | None
    attempt: int
    lease_owner: str | None
    document: dict[str, Any]
    metadata: dict[str, str]
    kind: RunKind = "run"


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction does to a run: its new values, and how many events it adds.

    It happens only while the run has one of the statuses `sources`, and, where a worker makes it,
    while that worker holds the lease of this attempt.
    """

    run_seq: int
    sources: AnyOf[str]
    values: dict[str, Any] = field(default_factory=dict)
    events: int = 0
    owner: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a run; `document` holds what is not a column."""

    id: str
    status: str
    created_at: int
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a run's stream; `data` is JSON."""

    number: int
    name: str
    data: str


async def insert(connection: AsyncConnection, new: NewRun) -> StoredRun:
    """Add a run. Raises Conflict when the thread has an active one."""
    values = {
        "project_id": new.project_id,
        "id": new.id,
        "kind": new.kind,
        "thread_id": new.thread_id,
        "assistant_id": new.assistant_id,
        "status": new.status,
        "created_at": new.created_at,
        "expires_at": new.expires_at,
        "ended_at": new.ended_at,
        "document": as_json(new.document),
        "metadata": as_json(new.metadata),
    }
    if new.lease_owner is not None:
        values |= {"lease_owner": new.lease_owner, "lease_until": now_s() + LEASE_S, "attempt": 1}
    try:
        inserted = await connection.execute(runs.insert().values(values).returning(runs))
    except IntegrityError as error:
        raise Conflict(f"Thread {new.thread_id} already has an active run.") from error
    return _run(inserted.one())


async def find(
    connection: AsyncConnection,
    project_id: str,
    thread_id: str,
    id_: str,
    *,
    for_update: bool = False,
) -> StoredRun:
    """Return a run of a thread; raises NotFound. `for_update` keeps others from changing it."""
    wanted = select(runs).where(
        _is_run_of_thread(project_id, thread_id), _columns.id == id_, _columns.deleted_at.is_(None)
    )
    if for_update:
        wanted = wanted.with_for_update()
    if (row := (await connection.execute(wanted)).first()) is None:
        raise NotFound(f"No run found with id '{id_}'.", code="not_found")
    return _run(row)


async def find_response(
    connection: AsyncConnection, project_id: str, id_: str, *, for_update: bool = False
) -> StoredRun:
    """Return a response; raises NotFound. `for_update` keeps others from changing it."""
    wanted = select(runs).where(
        _columns.project_id == project_id,
        _columns.id == id_,
        _columns.kind == "response",
        _columns.deleted_at.is_(None),
    )
    if for_update:
        wanted = wanted.with_for_update()
    if (row := (await connection.execute(wanted)).first()) is None:
        raise NotFound(f"No response found with id '{id_}'.", code="not_found")
    return _run(row)


async def erase(connection: AsyncConnection, run: StoredRun) -> None:
    """Delete a run with its events; nothing is left but its id."""
    emptied = {"deleted_at": now_s(), "document": "{}", "metadata": "{}"}
    await connection.execute(update(runs).where(_columns.seq == run.seq).values(emptied))
    await connection.execute(delete(run_events).where(run_events.c.run_seq == run.seq))


async def find_by_seq(
    connection: AsyncConnection, seq: int, *, for_update: bool = False
) -> StoredRun | None:
    """Return the run of this row, also when it has been deleted."""
    wanted = select(runs).where(_columns.seq == seq)
    if for_update:
        wanted = wanted.with_for_update()
    row = (await connection.execute(wanted)).first()
    return None if row is None else _run(row)


async def find_active(
    connection: AsyncConnection, project_id: str, thread_id: str
) -> StoredRun | None:
    """Return the thread's run or response that is not over."""
    wanted = select(runs).where(_is_of_thread(project_id, thread_id), _IS_ACTIVE)
    row = (await connection.execute(wanted)).first()
    return None if row is None else _run(row)


async def count_active(connection: AsyncConnection) -> int:
    """Return how many runs of all projects are not over, without those that wait for outputs.

    Nor do those count that are no work of the queue, whose time is not limited either.
    """
    is_work = and_(_columns.status != "requires_action", _columns.expires_at.is_not(None))
    wanted = select(func.count()).where(_IS_ACTIVE, is_work)
    return int(await connection.scalar(wanted) or 0)


async def page(
    connection: AsyncConnection, project_id: str, thread_id: str, query: PageQuery
) -> tuple[list[StoredRun], bool]:
    """Return one page of a thread's runs, and whether there are more."""
    listing = Listing(runs, _is_run_of_thread(project_id, thread_id), _columns.id)
    found = await listing.page(connection, query)
    return [_run(row) for row in found.rows], found.has_more


async def apply(connection: AsyncConnection, change: Change) -> int | None:
    """Make a change and return the number of its first event; None when it may not be made.

    Fence, compare-and-set and numbering are one statement: whoever lost the run in the meantime
    changes nothing.
    """
    conditions = [
        _columns.seq == change.run_seq,
        _columns.status.in_(change.sources),
        _columns.deleted_at.is_(None),
    ]
    if change.owner is not None:
        conditions += [_columns.lease_owner == change.owner, _columns.attempt == change.attempt]
    changed = (
        update(runs)
        .where(*conditions)
        .values(next_event=_columns.next_event + change.events, **change.values)
        .returning(_columns.next_event)
    )
    row = (await connection.execute(changed)).first()
    return None if row is None else int(row.next_event) - change.events


async def set_metadata(
    connection: AsyncConnection, run: StoredRun, metadata: dict[str, str]
) -> None:
    """Replace a run's metadata, whatever its status."""
    await connection.execute(
        update(runs).where(_columns.seq == run.seq).values(metadata=as_json(metadata))
    )


async def delete_of_thread(
    connection: AsyncConnection, project_id: str, thread_id: str
) -> list[str]:
    """Delete the runs and responses of a thread; return the ids of the responses."""
    deleted = await connection.execute(
        update(runs)
        .where(_is_of_thread(project_id, thread_id), _columns.deleted_at.is_(None))
        .values(deleted_at=now_s())
        .returning(_columns.id, _columns.kind)
    )
    return [row.id for row in deleted if row.kind == "response"]


async def claim(
    connection: AsyncConnection, owner: str, statuses: AnyOf[str], limit: int
) -> list[StoredRun]:
    """Lease up to `limit` runs that wait for a worker, the oldest first."""
    now = now_s()
    is_free = or_(_columns.lease_until.is_(None), _columns.lease_until < now)
    waiting = (
        select(_columns.seq)
        .where(_IS_ACTIVE, _columns.status.in_(statuses), is_free)
        .order_by(_columns.seq)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = (
        update(runs)
        .where(_columns.seq.in_(waiting.scalar_subquery()))
        .values(lease_owner=owner, lease_until=now + LEASE_S, attempt=_columns.attempt + 1)
        .returning(runs)
    )
    return sorted((_run(row) for row in await connection.execute(claimed)), key=lambda r: r.seq)


async def renew_leases(connection: AsyncConnection, owner: str, seqs: Sequence[int]) -> None:
    """Keep the leases of these runs, where they are still this owner's."""
    await connection.execute(
        update(runs)
        .where(_columns.seq.in_(seqs), _columns.lease_owner == owner)
        .values(lease_until=now_s() + LEASE_S)
    )


async def release(connection: AsyncConnection, run: StoredRun) -> None:
    """Give back the lease under which `run` was worked on, if it is still held."""
    await connection.execute(
        update(runs)
        .where(
            _columns.seq == run.seq,
            _columns.lease_owner == run.lease_owner,
            _columns.attempt == run.attempt,
        )
        .values(lease_owner=None, lease_until=None)
    )


async def release_leases(
    connection: AsyncConnection, owner: str, left_in: Sequence[str]
) -> list[str]:
    """Give back what a dead process of the same name was working on.

    Returns the ids of these runs and of those that nobody works on though their status, one of
    `left_in`, says so: a process that was stopped in order gives its leases back itself.
    """
    is_left = and_(_columns.lease_owner.is_(None), _columns.status.in_(left_in))
    released = (
        update(runs)
        .where(or_(_columns.lease_owner == owner, is_left), _IS_ACTIVE)
        .values(lease_owner=None, lease_until=None)
        .returning(_columns.id, _columns.seq)
    )
    rows = (await connection.execute(released)).all()
    return [row.id for row in sorted(rows, key=lambda row: row.seq)]


async def overdue(connection: AsyncConnection, limit: int) -> list[StoredRun]:
    """Return runs that should have ended by now."""
    wanted = (
        select(runs)
        .where(_IS_ACTIVE, _columns.expires_at <= now_s())
        .order_by(_columns.expires_at)
        .limit(limit)
    )
    return [_run(row) for row in await connection.execute(wanted)]


def step_row(project_id: str, run_seq: int, step: Step) -> dict[str, Any]:
    """Return a step as a row for `put_steps`."""
    return {
        "project_id": project_id,
        "run_seq": run_seq,
        "id": step.id,
        "status": step.status,
        "created_at": step.created_at,
        "document": as_json(step.document),
    }


async def put_steps(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of any run, made by `step_row`; an id that is there already is replaced."""
    await connection.execute(_put_steps(connection.dialect.name), rows)


@cache
def _put_steps(dialect: str) -> Insert:
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(run_steps)
    replaced = {name: statement.excluded[name] for name in ("status", "document")}
    made: Insert = statement.on_conflict_do_update(
        index_elements=["project_id", "id"], set_=replaced
    )
    return made


async def steps(connection: AsyncConnection, run_seq: int) -> list[Step]:
    """Return every step of a run in its order."""
    wanted = select(run_steps).where(_steps.run_seq == run_seq).order_by(_steps.seq)
    return [_step(row) for row in await connection.execute(wanted)]


async def page_steps(
    connection: AsyncConnection, run_seq: int, query: PageQuery
) -> tuple[list[Step], bool]:
    """Return one page of a run's steps, and whether there are more."""
    found = await Listing(run_steps, _steps.run_seq == run_seq, _steps.id).page(connection, query)
    return [_step(row) for row in found.rows], found.has_more


async def find_step(connection: AsyncConnection, run_seq: int, id_: str) -> Step:
    """Return a step of a run. Raises NotFound."""
    wanted = select(run_steps).where(_steps.run_seq == run_seq, _steps.id == id_)
    if (row := (await connection.execute(wanted)).first()) is None:
        raise NotFound(f"No run step found with id '{id_}'.", code="not_found")
    return _step(row)


async def read_events(
    connection: AsyncConnection, run_seq: int, *, after: int, limit: int
) -> list[Event]:
    """Return the events that follow number `after`, at most `limit`."""
    wanted: Select[Any] = (
        select(run_events.c.number, run_events.c.name, run_events.c.data)
        .where(run_events.c.run_seq == run_seq, run_events.c.number > after)
        .order_by(run_events.c.number)
        .limit(limit)
    )
    return [Event(*row) for row in await connection.execute(wanted)]


async def delete_events(connection: AsyncConnection, ended_before: int) -> None:
    """Delete the events of runs that ended before a time, in Unix seconds."""
    is_over = _columns.ended_at < ended_before
    over = select(_columns.seq).where(is_over)
    await connection.execute(delete(run_events).where(run_events.c.run_seq.in_(over)))
    await connection.execute(update(runs).where(is_over).values(ended_at=None))


def as_json(document: Any) -> str:
    """Return a value as the text columns of runs, steps and events hold it."""
    return _encode(document).decode()


def _is_of_thread(project_id: str, thread_id: str) -> ColumnElement[bool]:
    return and_(_columns.project_id == project_id, _columns.thread_id == thread_id)


def _is_run_of_thread(project_id: str, thread_id: str) -> ColumnElement[bool]:
    return and_(_is_of_thread(project_id, thread_id), _columns.kind == "run")


def _run(row: Row[Any]) -> StoredRun:
    return StoredRun(
        seq=row.seq,
        project_id=row.project_id,
        id=row.id,
        thread_id=row.thread_id,
        assistant_id=row.assistant_id,
        status=row.status,
        created_at=row.created_at,
        expires_at=row.expires_at,
        attempt=row.attempt,
        lease_owner=row.lease_owner,
        document=msgspec.json.decode(row.document),
        metadata=msgspec.json.decode(row.metadata),
        kind=row.kind,
    )


def _step(row: Row[Any]) -> Step:
    return Step(row.id, row.status, row.created_at, msgspec.json.decode(row.document))
