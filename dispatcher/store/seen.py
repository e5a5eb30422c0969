"""Which numbers a plan has already met in a step: a temporary table, so that memory does not grow with the audience."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, select
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
            Column("hop", Integer, nullable=False),
            Column("address_hash", LargeBinary, nullable=False),
            # what is looked up comes first: else each page reads all that were met before it
            PrimaryKeyConstraint("address_hash", "hop"),
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
        )
        connection.execute(CreateTable(self._table))

    def first_of(self, numbers: Iterable[tuple[int, bytes]]) -> list[bool]:
        """For each (hop, number): whether it is met for the first time."""
        asked = list(numbers)
        hashes = list({address_hash for _, address_hash in asked})
        columns = (self._table.c.hop, self._table.c.address_hash)
        if not hashes:
            return []
        statement = select(*columns).where(among(self._connection, self._table.c.address_hash, hashes))
        met = {(row.hop, bytes(row.address_hash)) for row in self._connection.execute(statement)}
        answers = []
        for number in asked:
            answers.append(number not in met)
            met.add(number)
        fresh = [number for number, is_first in zip(asked, answers, strict=True) if is_first]
        insert_ignore(self._connection, self._table, [{"hop": hop, "address_hash": h} for hop, h in fresh])
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
