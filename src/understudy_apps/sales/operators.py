"""The operator accounts: people who see the contacts. A new password ends their sessions."""

import secrets
import time

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.errors import BadRequest, Conflict, NotSignedIn
from understudy_apps.passwords import hash_password, is_right
from understudy_apps.sales.tables import operators, sessions

_SHORTEST_PASSWORD = 8
_LONGEST_PASSWORD = 200


async def is_any(database: Database) -> bool:
    """Tell whether there is an operator."""
    async with database.read() as connection:
        query = select(func.count()).select_from(operators)
        return bool((await connection.execute(query)).scalar_one())


async def create_first(database: Database, name: str, password: str) -> int:
    """Create the first operator and return the id. Raises Conflict when there is one already."""
    password_hash = await hash_password(_checked(password))
    async with database.write() as connection:
        known = await connection.execute(select(operators.c.id).limit(1).with_for_update())
        if known.first() is not None:
            raise Conflict("There is an operator already.", "already_set_up")
        return await _inserted(connection, name, password_hash)


async def set_password(database: Database, name: str, password: str) -> int:
    """Give an operator a password, creating the account if need be, and return the id.

    Whoever was logged in with the old one is not any more.
    """
    password_hash = await hash_password(_checked(password))
    async with database.write() as connection:
        statement = update(operators).where(operators.c.name == name)
        changed = await connection.execute(
            statement.values(password_hash=password_hash).returning(operators.c.id)
        )
        operator_id = changed.scalar_one_or_none()
        if operator_id is not None:
            await connection.execute(delete(sessions).where(sessions.c.user_id == operator_id))
            return int(operator_id)
        return await _inserted(connection, name, password_hash)


async def authenticate(database: Database, name: str, password: str) -> int:
    """Return the id of the operator with this name and password. Raises NotSignedIn."""
    query = select(operators.c.id, operators.c.password_hash).where(operators.c.name == name)
    async with database.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    if not await is_right(row.password_hash if row else None, password) or row is None:
        raise NotSignedIn("Name and password do not match.", "wrong_login")
    operator_id: int = row.id
    return operator_id


async def name_of(database: Database, operator_id: int) -> str:
    """Return the name of an operator."""
    async with database.read() as connection:
        query = select(operators.c.name).where(operators.c.id == operator_id)
        name: str = (await connection.execute(query)).scalar_one()
    return name


class SetupToken:
    """What proves, at the first start, that somebody reads the log of this process."""

    def __init__(self) -> None:
        self.text = secrets.token_urlsafe(18)

    def check(self, given: str) -> None:
        """Raise NotSignedIn for another token."""
        if not secrets.compare_digest(given.encode(), self.text.encode()):
            raise NotSignedIn("The log shows the token of this start.", "wrong_setup_token")


def _checked(password: str) -> str:
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise BadRequest(
            f"A password has {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters.",
            "weak_password",
            "password",
        )
    return password


async def _inserted(connection: AsyncConnection, name: str, password_hash: str) -> int:
    row = {"name": name, "password_hash": password_hash, "created_at": int(time.time())}
    made = await connection.execute(insert(operators).values(row).returning(operators.c.id))
    operator_id: int = made.scalar_one()
    return operator_id
