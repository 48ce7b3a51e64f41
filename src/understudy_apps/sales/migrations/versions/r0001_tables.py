"""Every table of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, those that others refer to first."""
    _create_operators()
    _create_sessions()
    _create_contacts()
    _create_stage_changes()
    _create_conversations()
    _create_messages()
    _create_follow_ups()
    _create_quotes()
    _create_daily_counts()
    _create_agent_configuration()


def _create_operators() -> None:
    op.create_table(
        "operators",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operators"),
        sa.UniqueConstraint("name", name="uq_operators_name"),
        sqlite_autoincrement=True,
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", _NUMBER, nullable=False),
        sa.Column("device_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["operators.id"], name="fk_sessions_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_sessions"),
        sa.UniqueConstraint("user_id", "device_sha256", name="uq_sessions_user_id_device_sha256"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def _create_contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("interest", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("searched", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_contacts_stage", "contacts", ["stage"])


def _create_stage_changes() -> None:
    op.create_table(
        "stage_changes",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("contact_id", _NUMBER, nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name="fk_stage_changes_contact_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stage_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stage_changes_contact_id", "stage_changes", ["contact_id"])


def _create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("contact_id", _NUMBER, nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("visitor", sa.String(), nullable=False),
        sa.Column("visitor_name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("status", sa.String(), server_default=sa.text("'agent'"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name="fk_conversations_contact_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("channel", "visitor", name="uq_conversations_channel_visitor"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_conversations_contact_id", "conversations", ["contact_id"])
    op.create_index("ix_conversations_updated_at", "conversations", ["updated_at"])


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("conversation_id", _NUMBER, nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("intent", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("calls", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_messages_conversation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint(
            "conversation_id", "external_id", name="uq_messages_conversation_id_external_id"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_messages_conversation_id", "messages", ["conversation_id"])


def _create_follow_ups() -> None:
    op.create_table(
        "follow_ups",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("contact_id", _NUMBER, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name="fk_follow_ups_contact_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_follow_ups"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_follow_ups_contact_id", "follow_ups", ["contact_id"])
    op.create_index("ix_follow_ups_due_on", "follow_ups", ["due_on"])


def _create_quotes() -> None:
    op.create_table(
        "quotes",
        sa.Column("id", _NUMBER, sa.Identity(), nullable=False),
        sa.Column("contact_id", _NUMBER, nullable=False),
        sa.Column("conversation_id", _NUMBER, nullable=True),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("tax_percent", sa.String(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name="fk_quotes_contact_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_quotes_conversation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_quotes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_quotes_contact_id", "quotes", ["contact_id"])
    op.create_index("ix_quotes_conversation_id", "quotes", ["conversation_id"])


def _create_daily_counts() -> None:
    op.create_table(
        "daily_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counted", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "counted", name="pk_daily_counts"),
    )


def _create_agent_configuration() -> None:
    op.create_table(
        "agent_configuration",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("temperature", sa.Float(), nullable=False),
        sa.Column("max_tokens", sa.Integer(), nullable=False),
        sa.Column("top_p", sa.Float(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent_configuration"),
    )
