"""The numbers of the dashboard, counted in the database."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Result, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from understudy_apps.database import Database
from understudy_apps.sales.pipeline import Stage, conversion_percent
from understudy_apps.sales.tables import (
    contacts,
    conversations,
    follow_ups,
    messages,
    quotes,
    stage_changes,
)

Numbers = dict[str, Any]
_SANDBOX = "sandbox"


async def numbers(database: Database, today: date, days: int, zone: tzinfo) -> Numbers:
    """Return counts of now and a series of the last `days` days; the sandbox does not count."""
    first = today - timedelta(days=days - 1)
    since = int(datetime(first.year, first.month, first.day, tzinfo=zone).timestamp())
    real = contacts.c.channel != _SANDBOX
    async with database.read() as connection:
        stages = await _grouped(connection, contacts.c.stage, real)
        return {
            "contacts": sum(stages.values()),
            "by_stage": {stage.value: stages.get(stage.value, 0) for stage in Stage},
            "by_interest": await _grouped(connection, contacts.c.interest, real),
            "by_channel": await _grouped(connection, contacts.c.channel, real),
            "by_intent": await _intents(connection, since),
            "conversations": await _conversations(connection),
            "follow_ups": await _follow_ups(connection, today),
            "quotes": await _quotes(connection),
            "conversion_percent": conversion_percent(
                stages.get(Stage.WON, 0), stages.get(Stage.LOST, 0)
            ),
            "series": await _series(connection, first, today, since, zone),
        }


async def _grouped(
    connection: AsyncConnection, column: ColumnElement[str], real: ColumnElement[bool]
) -> dict[str, int]:
    query = select(column, func.count()).where(real).group_by(column)
    return _counts(await connection.execute(query))


async def _intents(connection: AsyncConnection, since: int) -> dict[str, int]:
    query = (
        select(messages.c.intent, func.count())
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(
            messages.c.intent.is_not(None),
            messages.c.created_at >= since,
            conversations.c.channel != _SANDBOX,
        )
        .group_by(messages.c.intent)
    )
    return _counts(await connection.execute(query))


async def _conversations(connection: AsyncConnection) -> dict[str, int]:
    column = conversations.c.status
    query = (
        select(column, func.count())
        .where(
            conversations.c.channel != _SANDBOX,
            conversations.c.id.in_(select(messages.c.conversation_id)),
        )
        .group_by(column)
    )
    found = _counts(await connection.execute(query))
    return {status: found.get(status, 0) for status in ("agent", "person", "closed")}


async def _follow_ups(connection: AsyncConnection, today: date) -> dict[str, int]:
    joined = follow_ups.join(contacts, contacts.c.id == follow_ups.c.contact_id)
    query = (
        select(func.count())
        .select_from(joined)
        .where(contacts.c.channel != _SANDBOX, follow_ups.c.done_at.is_(None))
    )
    due = query.where(follow_ups.c.due_on <= today)
    return {
        "open": (await connection.execute(query)).scalar_one(),
        "due": (await connection.execute(due)).scalar_one(),
    }


async def _quotes(connection: AsyncConnection) -> Numbers:
    """Return how many quotes there are and their sums, each in its currency, in cents."""
    joined = quotes.join(contacts, contacts.c.id == quotes.c.contact_id)
    query = (
        select(quotes.c.currency, func.count(), func.sum(quotes.c.total_cents))
        .select_from(joined)
        .where(contacts.c.channel != _SANDBOX)
        .group_by(quotes.c.currency)
    )
    rows = (await connection.execute(query)).all()
    return {
        "count": sum(count for _, count, _ in rows),
        "total_cents": {currency: int(total) for currency, _, total in rows},
    }


async def _series(
    connection: AsyncConnection, first: date, today: date, since: int, zone: tzinfo
) -> list[Numbers]:
    real = contacts.c.channel != _SANDBOX
    of_contact = stage_changes.join(contacts, contacts.c.id == stage_changes.c.contact_id)
    of_conversation = messages.join(conversations, conversations.c.id == messages.c.conversation_id)
    moments = {
        "contacts": select(contacts.c.created_at).where(real, contacts.c.created_at >= since),
        "won": select(stage_changes.c.changed_at)
        .select_from(of_contact)
        .where(real, stage_changes.c.stage == Stage.WON.value, stage_changes.c.changed_at >= since),
        "messages": select(messages.c.created_at)
        .select_from(of_conversation)
        .where(
            conversations.c.channel != _SANDBOX,
            messages.c.author == "visitor",
            messages.c.created_at >= since,
        ),
    }
    counted = {
        name: _by_day((await connection.execute(query)).scalars(), zone)
        for name, query in moments.items()
    }
    days = [first + timedelta(days=ahead) for ahead in range((today - first).days + 1)]
    return [{"day": day, **{name: counted[name][day] for name in counted}} for day in days]


def _counts(rows: Result[str, int]) -> dict[str, int]:
    """Return rows of a name and a number as a table."""
    return {row[0]: row[1] for row in rows.all()}


def _by_day(moments: Iterable[int], zone: tzinfo) -> Counter[date]:
    return Counter(datetime.fromtimestamp(one, UTC).astimezone(zone).date() for one in moments)
