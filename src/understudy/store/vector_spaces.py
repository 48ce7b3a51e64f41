"""Which embedding model a vector store has, and which of its files have their vectors.

Every function works within the transaction of its caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.store.schema import vector_spaces, vector_store_files

_SETTLE = text(
    "INSERT INTO vector_spaces (vector_store_id, model, dimensions)"
    " VALUES (:vector_store_id, :model, :dimensions) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """What the vectors of a store have in common; `model` is the name the registry serves it by."""

    vector_store_id: str
    model: str
    dimensions: int
    generation: int


async def find_spaces(
    connection: AsyncConnection, vector_store_ids: Sequence[str]
) -> list[VectorSpace]:
    """Return the spaces of those stores that have vectors."""
    wanted = select(vector_spaces).where(vector_spaces.c.vector_store_id.in_(vector_store_ids))
    return [VectorSpace(*row) for row in await connection.execute(wanted)]


async def all_spaces(connection: AsyncConnection) -> list[VectorSpace]:
    """Return the spaces of every project."""
    rows = await connection.execute(select(vector_spaces))
    return [VectorSpace(*row) for row in rows]


async def settle_space(
    connection: AsyncConnection, vector_store_id: str, model: str, dimensions: int
) -> VectorSpace:
    """Give the store this model unless it has one, and return what it has."""
    given = {"vector_store_id": vector_store_id, "model": model, "dimensions": dimensions}
    await connection.execute(_SETTLE, given)
    (space,) = await find_spaces(connection, [vector_store_id])
    return space


def has_vectors(vector_store_ids: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a file of these stores can be found by its vectors."""
    files = vector_store_files.c
    return and_(
        files.vector_store_id.in_(vector_store_ids),
        files.status == "completed",
        files.deleted_at.is_(None),
        files.embedding_model.isnot(None),
    )
