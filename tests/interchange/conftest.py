"""The databases of the store's tests."""

from tests.store.conftest import database, postgres_database, postgres_server, store

__all__ = ["database", "postgres_database", "postgres_server", "store"]
