"""Statements in the words of the driver: what goes wrong with them comes out as with all others."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import Connection

from dispatcher.core.errors import UnavailableError
from dispatcher.store.engine import Database
from dispatcher.store.prepared import driver_rows


def test_a_database_that_breaks_between_two_rows_is_away(sqlite_url: str) -> None:
    """SQLite makes a row when it is fetched: a disk may fail there as well."""

    def read(connection: Connection) -> list[tuple[int, ...]]:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.create_function("page", 1, lambda number: 1 // (number < 2))
        return driver_rows(connection, "SELECT page(value) FROM json_each(?)", ("[1,2]",))

    with contextlib.closing(Database(sqlite_url)) as database, pytest.raises(UnavailableError, match="does not answer"):
        database.run(read)
