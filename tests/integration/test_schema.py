"""The tables that queries are written for are those that the migrations make."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import Connection, text

from dispatcher.store.engine import Database
from dispatcher.store.migrate import upgrade
from dispatcher.store.tables import complete

INDEXES = {
    True: "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    False: "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
}
OPTIONS = "SELECT reloptions FROM pg_class WHERE relname = 'messages'"
TYPES = """
    SELECT table_name || '.' || column_name, udt_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""


def found(connection: Connection, *, is_sqlite: bool) -> list[object]:
    indexes = {name: " ".join(made.split()) for name, made in connection.execute(text(INDEXES[is_sqlite]))}
    if is_sqlite:
        return [indexes]
    types = dict(map(tuple, connection.execute(text(TYPES))))
    return [indexes, types, sorted(connection.execute(text(OPTIONS)).scalar_one())]


def test_tables_have_the_indexes_types_and_options_of_the_migrations(empty_database_url: str) -> None:
    with closing(Database(empty_database_url)) as database:
        with database.begin() as connection:
            complete().create_all(connection)
            declared = found(connection, is_sqlite=database.is_sqlite)
            complete().drop_all(connection)
        upgrade(empty_database_url)
        with database.read() as connection:
            assert declared == found(connection, is_sqlite=database.is_sqlite)
