"""Objects, blobs, and vector stores with their chunks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

_seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_document = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    _create_objects()
    _create_vector_store_files()
    _create_chunks()
    _create_vector_spaces()
    if op.get_bind().dialect.name == "sqlite":
        # Words are made by the code, each with its store's mark before it: no content to keep, no
        # positions, and every character above ASCII is part of a word.
        op.execute(
            "CREATE VIRTUAL TABLE chunks_fts USING fts5"
            "(terms, content = '', columnsize = 0, detail = none, tokenize = 'ascii')"
        )
    else:
        op.execute("ALTER TABLE chunks ADD COLUMN terms_indexed tsvector")
        # Finding candidates touches the row of every hit: without its long values, which are then
        # kept beside the table, ten times as many rows share a page.
        op.execute("ALTER TABLE chunks SET (toast_tuple_target = 128)")
        op.execute(
            "CREATE INDEX ix_chunks_terms ON chunks USING gin (terms_indexed)"
            " WITH (fastupdate = off)"
        )


def _create_objects() -> None:
    op.create_table(
        "objects",
        sa.Column("seq", _seq, sa.Identity(), nullable=False),
        sa.Column("project_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("parent", sa.String, nullable=False, server_default=""),
        sa.Column("name", sa.String),
        sa.Column("status", sa.String, nullable=False, server_default=""),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("document", _document, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_objects"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_objects_project_id"),
        sa.UniqueConstraint("project_id", "id", name="uq_objects_project_id_id"),
    )
    listing = ["project_id", "kind", "parent", "created_at", "seq"]
    op.create_index("ix_objects_listing", "objects", listing)
    op.create_index("ix_objects_expires_at", "objects", ["expires_at"])
    op.create_index(
        "uq_objects_name",
        "objects",
        ["project_id", "kind", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("refs", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_blobs"),
    )


def _create_vector_store_files() -> None:
    op.create_table(
        "vector_store_files",
        sa.Column("seq", _seq, sa.Identity(), nullable=False),
        sa.Column("project_id", sa.String, nullable=False),
        sa.Column("vector_store_id", sa.String, nullable=False),
        sa.Column("file_id", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("usage_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("attributes", _document, nullable=False),
        sa.Column("chunking", _document, nullable=False),
        sa.Column("last_error", _document),
        sa.Column("embedding_model", sa.String),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_owner", sa.String),
        sa.Column("lease_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("seq", name="pk_vector_store_files"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_vector_store_files_project_id"
        ),
    )
    for name, columns in {
        "listing": ["vector_store_id", "created_at", "seq"],
        "file_id": ["file_id"],
        "status": ["status", "lease_until"],
    }.items():
        op.create_index(f"ix_vector_store_files_{name}", "vector_store_files", columns)
    op.create_index(
        "uq_vector_store_files_store_file",
        "vector_store_files",
        ["vector_store_id", "file_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _create_chunks() -> None:
    op.create_table(
        "chunks",
        sa.Column("seq", _seq, sa.Identity(), nullable=False),
        sa.Column("vector_store_id", sa.String, nullable=False),
        sa.Column("file_seq", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer),
        sa.Column("heading", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("terms", sa.Text, nullable=False, server_default=""),
        sa.Column("embedding", sa.LargeBinary),
        sa.PrimaryKeyConstraint("seq", name="pk_chunks"),
        sa.UniqueConstraint("file_seq", "position", name="uq_chunks_file_seq_position"),
    )
    op.create_index("ix_chunks_vector_store_id", "chunks", ["vector_store_id"])
    op.create_table(
        "chunk_terms",
        sa.Column("vector_store_id", sa.String, nullable=False),
        sa.Column("term", sa.Text, nullable=False),
        sa.Column("chunks", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("vector_store_id", "term", name="pk_chunk_terms"),
        sqlite_with_rowid=False,
    )


def _create_vector_spaces() -> None:
    op.create_table(
        "vector_spaces",
        sa.Column("vector_store_id", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("dimensions", sa.Integer, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("vector_store_id", name="pk_vector_spaces"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # Drawn, not counted: numbers repeat when a backup is restored and work goes on from there.
        op.execute(
            "CREATE TRIGGER vector_spaces_generation"
            " AFTER UPDATE OF status, deleted_at, embedding_model ON vector_store_files BEGIN"
            " UPDATE vector_spaces SET generation = random()"
            " WHERE vector_store_id = NEW.vector_store_id; END"
        )
