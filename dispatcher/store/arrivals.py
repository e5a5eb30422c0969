"""Newcomers on their way into the database, but for those who turn out to be known."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Table

from dispatcher.audience.ledger import sheet_of
from dispatcher.store import import_lookup, ledger
from dispatcher.store.drafts import Person, Terms, unpacked
from dispatcher.store.layout import CONSENT, CONTACT, EVENT, MEMBERSHIP, POINT
from dispatcher.store.load import copy
from dispatcher.store.newcomers import ALL_MEDIA, TABLES, VIA, Held, Newcomers
from dispatcher.store.tables import consent_events, consents, contact_points, contacts, memberships

_PLACE: Final = "row_number() OVER (ORDER BY seq) - 1 + :first"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`known`: the positions of those who are not new, `not_new` themselves."""

    newcomers: Newcomers
    known: frozenset[int]
    not_new: list[Person]

    @classmethod
    def of(cls, newcomers: Newcomers, connection: Connection) -> Arrivals:
        identities = import_lookup.known(connection, newcomers.identities)
        known = [at for at, identity in enumerate(newcomers.identities) if identity in identities] if identities else []
        return cls(newcomers, frozenset(known), unpacked(newcomers.packed, known) if known else [])

    @property
    def count(self) -> int:
        return len(self.newcomers.lines) - len(self.known)

    def held(self) -> list[Held]:
        first, lines, known = self.newcomers.first_id, self.newcomers.lines, self.known
        numbers = zip(self.newcomers.numbers, self.newcomers.holders, strict=True)
        return [(number, first + at, lines[at]) for number, at in numbers if at not in known]

    def take_over(self, connection: Connection, import_id: int, terms: Terms) -> None:
        """On SQLite the image is attached as `beside`. IntegrityError where one more of them is known by now."""
        sheet, now_us = sheet_of(import_id, self.newcomers.now_us), self.newcomers.now_us
        values: dict[str, Any] = {
            "known": "[" + ",".join([str(self.newcomers.first_id + at) for at in self.known]) + "]",
            **{"import_id": import_id, "sheet": sheet, "created_us": now_us, "updated_us": now_us, "at_us": now_us},
            **{"purpose": terms.purpose, "media": ALL_MEDIA, "evidence": terms.evidence, "source": terms.source},
            "via": VIA,
        }
        with _opened(connection, self.newcomers.image) as source:
            for table, columns in ((contacts, CONTACT), (contact_points, POINT), (memberships, MEMBERSHIP)):
                source.move(table, columns, _select(columns, table.name), values)
            source.move(consents, CONSENT, _select(CONSENT, "consent_events"), values)
            made = [row[0] for row in source.rows(_select(("commitment",), "consent_events") + " ORDER BY seq", values)]
            if made:
                first = {"first": ledger.lengthen(connection, sheet, made)}
                source.move(consent_events, EVENT, _select(EVENT, "consent_events"), values | first)


def _select(columns: Sequence[str], table: str) -> str:
    """Columns that the image lacks are the same for everybody: parameters."""
    own = TABLES[table]
    fields = ", ".join([_PLACE if name == "seq" else name if name in own else f":{name}" for name in columns])
    owner = "id" if table == "contacts" else "contact_id"
    return f"SELECT {fields} FROM beside.{table} WHERE {owner} NOT IN (SELECT value FROM json_each(:known))"  # noqa: S608


class _Source(Protocol):
    def rows(self, select: str, values: Mapping[str, Any]) -> Iterable[Sequence[Any]]: ...

    def move(self, table: Table, columns: tuple[str, ...], select: str, values: Mapping[str, Any]) -> None: ...


@contextmanager
def _opened(connection: Connection, image: bytes) -> Iterator[_Source]:
    if connection.dialect.name != "postgresql":
        yield _Attached(connection)
        return
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as driver:
        driver.execute("ATTACH ':memory:' AS beside")
        driver.deserialize(image, name="beside")
        yield _Apart(connection, driver)


class _Attached:
    """SQLite moves the rows itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, select: str, values: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
        return self._connection.exec_driver_sql(select, dict(values))

    def move(self, table: Table, columns: tuple[str, ...], select: str, values: Mapping[str, Any]) -> None:
        self._connection.exec_driver_sql(f"INSERT INTO main.{table.name} ({', '.join(columns)}) {select}", dict(values))


class _Apart:
    """For Postgres they are read and copied."""

    def __init__(self, connection: Connection, image: sqlite3.Connection) -> None:
        self._connection, self._image = connection, image

    def rows(self, select: str, values: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
        return self._image.execute(select, values)

    def move(self, table: Table, columns: tuple[str, ...], select: str, values: Mapping[str, Any]) -> None:
        copy(self._connection, table, columns, self._image.execute(select, values), dumps=str)
