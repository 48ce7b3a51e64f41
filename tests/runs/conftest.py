"""Threads and runs are tested on the store's databases."""

from tests.store.conftest import database, postgres_database, postgres_server, store

__all__ = ["database", "postgres_database", "postgres_server", "store"]
