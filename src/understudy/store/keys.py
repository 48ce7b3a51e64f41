"""API keys and the projects that own them. Only a key's SHA-256 is stored; its text is returned
once, by `create_key`. `KeyRing` answers requests from memory.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import anyio
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import Conflict, InvalidRequest, NotFound, NotReady
from understudy.ids import new_id, now_s
from understudy.store.db import Store
from understudy.store.schema import api_keys, projects

_log = logging.getLogger(__name__)

DEFAULT_PROJECT = "default"
MIN_LENGTH = 8
_NAME_MAX_LENGTH = 100
_READ_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be shown of a key."""

    id: str
    project: str
    name: str
    hint: str
    created_at: int
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key with its text, which is not kept anywhere."""

    id: str
    project: str
    name: str
    hint: str
    created_at: int
    secret: str = field(repr=False)


def digest(secret: str) -> bytes:
    """Return the SHA-256 under which a key is stored and found."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def create_key(
    store: Store, *, project: str = DEFAULT_PROJECT, name: str = "", value: str | None = None
) -> CreatedKey:
    """Create a key, and its project if there is none of that name.

    `value` is the key's text if the caller wants a certain one. Raises InvalidRequest for text that
    no client could send, Conflict for text that is a key already.
    """
    _check_name("project", project, min_length=1)
    _check_name("name", name, min_length=0)
    if value is not None:
        _check_value(value)
    secret = new_id("sk-", 48) if value is None else value
    created = CreatedKey(new_id("key"), project, name, hint(secret), now_s(), secret)
    try:
        async with store.write() as connection:
            await _insert(connection, created)
    except IntegrityError as error:
        raise Conflict(
            "This value is a key already, possibly a revoked one: choose another.", param="value"
        ) from error
    return created


async def list_keys(store: Store) -> list[KeyInfo]:
    """Return every key, revoked ones too, oldest first."""
    async with store.read() as connection:
        rows = await connection.execute(_KEYS.order_by(api_keys.c.seq))
        return [KeyInfo(*row) for row in rows]


async def revoke_key(store: Store, reference: str) -> KeyInfo:
    """Revoke the key that has this id, hint or name; it is refused from now on.

    Raises NotFound when no active key has it, Conflict when several have. No message quotes the
    reference, which may be a key that was pasted.
    """
    wanted = reference.replace("...", "…")
    async with store.write() as connection:
        key = _choose([KeyInfo(*row) for row in await connection.execute(_KEYS)], wanted)
        revoked = replace(key, revoked_at=now_s())
        await connection.execute(
            update(api_keys).where(api_keys.c.id == key.id).values(revoked_at=revoked.revoked_at)
        )
    return revoked


async def project_id(store: Store, name: str = DEFAULT_PROJECT) -> str:
    """Return the id of the project of this name. Raises NotFound."""
    async with store.read() as connection:
        found = await connection.scalar(select(projects.c.id).where(projects.c.name == name))
    if found is None:
        raise NotFound(f"No project is named '{name}'.", param="project")
    return str(found)


def hint(secret: str) -> str:
    """Return what reminds its owner of a key: at most 4 of its characters, at most a quarter."""
    prefix = "sk-" if secret.startswith("sk-") else ""
    return f"{prefix}…{secret[-min(4, len(secret) // 4) :]}"


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whose key a request came with."""

    key_id: str
    project_id: str


@dataclass(frozen=True, slots=True)
class _Snapshot:
    owners: Mapping[bytes, KeyOwner]
    any_created: bool


class KeyRing:
    """A snapshot of the active keys, read again when asked and older than `refresh_s` seconds.

    While the database is away the old snapshot stays in force. Look-ups go by SHA-256, so their
    time tells nothing about how much of a guessed key is right.
    """

    def __init__(
        self, store: Store, *, refresh_s: float = 2.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._refresh_s = refresh_s
        self._clock = clock
        self._snapshot: _Snapshot | None = None
        self._fresh_until = float("-inf")
        self._generation = 0
        self._refreshing = anyio.Lock()

    async def lookup(self, secret: str) -> KeyOwner | None:
        """Return the owner of an active key, or None."""
        snapshot = await self._current()
        return snapshot.owners.get(digest(secret))

    async def is_empty(self) -> bool:
        """Tell whether no key was ever created; a revoked one counts as created."""
        snapshot = await self._current()
        return not snapshot.any_created

    def invalidate(self) -> None:
        """Read the database again at the next question."""
        self._generation += 1
        self._fresh_until = float("-inf")

    async def _current(self) -> _Snapshot:
        if self._snapshot is not None and self._clock() < self._fresh_until:
            return self._snapshot
        async with self._refreshing:
            if self._snapshot is None or self._clock() >= self._fresh_until:
                self._snapshot = await self._refreshed(self._snapshot)
            return self._snapshot

    async def _refreshed(self, old: _Snapshot | None) -> _Snapshot:
        """Read the keys; what is read counts as old as the moment when reading began."""
        began, generation = self._clock(), self._generation
        try:
            with anyio.fail_after(_READ_TIMEOUT_S):
                snapshot = await _read(self._store)
        except (NotReady, SQLAlchemyError, TimeoutError) as error:
            if old is None:
                raise NotReady("The API keys cannot be read: the database is away.") from error
            _log.warning("API keys not refreshed, the last known ones stay in force: %s", error)
            snapshot = old
        if generation == self._generation:
            self._fresh_until = began + self._refresh_s
        return snapshot


_KEYS = select(
    api_keys.c.id,
    projects.c.name.label("project"),
    api_keys.c.name,
    api_keys.c.hint,
    api_keys.c.created_at,
    api_keys.c.revoked_at,
).join(projects)


async def _insert(connection: AsyncConnection, key: CreatedKey) -> None:
    await connection.execute(
        text(
            "INSERT INTO projects (id, name, created_at) VALUES (:id, :name, :created_at)"
            " ON CONFLICT (name) DO NOTHING"
        ),
        {"id": new_id("proj"), "name": key.project, "created_at": key.created_at},
    )
    owner = select(projects.c.id).where(projects.c.name == key.project).scalar_subquery()
    await connection.execute(
        api_keys.insert().values(
            id=key.id,
            project_id=owner,
            name=key.name,
            sha256=digest(key.secret),
            hint=key.hint,
            created_at=key.created_at,
        )
    )


def _choose(keys: list[KeyInfo], wanted: str) -> KeyInfo:
    matches = [key for key in keys if wanted and wanted in (key.id, key.hint, key.name)]
    active = [key for key in matches if key.revoked_at is None]
    if len(active) > 1:
        ids = ", ".join(key.id for key in active)
        raise Conflict(f"{len(active)} active keys match; name one by its id: {ids}.")
    if active:
        return active[0]
    if matches:
        raise NotFound(f"The key {matches[0].id} is revoked already.")
    raise NotFound("No key has this id, hint or name. `understudy keys list` shows them all.")


def _check_value(value: str) -> None:
    if len(value) < MIN_LENGTH:
        raise InvalidRequest(f"A key needs at least {MIN_LENGTH} characters.", param="value")
    if value != value.strip():
        raise InvalidRequest("A key cannot begin or end with white space.", param="value")
    if not all(" " <= character <= "~" for character in value):
        raise InvalidRequest(
            "A key travels in a header: only printable ASCII characters are possible.",
            param="value",
        )


def _check_name(param: str, name: str, *, min_length: int) -> None:
    if name != name.strip() or not name.isprintable():
        raise InvalidRequest(
            f"'{param}' cannot hold control characters or begin or end with white space.",
            param=param,
        )
    if not min_length <= len(name) <= _NAME_MAX_LENGTH:
        raise InvalidRequest(
            f"'{param}' must have {min_length} to {_NAME_MAX_LENGTH} characters.", param=param
        )


async def _read(store: Store) -> _Snapshot:
    columns = (api_keys.c.sha256, api_keys.c.id, api_keys.c.project_id, api_keys.c.revoked_at)
    async with store.read() as connection:
        rows = (await connection.execute(select(*columns))).all()
    owners = {
        row.sha256: KeyOwner(row.id, row.project_id) for row in rows if row.revoked_at is None
    }
    return _Snapshot(owners, any_created=bool(rows))
