"""How many messages visitors may send a day, counted in the database."""

from datetime import date

from sqlalchemy import Date, bindparam, delete, text
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.sales.tables import daily_counts

_COUNT = text(
    "INSERT INTO daily_counts (day, counted, number) VALUES (:day, :counted, 1) "
    "ON CONFLICT (day, counted) DO UPDATE SET number = daily_counts.number + 1 "
    "RETURNING number"
).bindparams(bindparam("day", type_=Date))
_EVERYBODY = ""


class DailyCap:
    """Counts the messages of a visitor, and of all of them together."""

    def __init__(self, database: Database, per_visitor: int, of_all: int) -> None:
        self._database = database
        self._per_visitor = per_visitor
        self._of_all = of_all

    async def take(self, visitor: str, today: date) -> bool:
        """Count a message and tell whether it is within the cap.

        What a visitor sends beyond their own cap does not use up that of all.
        """
        async with self._database.write() as connection:
            await connection.execute(delete(daily_counts).where(daily_counts.c.day < today))
            if await _counted(connection, visitor, today) > self._per_visitor:
                return False
            return await _counted(connection, _EVERYBODY, today) <= self._of_all


async def _counted(connection: AsyncConnection, who: str, today: date) -> int:
    made = await connection.execute(_COUNT, {"day": today, "counted": who})
    number: int = made.scalar_one()
    return number
