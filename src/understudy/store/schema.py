"""The tables as this release expects them; `migrations/` holds how a database gets there.

Times are Unix seconds. A migration never imports this module: it must stay true when tables change.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite numbers rows by itself only where the type is exactly INTEGER.
Seq = BigInteger().with_variant(Integer(), "sqlite")
Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

ACTIVE_RUN = (
    "deleted_at IS NULL AND status IN ('queued', 'in_progress', 'requires_action', 'cancelling')"
)
"""The condition that a run is not over; of these a thread has one at most."""

projects = Table(
    "projects",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("seq", Seq, Identity(), primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False, unique=True),
    Column("hint", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

objects = Table(
    "objects",
    metadata,
    Column("seq", Seq, Identity(), primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("parent", String, nullable=False, server_default=""),
    Column("name", String),
    Column("status", String, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("document", Document, nullable=False),
    UniqueConstraint("project_id", "id", name="uq_objects_project_id_id"),
    Index("ix_objects_listing", "project_id", "kind", "parent", "created_at", "seq"),
    Index("ix_objects_expires_at", "expires_at"),
    Index(
        "uq_objects_name",
        "project_id",
        "kind",
        "name",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
)
"""Every plain object. A deleted one stays as a tombstone, whose document is empty, so that its id
remains a valid cursor."""

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("refs", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

vector_store_files = Table(
    "vector_store_files",
    metadata,
    Column("seq", Seq, Identity(), primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("vector_store_id", String, nullable=False),
    Column("file_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("usage_bytes", BigInteger, nullable=False, server_default="0"),
    Column("attributes", Document, nullable=False),
    Column("chunking", Document, nullable=False),
    Column("last_error", Document),
    Column("embedding_model", String),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("lease_owner", String),
    Column("lease_until", BigInteger),
    Index(
        "uq_vector_store_files_store_file",
        "vector_store_id",
        "file_id",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index("ix_vector_store_files_listing", "vector_store_id", "created_at", "seq"),
    Index("ix_vector_store_files_file_id", "file_id"),
    Index("ix_vector_store_files_status", "status", "lease_until"),
)
"""A file in a vector store, and the queue of what is still to be read into it. `embedding_model`
names the model once every chunk of the file has its vector. `attempt` fences off readers that were
replaced and only grows; `tries` counts those attempts that nobody ended, since the file was
queued."""

vector_spaces = Table(
    "vector_spaces",
    metadata,
    Column("vector_store_id", String, primary_key=True),
    Column("model", String, nullable=False),
    Column("dimensions", Integer, nullable=False),
    Column("generation", BigInteger, nullable=False, server_default="0"),
)
"""The embedding model of a store, settled by its first vector. On SQLite a trigger draws another
`generation` whenever other files of the store can be found than before."""

chunks = Table(
    "chunks",
    metadata,
    Column("seq", Seq, Identity(), primary_key=True),
    Column("vector_store_id", String, nullable=False),
    Column("file_seq", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("page", Integer),
    Column("heading", Text),
    Column("text", Text, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("terms", Text, nullable=False, server_default=""),
    Column("embedding", LargeBinary),
    UniqueConstraint("file_seq", "position", name="uq_chunks_file_seq_position"),
    Index("ix_chunks_vector_store_id", "vector_store_id"),
)
"""Pieces of files as they are searched. `file_seq` is a row of `vector_store_files`; `terms` holds
the words that are searched, in their order; `embedding` little-endian float32, L2-normalised. The
index of the words is not described here, since no two databases do it alike: the FTS5 table
`chunks_fts` on SQLite, the column `chunks.terms_indexed` (tsvector) on PostgreSQL."""

chunk_terms = Table(
    "chunk_terms",
    metadata,
    Column("vector_store_id", String, nullable=False),
    Column("term", Text, nullable=False),
    Column("chunks", BigInteger, nullable=False),
    PrimaryKeyConstraint("vector_store_id", "term"),
    sqlite_with_rowid=False,
)
"""In how many chunks of a store each term occurs. The empty term counts them all."""

items = Table(
    "items",
    metadata,
    Column("seq", Seq, Identity(), primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("id", String, nullable=False),
    Column("thread_id", String, nullable=False),
    Column("type", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("run_id", String),
    Column("step_id", String),
    Column("response_id", String),
    Column("assistant_id", String),
    Column("document", Text, nullable=False),
    Column("metadata", Text, nullable=False, server_default="{}"),
    Column("extra", Text, nullable=False, server_default="{}"),
    UniqueConstraint("project_id", "id", name="uq_items_project_id_id"),
    Index("ix_items_listing", "project_id", "thread_id", "created_at", "seq"),
)
"""The conversation log. `document` is the item in the shape of the Responses API, `metadata` and
`extra` what only messages of threads have. All three are JSON in text, where JSONB would refuse
the NULs that a message may hold."""

runs = Table(
    "runs",
    metadata,
    Column("seq", Seq, Identity(), primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("id", String, nullable=False),
    Column("kind", String, nullable=False, server_default="run"),
    Column("thread_id", String, nullable=False),
    Column("assistant_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("expires_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("lease_owner", String),
    Column("lease_until", BigInteger),
    Column("next_event", BigInteger, nullable=False, server_default="1"),
    Column("document", Text, nullable=False),
    Column("metadata", Text, nullable=False, server_default="{}"),
    UniqueConstraint("project_id", "id", name="uq_runs_project_id_id"),
    Index(
        "uq_runs_active",
        "project_id",
        "thread_id",
        unique=True,
        sqlite_where=text(ACTIVE_RUN),
        postgresql_where=text(ACTIVE_RUN),
    ),
    Index(
        "ix_runs_active",
        "status",
        "expires_at",
        sqlite_where=text(ACTIVE_RUN),
        postgresql_where=text(ACTIVE_RUN),
    ),
    Index("ix_runs_listing", "project_id", "thread_id", "created_at", "seq"),
    Index("ix_runs_ended_at", "ended_at"),
)
"""Runs and responses (`kind`), and the queue of those to be worked on: a lease says who does,
`attempt` how often it was taken up, `next_event` which number the next event gets; `ended_at` goes
with the run's events. The thread of a response is its conversation, or its own id without one."""

run_steps = Table(
    "run_steps",
    metadata,
    Column("seq", Seq, Identity(), primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("id", String, nullable=False),
    Column("run_seq", BigInteger, nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("document", Text, nullable=False),
    UniqueConstraint("project_id", "id", name="uq_run_steps_project_id_id"),
    Index("ix_run_steps_listing", "run_seq", "created_at", "seq"),
)
"""What a run did, step by step; the document is JSON in text."""

run_events = Table(
    "run_events",
    metadata,
    Column("run_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("data", Text, nullable=False),
)
"""What the readers of a run's stream are sent, numbered from 1 without gaps."""

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("project_id", String, ForeignKey("projects.id"), primary_key=True),
    Column("key", String, primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("object_id", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
"""Which object the request with an `Idempotency-Key` made; the fingerprint is that request's."""
