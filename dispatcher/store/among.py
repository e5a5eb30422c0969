"""`any_of` for a page of thousands: one parameter on SQLite too, where the compiler takes longer than the search.

Its planner takes a list for about 25 rows whatever its length, so it is for columns that an index finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, func, literal, select

from dispatcher.store.bulk import any_of


def among(connection: Connection, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """`column IN values`, which are integers or bytes."""
    if connection.dialect.name == "postgresql":
        return any_of(connection, column, values)
    if not isinstance(column.type, LargeBinary):
        return column.in_(_rows(values))
    lengths = {len(value) for value in values}
    if len(lengths) != 1:
        return column.in_(values)
    return column.in_(_slices(b"".join(values), lengths.pop()))


def _rows(numbers: Sequence[int]) -> Select[Any]:
    return select(func.json_each(f"[{','.join(map(str, numbers))}]").table_valued("value").c.value)


def _slices(joined: bytes, length: int) -> Select[Any]:
    """SQLite has no array of bytes: one value, cut where each begins."""
    begins = _rows(range(1, len(joined), length)).selected_columns[0]
    return select(func.substr(literal(joined, LargeBinary), begins, length))
