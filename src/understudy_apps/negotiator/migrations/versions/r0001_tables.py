"""Every table of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, those that others refer to first."""
    _create_users()
    _create_sessions()
    _create_debts()
    _create_negotiations()
    _create_offers()
    _create_agreements()
    _create_assistants()
    _create_chats()


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("surname", sa.String, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("telephone", sa.String, nullable=False),
        sa.Column("password_hash", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("sealed_api_key", sa.String),
        sa.Column("api_key_hint", sa.String),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        sa.UniqueConstraint("telephone", name="uq_users_telephone"),
        sqlite_autoincrement=True,
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", _NUMBER, nullable=False),
        sa.Column("device_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_sessions_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_sessions"),
        sa.UniqueConstraint("user_id", "device_sha256", name="uq_sessions_user_id_device_sha256"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def _create_debts() -> None:
    op.create_table(
        "debts",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("user_id", _NUMBER),
        sa.Column("total_cents", sa.BigInteger, nullable=False),
        sa.Column("maximum_months", sa.Integer, nullable=False),
        sa.Column("status", sa.String, server_default=sa.text("'open'"), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_debts_user_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_debts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_debts_user_id", "debts", ["user_id"])


def _create_negotiations() -> None:
    op.create_table(
        "negotiations",
        sa.Column("debt_id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("discount_percent", sa.SmallInteger, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("status", sa.String, server_default=sa.text("'open'"), nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["debt_id"], ["debts.id"], name="fk_negotiations_debt_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("debt_id", name="pk_negotiations"),
    )


def _create_offers() -> None:
    op.create_table(
        "offers",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("debt_id", _NUMBER, nullable=False),
        sa.Column("user_id", _NUMBER, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("terms", sa.JSON, nullable=False),
        sa.Column("status", sa.String, server_default=sa.text("'open'"), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["debt_id"], ["debts.id"], name="fk_offers_debt_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_offers_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_offers"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_offers_debt_id", "offers", ["debt_id"])
    op.create_index("ix_offers_user_id", "offers", ["user_id"])


def _create_agreements() -> None:
    op.create_table(
        "agreements",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("user_id", _NUMBER),
        sa.Column("debt_id", _NUMBER, nullable=False),
        sa.Column("offer_id", _NUMBER),
        sa.Column("receipt", sa.JSON, nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["debt_id"], ["debts.id"], name="fk_agreements_debt_id"),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name="fk_agreements_offer_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_agreements_user_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agreements"),
        sa.UniqueConstraint("debt_id", name="uq_agreements_debt_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_agreements_user_id", "agreements", ["user_id"])


def _create_assistants() -> None:
    op.create_table(
        "assistants",
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("assistant_id", sa.String, nullable=False),
        sa.Column("vector_store_id", sa.String, nullable=False),
        sa.Column("files", sa.JSON, nullable=False),
        sa.Column("instructions_sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("owner", "language", name="pk_assistants"),
    )


def _create_chats() -> None:
    op.create_table(
        "chats",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("user_id", _NUMBER, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("thread_id", sa.String, nullable=False),
        sa.Column("debt_id", _NUMBER),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["debt_id"], ["debts.id"], name="fk_chats_debt_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_chats_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_chats"),
        sa.UniqueConstraint("owner", "thread_id", name="uq_chats_owner_thread_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chats_user_id", "chats", ["user_id"])
