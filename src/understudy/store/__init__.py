"""Where state lives: the database, its migrations, API keys, the lock of a running server."""
