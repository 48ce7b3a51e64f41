"""Run by Alembic: upgrades the connection that `store/migrate` hands over, in its transaction."""

from alembic import context

from understudy.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
