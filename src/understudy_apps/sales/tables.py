"""The sales agent's tables. Times are UTC seconds since the epoch; money is cents."""

from pathlib import Path

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from understudy_apps.sessions import sessions_table
from understudy_apps.tables import NUMBER, id_column, new_metadata

MIGRATIONS = Path(__file__).parent / "migrations"

metadata = new_metadata()


def _of(parent: str, *, nullable: bool = False) -> Column[int]:
    """Return the column that names the row's parent, with which the row is erased."""
    return Column(
        f"{parent}_id",
        NUMBER,
        ForeignKey(f"{parent}s.id", ondelete="CASCADE"),
        nullable=nullable,
        index=True,
    )


operators = Table(
    "operators",
    metadata,
    id_column(),
    Column("name", String, nullable=False, unique=True),
    Column("password_hash", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

sessions = sessions_table(
    metadata,
    Column("user_id", NUMBER, ForeignKey("operators.id", ondelete="CASCADE"), nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    id_column(),
    Column("name", String, nullable=False),
    Column("company", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("interest", String, nullable=False),
    Column("email", String, nullable=False),
    Column("phone", String, nullable=False),
    Column("notes", String, nullable=False),
    Column("language", String, nullable=False),
    Column("stage", String, nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # What a search looks in, folded: databases fold only ASCII, or not at all.
    Column("searched", String, nullable=False),
    sqlite_autoincrement=True,
)

stage_changes = Table(
    "stage_changes",
    metadata,
    id_column(),
    _of("contact"),
    Column("stage", String, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""When a contact came into a stage, beginning with its first."""

conversations = Table(
    "conversations",
    metadata,
    id_column(),
    _of("contact", nullable=True),
    Column("channel", String, nullable=False),
    Column("visitor", String, nullable=False),
    Column("visitor_name", String, nullable=False),
    Column("language", String, nullable=False),
    Column("status", String, nullable=False, server_default=text("'agent'")),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("channel", "visitor"),
    Index("ix_conversations_updated_at", "updated_at"),
    sqlite_autoincrement=True,
)
"""`visitor` is who writes: the SHA-256 of a token of the web, an id of Telegram, or an operator's
sandbox. The contact is made when there is something to keep; until then it is null.
"""

messages = Table(
    "messages",
    metadata,
    id_column(),
    _of("conversation"),
    Column("author", String, nullable=False),
    Column("text", String, nullable=False),
    # Which message of the channel it is, so that one delivered twice is stored once.
    Column("external_id", String),
    Column("intent", String),
    Column("model", String),
    Column("calls", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("conversation_id", "external_id"),
    sqlite_autoincrement=True,
)
"""`author` is visitor, agent or operator; `calls` are the functions that the agent called before it
wrote the text: name, arguments, output, call_id.
"""

follow_ups = Table(
    "follow_ups",
    metadata,
    id_column(),
    _of("contact"),
    Column("due_on", Date, nullable=False, index=True),
    Column("task", String, nullable=False),
    Column("created_by", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    sqlite_autoincrement=True,
)

quotes = Table(
    "quotes",
    metadata,
    id_column(),
    _of("contact"),
    _of("conversation", nullable=True),
    Column("customer", String, nullable=False),
    Column("language", String, nullable=False),
    Column("currency", String, nullable=False),
    Column("tax_percent", String, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    Column("made_on", Date, nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""As it was sent: a change of prices does not change it. Unit prices in `lines` are cents."""

daily_counts = Table(
    "daily_counts",
    metadata,
    Column("day", Date, primary_key=True),
    Column("counted", String, primary_key=True),
    Column("number", Integer, nullable=False),
)
"""Messages a day, by visitor and of all."""

agent_configuration = Table(
    "agent_configuration",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("model", String, nullable=False),
    Column("temperature", Float, nullable=False),
    Column("max_tokens", Integer, nullable=False),
    Column("top_p", Float, nullable=False),
    Column("language", String, nullable=False),
)
"""The one row that an operator saved; without it, the settings count."""
