"""The index that finds the vectors nearest to a query, as both databases offer it.

The vectors themselves stand beside their chunks. What an index keeps is made from them and can be
made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy.store.vector_spaces import VectorSpace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """What to look for, and in which stores; their vectors have the dimensions of `queries`.

    `queries` is (queries, dimensions) float32, L2-normalised; `where` is a condition on
    `vector_store_files`.
    """

    spaces: Sequence[VectorSpace]
    queries: "Floats"
    where: ColumnElement[bool] | None
    limit: int


class VectorIndex(Protocol):
    """Finds vectors of files that are completed and have all of theirs."""

    async def prepare(self) -> None:
        """Make ready what the index needs. Raises StartupError where that cannot be had."""
        ...

    async def add(self, connection: AsyncConnection, file_seq: int, from_position: int) -> None:
        """Index the chunks of a file from a position on, in the transaction that stored them."""
        ...

    async def nearest(self, query: VectorQuery) -> list[tuple[int, float]]:
        """Return (chunk seq, cosine) of the chunks nearest to any of the queries, nearest first."""
        ...

    async def keep_up(self) -> None:
        """Bring the index up to date with the database, ahead of the searches that need it."""
        ...
