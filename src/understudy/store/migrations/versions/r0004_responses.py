"""Responses beside runs: one queue, and one rule of who is active in a thread."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("runs", sa.Column("kind", sa.String, nullable=False, server_default="run"))
