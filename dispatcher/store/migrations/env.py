"""Alembic runs this with the connection that `store/migrate.py` opened."""

from alembic import context

from dispatcher.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
)
context.run_migrations()
