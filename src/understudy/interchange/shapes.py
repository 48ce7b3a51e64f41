"""From an object as it was read to the shape of the latest API, and what that shape lacks. Pure."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import NODEFAULT, Struct, structs

from understudy.errors import InvalidRequest
from understudy.wire.base import check_shape
from understudy.wire.dialect import in_latest_words
from understudy.wire.vector_stores import ExpiresAfter

OURS = "understudy"
"""The member of an exported object that says what the API has no field for."""

Shape = TypeVar("Shape", bound=Struct)
Fields = dict[str, Any]


class ImportedFile(Struct):
    """A file as the API describes it; `path` is ours, where its content lies."""

    id: str
    created_at: int
    filename: str
    purpose: str = "assistants"
    bytes: int = 0
    expires_at: int | None = None
    path: str | None = None
    status: str = "processed"
    object: str = "file"


class ImportedVectorStore(Struct):
    """A vector store without what is counted anew."""

    id: str
    created_at: int
    name: str = ""
    description: str | None = None
    metadata: dict[str, str] = {}
    expires_after: ExpiresAfter | None = None
    last_active_at: int | None = None
    expires_at: int | None = None
    usage_bytes: int = 0
    file_counts: Fields = {}
    status: str = "completed"
    object: str = "vector_store"


class ImportedStoreFile(Struct):
    """A file in a vector store without how far it was read there."""

    id: str
    created_at: int
    vector_store_id: str
    attributes: Fields = {}
    chunking_strategy: Fields | None = None
    last_error: Fields | None = None
    usage_bytes: int = 0
    status: str = "completed"
    object: str = "vector_store.file"


@dataclass(frozen=True, slots=True)
class Parsed(Generic[Shape]):
    """An object in its shape, what else it said, and what an export of ours added."""

    shape: Shape
    unknown: Fields
    ours: Fields

    def besides(self, original: Fields) -> Fields:
        """Return the members that documents have for what the API has no field for.

        `original` is what the import changes in the object; what an earlier one changed stays.
        """
        earlier = self.ours.get("original")
        original = {**original, **(earlier if isinstance(earlier, dict) else {})}
        kept = {"unknown": self.unknown, "original": original}
        return {name: value for name, value in kept.items() if value}


def parse(fields: Fields, shape: type[Shape]) -> Parsed[Shape]:
    """Return an object of v1 or v2 in the shape of the latest API.

    Null where the shape has none is taken for absence. Raises InvalidRequest that names the field.
    """
    ours = fields.get(OURS)
    words = in_latest_words({name: value for name, value in fields.items() if name != OURS})
    assert isinstance(words, dict)
    prepared = _without_nulls(_with_latest_calls(words), shape)
    try:
        parsed = check_shape(prepared, shape)
    except InvalidRequest:
        prepared = _pruned(prepared)
        parsed = check_shape(prepared, shape)
    unknown = leftover(prepared, msgspec.to_builtins(parsed))
    return Parsed(parsed, unknown, ours if isinstance(ours, dict) else {})


def leftover(said: object, understood: object) -> Fields:
    """Return what `said` has and `understood` has not; parts of lists go by their index.

    `with_leftover` puts it back.
    """
    kept: Fields = {}
    if isinstance(said, dict) and isinstance(understood, dict):
        for name, value in said.items():
            if name not in understood:
                kept[name] = value
            elif rest := leftover(value, understood[name]):
                kept[name] = rest
    elif isinstance(said, list) and isinstance(understood, list) and len(said) == len(understood):
        for index, (value, known) in enumerate(zip(said, understood, strict=True)):
            if rest := leftover(value, known):
                kept[str(index)] = rest
    return kept


def with_leftover(shown: Any, rest: object) -> Any:
    """Return `shown` with what `leftover` kept; where both have a value, that of `shown` counts."""
    if not isinstance(rest, dict):
        return shown
    if isinstance(shown, list):
        return [with_leftover(part, rest.get(str(at))) for at, part in enumerate(shown)]
    if not isinstance(shown, dict):
        return shown
    joined = {name: with_leftover(value, rest.get(name)) for name, value in shown.items()}
    return joined | {name: value for name, value in rest.items() if name not in shown}


def holds_nul(value: object) -> bool:
    """Tell whether a text in `value` holds the character U+0000, which PostgreSQL cannot keep."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(holds_nul, value))


def _without_nulls(fields: Fields, shape: type[Struct]) -> Fields:
    """Drop null where a field has another default: the default is what null means."""
    defaults = _defaults(shape)
    return {
        name: value
        for name, value in fields.items()
        if value is not None or defaults.get(name) is None
    }


@cache
def _defaults(shape: type[Struct]) -> dict[str, object]:
    """Return the defaults of fields, or what makes them."""
    return {
        field.name: field.default if field.default is not NODEFAULT else field.default_factory
        for field in structs.fields(shape)
    }


def _pruned(value: Any) -> Any:
    """Drop null everywhere; what the shape requires is missing then as well."""
    if isinstance(value, dict):
        return {name: _pruned(part) for name, part in value.items() if part is not None}
    return [_pruned(part) for part in value] if isinstance(value, list) else value


def _with_latest_calls(fields: Fields) -> Fields:
    """Return a step with calls of `retrieval` as those of `file_search`, their name since v2."""
    details = fields.get("step_details")
    if not isinstance(details, dict) or not isinstance(details.get("tool_calls"), list):
        return fields
    calls = [_with_latest_type(call) for call in details["tool_calls"]]
    return {**fields, "step_details": {**details, "tool_calls": calls}}


def _with_latest_type(call: object) -> object:
    if not isinstance(call, dict) or call.get("type") != "retrieval":
        return call
    kept = {name: value for name, value in call.items() if name != "retrieval"}
    return {**kept, "type": "file_search", "file_search": {}}
