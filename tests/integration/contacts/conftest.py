"""A context on each kind of database, and files as clerks make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dispatcher.operations.context import Context
from dispatcher.operations.import_contacts import import_contacts
from dispatcher.operations.import_result import ImportOptions, ImportResult
from dispatcher.settings import Environment
from dispatcher.store.engine import Database
from dispatcher.store.installation import claim_installation
from dispatcher.store.keys import Keys
from dispatcher.store.tables import metadata

KEYS = Keys(b"s" * 32, b"k" * 32)


@pytest.fixture
def context(database_url: str, tmp_path: Path) -> Iterator[Context]:
    database = Database(database_url)
    claim_installation(database, KEYS)
    environment = Environment({"DATABASE_URL": database_url, "DISPATCHER_CONFIG": ""})
    yield Context(environment, database, KEYS)
    database.close()


@pytest.fixture
def run(context: Context, tmp_path: Path) -> Callable[..., ImportResult]:
    """Writes the text to a file of that name and imports it."""

    def run(text: str, name: str = "warga.csv", **options: Any) -> ImportResult:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        hook = options.pop("on_contacts_changed", None)
        more = {"on_contacts_changed": hook} if hook else {}
        return import_contacts(context, path, ImportOptions(**options), **more)

    return run


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """The whole database, to see that nothing was written."""
    with database.read() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
