"""The kinds of objects that are imported and exported, and how one is told from another. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal[
    "file",
    "vector_store",
    "vector_store.file",
    "assistant",
    "thread",
    "thread.message",
    "thread.run",
    "thread.run.step",
]
"""Named as the field `object` has it, in the order in which they are imported."""
KINDS: tuple[Kind, ...] = get_args(Kind)

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")
FILE_ID = re.compile(r"file[-_][A-Za-z0-9_-]{4,}")

_LATEST_TIME = 2**53
_KIND_OF_PREFIX: dict[str, Kind] = {
    "asst_": "assistant",
    "thread_": "thread",
    "msg_": "thread.message",
    "run_": "thread.run",
    "step_": "thread.run.step",
    "file-": "file",
    "vs_": "vector_store",
}
KIND_OF_MEMBER: dict[str, Kind] = {
    "assistant": "assistant",
    "assistants": "assistant",
    "thread": "thread",
    "threads": "thread",
    "message": "thread.message",
    "messages": "thread.message",
    "run": "thread.run",
    "runs": "thread.run",
    "step": "thread.run.step",
    "steps": "thread.run.step",
    "run_steps": "thread.run.step",
    "file": "file",
    "files": "file",
    "vector_store": "vector_store",
    "vector_stores": "vector_store",
    "vector_store_files": "vector_store.file",
}
"""What the members of an object that only holds others are."""
EMBEDDED: dict[Kind, dict[str, Kind]] = {
    "thread": {
        "messages": "thread.message",
        "runs": "thread.run",
        "steps": "thread.run.step",
        "run_steps": "thread.run.step",
    },
    "thread.run": {"steps": "thread.run.step", "run_steps": "thread.run.step"},
    "vector_store": {"files": "vector_store.file"},
}
"""Lists of other objects that exports put into an object, which the API does not."""
_PARENT_FIELD: dict[Kind, str] = {
    "vector_store.file": "vector_store_id",
    "thread.message": "thread_id",
    "thread.run": "thread_id",
    "thread.run.step": "run_id",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; the line is 0 where the file as a whole is meant."""

    name: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.name}, line {self.line}" if self.line else self.name


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that cannot be imported, and why; the reason is a sentence without its end."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An object of a kind that is not imported."""

    kind: str


@dataclass(frozen=True, slots=True)
class Found:
    """An object as it was read.

    `parent` is the thread of a message or a run, the run of a step, the vector store of a file
    in it, and else empty.
    """

    kind: Kind
    id: str
    parent: str
    fields: dict[str, Any]
    place: Place

    @property
    def created_at(self) -> int:
        """When it was made, 0 where it does not say."""
        value = self.fields.get("created_at")
        return value if isinstance(value, int) else 0


def kind_of(fields: Mapping[str, object], guess: Kind | None) -> Kind | None:
    """Return the kind of an object without a field `object`: the guess, else what its id says."""
    id_ = fields.get("id")
    if not isinstance(id_, str):
        return None
    if guess is not None:
        return guess
    prefixes = (prefix for prefix in _KIND_OF_PREFIX if id_.startswith(prefix))
    return next((_KIND_OF_PREFIX[prefix] for prefix in prefixes), None)


def found_in(
    kind: Kind, fields: dict[str, Any], place: Place, around: Mapping[str, str]
) -> Found | Unreadable:
    """Return an object; `around` has the ids of the objects that hold it, e.g. `thread_id`."""
    id_ = fields.get("id")
    if not isinstance(id_, str) or not ID.fullmatch(id_):
        return Unreadable(place, f"the {kind} has no 'id' that could be one")
    created_at = fields.get("created_at", 0)
    if isinstance(created_at, int | float) and not 0 <= created_at <= _LATEST_TIME:
        return Unreadable(place, f"the {kind} '{id_}' has a 'created_at' that is no time")
    name = _PARENT_FIELD.get(kind)
    if name is None:
        return Found(kind, id_, "", fields, place)
    parent = fields.get(name) or around.get(name)
    if not isinstance(parent, str) or not ID.fullmatch(parent):
        return Unreadable(place, f"the {kind} '{id_}' has no '{name}'")
    return Found(kind, id_, parent, {**fields, name: parent}, place)
