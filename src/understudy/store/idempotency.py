"""Requests with an `Idempotency-Key`: a repeated one gets what the first one made.

The key is written in the transaction that makes the object, so neither is there without the other.
"""

import hashlib
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.errors import InvalidRequest
from understudy.ids import now_s
from understudy.store.schema import idempotency_keys

KEPT_S = 86_400
"""How long a key is remembered."""
_columns = idempotency_keys.c


@dataclass(frozen=True, slots=True)
class Creation:
    """A request that makes an object; `key` is None where the client gave none."""

    project_id: str
    key: str | None = None
    request: bytes = b""
    """Path and body, by which a repeated request is told from another with the same key."""

    async def claim(self, connection: AsyncConnection, object_id: str) -> str | None:
        """Note that this request makes `object_id`; return the id of what it made before, if any.

        Raises InvalidRequest when the key came with another request.
        """
        if self.key is None:
            return None
        fingerprint = hashlib.sha256(self.request).digest()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        noted = await connection.execute(
            dialect.insert(idempotency_keys)
            .values(
                project_id=self.project_id,
                key=self.key,
                fingerprint=fingerprint,
                object_id=object_id,
                created_at=now_s(),
            )
            .on_conflict_do_nothing()
            .returning(_columns.object_id)
        )
        if noted.first() is not None:
            return None
        row = (
            await connection.execute(
                select(_columns.fingerprint, _columns.object_id).where(
                    _columns.project_id == self.project_id, _columns.key == self.key
                )
            )
        ).one()
        if row.fingerprint != fingerprint:
            raise InvalidRequest(
                f"The Idempotency-Key '{self.key}' was used for another request. Repeat that "
                "request unchanged, or choose a new key.",
                code="idempotency_key_reused",
            )
        return str(row.object_id)

    async def forget(self, connection: AsyncConnection) -> None:
        """Have the request made anew when it is repeated: what it made is gone."""
        if self.key is not None:
            await connection.execute(
                delete(idempotency_keys).where(
                    _columns.project_id == self.project_id, _columns.key == self.key
                )
            )


async def forget_keys(connection: AsyncConnection) -> None:
    """Forget the keys that are older than KEPT_S."""
    await connection.execute(delete(idempotency_keys).where(_columns.created_at < now_s() - KEPT_S))
