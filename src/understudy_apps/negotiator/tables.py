"""The negotiator's tables. Times are UTC seconds since the epoch; money is cents in integers.

Every row belongs to a user, and every query of it names that user.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    text,
)

from understudy_apps.sessions import sessions_table
from understudy_apps.tables import NUMBER, id_column, new_metadata

metadata = new_metadata()


def _user() -> Column[int]:
    """Return the column of the owner, with whom the row is erased."""
    return Column("user_id", NUMBER, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


users = Table(
    "users",
    metadata,
    id_column(),
    Column("name", String, nullable=False),
    Column("surname", String, nullable=False),
    Column("email", String, nullable=False, unique=True),
    Column("telephone", String, nullable=False, unique=True),
    Column("password_hash", String, nullable=False),
    Column("language", String, nullable=False),
    Column("sealed_api_key", String),
    Column("api_key_hint", String),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""`email` and `telephone` are in normal form; an API key is sealed, and its hint is shown."""

sessions = sessions_table(metadata, _user())

debts = Table(
    "debts",
    metadata,
    id_column(),
    # Null once the account is deleted: what was agreed stays, without a person.
    Column("user_id", NUMBER, ForeignKey("users.id", ondelete="SET NULL"), index=True),
    Column("total_cents", BigInteger, nullable=False),
    Column("maximum_months", Integer, nullable=False),
    Column("status", String, nullable=False, server_default=text("'open'")),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    sqlite_autoincrement=True,
)
"""`status` goes open -> negotiating (with the row in `negotiations`) -> agreed, and never back but
when the debt is edited, which starts over.

What changes a debt, its negotiation or its offers first locks the row of the debt
(`with_for_update()`), so that an acceptance and an edit exclude each other.
"""

negotiations = Table(
    "negotiations",
    metadata,
    Column(
        "debt_id",
        NUMBER,
        ForeignKey("debts.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("discount_percent", SmallInteger, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("status", String, nullable=False, server_default=text("'open'")),
    Column("updated_at", BigInteger, nullable=False),
)

offers = Table(
    "offers",
    metadata,
    id_column(),
    Column(
        "debt_id",
        NUMBER,
        ForeignKey("debts.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    _user(),
    Column("kind", String, nullable=False),
    Column("terms", JSON, nullable=False),
    Column("status", String, nullable=False, server_default=text("'open'")),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_offers_user_id", "user_id"),
    sqlite_autoincrement=True,
)
"""`status` is open, accepted or withdrawn."""

agreements = Table(
    "agreements",
    metadata,
    id_column(),
    # Null once the account is deleted; `receipt` therefore names no person.
    Column("user_id", NUMBER, ForeignKey("users.id", ondelete="SET NULL"), index=True),
    Column("debt_id", NUMBER, ForeignKey("debts.id"), nullable=False, unique=True),
    Column("offer_id", NUMBER, ForeignKey("offers.id", ondelete="SET NULL")),
    Column("receipt", JSON, nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
"""Never changed but for the person who leaves; a debt has one at most."""

assistants = Table(
    "assistants",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("language", String, primary_key=True),
    Column("assistant_id", String, nullable=False),
    Column("vector_store_id", String, nullable=False),
    Column("files", JSON, nullable=False),
    Column("instructions_sha256", String(64), nullable=False),
)
"""What was made at the model's server; `owner` is the SHA-256, in hex, of base URL and key."""

chats = Table(
    "chats",
    metadata,
    id_column(),
    _user(),
    Column("owner", String(64), nullable=False),
    Column("thread_id", String, nullable=False),
    Column("debt_id", NUMBER, ForeignKey("debts.id", ondelete="SET NULL")),
    Column("language", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("owner", "thread_id"),
    Index("ix_chats_user_id", "user_id"),
    sqlite_autoincrement=True,
)
"""The latest one of a user and owner is the current one."""
