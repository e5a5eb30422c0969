"""Statements of the hot path: compiled once, their rows as the driver gives them.

For a statement of some hundred rows SQLAlchemy looks up its cache, checks each parameter and wraps each row: as much
work as the database has with it. Errors come out as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Executable


def driver_rows(connection: Connection, statement: str, values: Any) -> list[tuple[Any, ...]]:
    """Of a statement in the words of the driver."""
    result = connection.exec_driver_sql(statement, values)
    assert result.cursor is not None
    # not by the cursor itself: SQLite makes rows while they are fetched, and what fails there must be said as elsewhere
    rows: list[tuple[Any, ...]] = result.cursor_strategy.fetchall(result, result.cursor)
    return rows


class _Compiled(NamedTuple):
    text: str
    names: Sequence[str] | None
    """Of the parameters in the order of their marks; None where the driver takes them by name."""

    fixed: Mapping[str, Any]


class Prepared:
    """`build(is_postgres)` makes the statement. Its parameters are plain: numbers, texts, bytes, `array_of`."""

    def __init__(self, build: Callable[[bool], Executable]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All of them: what is a truth value is 0 or 1 on SQLite."""
        compiled = self._compiled.get(connection.dialect.name) or self._compile(connection)
        given: Any = {**compiled.fixed, **values}
        if compiled.names is not None:
            given = tuple([given[name] for name in compiled.names])
        return driver_rows(connection, compiled.text, given)

    def _compile(self, connection: Connection) -> _Compiled:
        statement: Any = self._build(connection.dialect.name == "postgresql")
        found = statement.compile(dialect=connection.dialect)
        fixed = {name: value for name, value in found.params.items() if not found.binds[name].required}
        compiled = self._compiled[connection.dialect.name] = _Compiled(str(found), found.positiontup, fixed)
        return compiled
