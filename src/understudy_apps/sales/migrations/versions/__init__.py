"""Steps of the schema, run in order by Alembic; a released step never changes."""
