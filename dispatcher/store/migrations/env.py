"""Alembic runs this with the connection that `store/migrate.py` opened."""

from alembic import context

from dispatcher.store.tables import complete

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=complete(),
    transactional_ddl=False,
)
context.run_migrations()
