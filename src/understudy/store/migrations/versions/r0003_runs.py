"""Threads as logs of items, runs with their steps and events, and idempotency keys."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ACTIVE = (
    "deleted_at IS NULL AND status IN ('queued', 'in_progress', 'requires_action', 'cancelling')"
)


def upgrade() -> None:
    _create_items()
    _create_runs()
    _create_run_steps()
    op.create_table(
        "run_events",
        sa.Column("run_seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_seq", "number", name="pk_run_events"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("project_id", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("object_id", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "key", name="pk_idempotency_keys"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_idempotency_keys_project_id"
        ),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _create_items() -> None:
    op.create_table(
        "items",
        sa.Column("seq", _seq, sa.Identity(), nullable=False),
        sa.Column("project_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("thread_id", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("run_id", sa.String),
        sa.Column("step_id", sa.String),
        sa.Column("response_id", sa.String),
        sa.Column("assistant_id", sa.String),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False, server_default="{}"),
        sa.Column("extra", sa.Text, nullable=False, server_default="{}"),
        sa.PrimaryKeyConstraint("seq", name="pk_items"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_items_project_id"),
        sa.UniqueConstraint("project_id", "id", name="uq_items_project_id_id"),
    )
    op.create_index("ix_items_listing", "items", ["project_id", "thread_id", "created_at", "seq"])


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("seq", _seq, sa.Identity(), nullable=False),
        sa.Column("project_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("thread_id", sa.String, nullable=False),
        sa.Column("assistant_id", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_owner", sa.String),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("next_event", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False, server_default="{}"),
        sa.PrimaryKeyConstraint("seq", name="pk_runs"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_runs_project_id"),
        sa.UniqueConstraint("project_id", "id", name="uq_runs_project_id_id"),
    )
    active: dict[str, Any] = {
        "sqlite_where": sa.text(_ACTIVE),
        "postgresql_where": sa.text(_ACTIVE),
    }
    op.create_index("uq_runs_active", "runs", ["project_id", "thread_id"], unique=True, **active)
    op.create_index("ix_runs_active", "runs", ["status", "expires_at"], **active)
    op.create_index("ix_runs_listing", "runs", ["project_id", "thread_id", "created_at", "seq"])
    op.create_index("ix_runs_ended_at", "runs", ["ended_at"])


def _create_run_steps() -> None:
    op.create_table(
        "run_steps",
        sa.Column("seq", _seq, sa.Identity(), nullable=False),
        sa.Column("project_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("run_seq", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_run_steps"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_run_steps_project_id"),
        sa.UniqueConstraint("project_id", "id", name="uq_run_steps_project_id_id"),
    )
    op.create_index("ix_run_steps_listing", "run_steps", ["run_seq", "created_at", "seq"])
