"""What a dry run has seen so far, in a private SQLite file that vanishes with the process: memory stays bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from dispatcher.store.drafts import Draft, Person

_MARKS = 500


class Scratch:
    """Identities, row hashes and number hashes only."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(
            """
            PRAGMA journal_mode = OFF;
            CREATE TABLE people (identity BLOB PRIMARY KEY, id INTEGER, hashes BLOB) WITHOUT ROWID;
            CREATE TABLE numbers (hash BLOB, id INTEGER, PRIMARY KEY (hash, id)) WITHOUT ROWID;
            """
        )

    def close(self) -> None:
        self._connection.close()

    def recall(
        self, drafts: dict[bytes, Draft], owners: dict[bytes, set[int]], people: Sequence[Person], import_id: int
    ) -> None:
        """Adds to what the database knows of these rows."""
        identities = [person.identity for person in people]
        for identity, number, hashes in self._among("SELECT * FROM people WHERE identity IN", identities):
            draft = drafts.setdefault(identity, Draft(number, identity, is_new=False))
            draft.hashes, draft.import_id = hashes, import_id
        numbers = [number.hash for person in people for number in person.numbers]
        for address_hash, number in self._among("SELECT * FROM numbers WHERE hash IN", numbers):
            owners.setdefault(address_hash, set()).add(number)

    def remember(self, drafts: Sequence[Draft]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT OR REPLACE INTO people VALUES (?, ?, ?)", [(d.identity, d.id, d.hashes) for d in drafts]
        )
        self._connection.executemany(
            "INSERT OR IGNORE INTO numbers VALUES (?, ?)",
            [(number.hash, draft.id) for draft in drafts for number in draft.numbers.values()],
        )
        self._connection.execute("COMMIT")

    def _among(self, select: str, values: list[bytes]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(values), _MARKS):
            some = values[start : start + _MARKS]
            found += self._connection.execute(f"{select} ({', '.join('?' * len(some))})", some).fetchall()
        return found
