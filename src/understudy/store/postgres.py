"""PostgreSQL behind the store: its engines, and what its errors mean."""

from typing import Any

from sqlalchemy import ExceptionContext, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from understudy.errors import NotReady, StartupError
from understudy.store.location import PostgresDatabase

CONNECT_TIMEOUT_S = 10
COMMAND_TIMEOUT_S = 30
_POOL_SIZE = 5
_AWAY = "The database does not answer. Try again in a moment."

# SQLSTATE classes of https://www.postgresql.org/docs/current/errcodes-appendix.html
_TRANSIENT_CLASSES = ("08", "40", "53", "57")


def require_driver() -> None:
    """Raise a StartupError unless the driver is installed."""
    try:
        import asyncpg  # noqa: F401
    except ImportError as error:
        raise StartupError(
            "The database URL names PostgreSQL, whose driver is not installed: "
            "pip install 'understudy[postgres]'."
        ) from error


def pooled_engine(database: PostgresDatabase) -> AsyncEngine:
    """Return the engine that the store reads and writes with.

    A connection is tried before it is used, so that a restart of the server costs no request.
    """
    return _engine(
        database,
        COMMAND_TIMEOUT_S,
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_SIZE,
        pool_pre_ping=True,
    )


def migrating_engine(database: PostgresDatabase) -> AsyncEngine:
    """Return an engine without a time limit, for migrations and the wait for another's."""
    return _engine(database, None, poolclass=NullPool)


def reading(engine: AsyncEngine) -> AsyncEngine:
    """Return a view of `engine` that refuses to write and sees one snapshot a transaction."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def is_transient(error: DBAPIError) -> bool:
    """Tell whether the same transaction may succeed later."""
    return error.connection_invalidated or _sqlstate(error).startswith(_TRANSIENT_CLASSES)


def explain(database: PostgresDatabase, error: BaseException) -> str:
    """Return cause and remedy of an error met while opening the database; never its password."""
    if isinstance(error, OSError):
        reason = error.strerror or f"no answer within {CONNECT_TIMEOUT_S} s"
        return (
            f"Cannot reach {database} ({reason}): check that the server runs, and host and port in "
            "the database URL."
        )
    match _sqlstate(error):
        case "28P01" | "28000":
            remedy = "check user and password in the database URL"
        case "3D000":
            remedy = f"create it with: createdb {database.name}"
        case "42501":
            remedy = "its user must be allowed to create tables in the schema"
        case "42P07":
            remedy = "it holds another program's tables. Give Understudy a database of its own"
        case "53300":
            remedy = "raise its max_connections, or end other clients"
        case "57P03":
            remedy = "it is starting or stopping. Try again in a moment"
        case _:
            remedy = "check the database URL and the server's log"
    return f"Cannot use {database} ({_cause(error, database.password)}): {remedy}."


def _engine(database: PostgresDatabase, command_timeout_s: int | None, **pool: Any) -> AsyncEngine:
    async def connect() -> Any:
        import asyncpg

        # asyncpg reads the URL as libpq does: ?sslmode=require, ?host=/socket/dir, PGPASSWORD.
        try:
            return await asyncpg.connect(
                database.dsn,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=command_timeout_s,
                server_settings={"application_name": "understudy"},
            )
        except OSError as error:
            raise NotReady(_AWAY) from error

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, **pool)

    @event.listens_for(engine.sync_engine, "handle_error")
    def report_silence(context: ExceptionContext) -> None:
        # asyncpg raises these as they are, and SQLAlchemy wraps only what its driver defines.
        if isinstance(context.original_exception, OSError):
            raise NotReady(_AWAY) from context.original_exception

    return engine


def _sqlstate(error: BaseException) -> str:
    original = error.orig if isinstance(error, DBAPIError) else error
    return getattr(original, "sqlstate", None) or ""


def _cause(error: BaseException, password: str) -> str:
    original = error.orig if isinstance(error, DBAPIError) else error
    cause = original.__cause__ if isinstance(original, BaseException) else None
    text = str(cause or original).partition("\n")[0]
    return text.replace(password, "***") if password else text
