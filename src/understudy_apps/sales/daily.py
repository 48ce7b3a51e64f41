"""How many messages visitors may send a day, counted in the database."""

from datetime import date

from sqlalchemy import Date, bindparam, delete, text

from understudy_apps.database import Database
from understudy_apps.sales.tables import daily_counts

_COUNT = text(
    "INSERT INTO daily_counts (day, counted, number) VALUES (:day, :counted, 1) "
    "ON CONFLICT (day, counted) DO UPDATE SET number = daily_counts.number + 1 "
    "RETURNING number"
).bindparams(bindparam("day", type_=Date))


class DailyCap:
    """Counts the messages of a visitor, and of all of them together."""

    def __init__(self, database: Database, per_visitor: int, of_all: int) -> None:
        self._database = database
        self._per_visitor = per_visitor
        self._of_all = of_all

    async def take(self, visitor: str, today: date) -> bool:
        """Count a message and tell whether it is within the cap."""
        async with self._database.write() as connection:
            await connection.execute(delete(daily_counts).where(daily_counts.c.day < today))
            numbers = [
                (await connection.execute(_COUNT, {"day": today, "counted": counted})).scalar_one()
                for counted in (visitor, "")
            ]
        return bool(numbers[0] <= self._per_visitor and numbers[1] <= self._of_all)
