"""The steps from an empty database to this release's tables, run by Alembic."""
