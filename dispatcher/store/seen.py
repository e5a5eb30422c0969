"""Which numbers a plan has already met in a step: a temporary table, so that memory does not grow with the audience."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from sqlalchemy import Column, Connection, LargeBinary, MetaData, Table, select
from sqlalchemy.schema import CreateTable

from dispatcher.store.among import among
from dispatcher.store.bulk import insert_ignore

_PAGE_BITS = 512
_numbers = count()


class SeenNumbers:
    """One per step and occasion."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = Table(
            f"seen_{next(_numbers)}",
            MetaData(),
            Column("address_hash", LargeBinary, primary_key=True),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
        )
        connection.execute(CreateTable(self._table))

    def first_of(self, numbers: Iterable[bytes]) -> list[bool]:
        """For each number, by its hash: whether it is met for the first time."""
        asked = list(numbers)
        if not asked:
            return []
        column = self._table.c.address_hash
        statement = select(column).where(among(self._connection, column, list(set(asked))))
        met = set(self._connection.execute(statement).scalars())
        answers = []
        for number in asked:
            answers.append(number not in met)
            met.add(number)
        fresh = [number for number, is_first in zip(asked, answers, strict=True) if is_first]
        insert_ignore(self._connection, self._table, [{"address_hash": number} for number in fresh])
        return answers

    def close(self) -> None:
        self._table.drop(self._connection)


class SeenIds:
    """A set of ids that lie close together: a bit for each, so that a million take some hundred kilobytes."""

    def __init__(self) -> None:
        self._pages: dict[int, int] = {}

    def add(self, identifier: int) -> None:
        page, bit = divmod(identifier, _PAGE_BITS)
        self._pages[page] = self._pages.get(page, 0) | 1 << bit

    def __contains__(self, identifier: int) -> bool:
        page, bit = divmod(identifier, _PAGE_BITS)
        return bool(self._pages.get(page, 0) >> bit & 1)
